import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AheadScan } from '../../../../src/core/backup/scan-ahead.ts';
import type { Problem } from '../../../../src/core/problem.ts';
import { scanRoot } from '../../../../src/core/source/scan.ts';
import { CHUNK_ID_BYTES } from '../../../../src/core/vault/chunk-id.ts';
import { viewsIn } from '../../../../src/core/vault/manifest.ts';
import { bareRecord } from '../../../build/bare-record.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../../build/tree.ts';
import { buildVault } from '../../../build/vault.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

const orderFor = (directory: string, exclude: readonly string[] = []) => ({
  name: 'workspace',
  directory,
  include: [],
  exclude,
});

describe('scanning ahead in a thread', () => {
  it('finds what scanning here does, and tells the same problems', async () => {
    makeTree(
      folder.path,
      treeOf({
        'a b\n中文😀/x\udce4y': 'name that is no text',
        'empty/': '',
        go: { link: 'a b' },
        'no.log': '',
      }),
    );
    for (let number = 0; number < 3000; number++) {
      if (number % 100 === 0) mkdirSync(join(folder.path, `d${number / 100}`));
      writeFileSync(join(folder.path, `d${Math.floor(number / 100)}`, `f${number}`), String(number));
    }
    const socket = createServer().listen(join(folder.path, 'socket'));
    const order = orderFor(folder.path, ['*.log']);
    const told: Problem[] = [];
    const ahead: unknown[] = [];
    await using scan = new AheadScan({ ...order, after: '' }, {});
    for await (const { bytes } of scan.batches((problem) => told.push(problem))) {
      for (const view of viewsIn(bytes)) {
        const { type, size, mode, mtimeNs, ctimeNs, inode, target } = view;
        const path = view.path.slice('files/workspace/'.length);
        ahead.push({ path, type, size, mode, mtimeNs, ctimeNs, inode, target });
      }
    }
    const problems: Problem[] = [];
    const here = [...scanRoot(order, (problem) => problems.push(problem), {})].map(
      ({ path, type, size, mode, mtimeNs, ctimeNs, inode, target }) => ({
        path,
        type,
        size,
        mode,
        mtimeNs,
        ctimeNs,
        inode,
        target,
      }),
    );
    socket.close();
    // The root itself is scanned by who starts the thread.
    expect(ahead).toEqual(here.slice(1));
    expect(ahead.length).toBeGreaterThan(3000);
    expect(told).toEqual(problems);
    expect(told).toMatchObject([{ code: 'special-file' }]);
  });

  it('goes on behind the path it is given', async () => {
    makeTree(folder.path, treeOf({ 'a/1': '', 'a/2/x': '', 'a/2/y': '', 'a/2!': '', b: '' }));
    const paths: string[] = [];
    await using scan = new AheadScan({ ...orderFor(folder.path), after: 'a/2/x' }, {});
    for await (const { bytes } of scan.batches(() => undefined)) {
      for (const { path } of viewsIn(bytes)) paths.push(path);
    }
    expect(paths).toEqual(['a/2/y', 'a/2!', 'b'].map((path) => `files/workspace/${path}`));
  });

  it('reads files into chunks with their ids, and leaves out those that are large', async () => {
    await using built = await buildVault();
    const { chunker, chunkIds, keys } = built.vault;
    const files: Record<string, Buffer | string> = { empty: '', large: randomBytes(1024 * 1024 + 1) };
    for (let number = 0; number < 60; number++) {
      files[`f${number}.${number % 2 === 0 ? 'txt' : 'png'}`] = randomBytes(number * 9000 + 1);
    }
    makeTree(folder.path, treeOf(files));
    const content = { chunkIdKey: keys.chunkId, gear: keys.gear, sizes: chunker.sizes };
    const order = { ...orderFor(folder.path), after: '', content };
    const read = bareRecord<Buffer>();
    const left: string[] = [];
    await using scan = new AheadScan(order, {});
    for await (const { bytes, nextChunk } of scan.batches(() => undefined)) {
      for (const { path, size, chunks } of viewsIn(bytes)) {
        const name = path.slice('files/workspace/'.length);
        const parts: Buffer[] = [];
        for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
          const chunk = Buffer.from(nextChunk()!);
          expect(chunkIds.of(chunk).equals(chunks.subarray(at, at + CHUNK_ID_BYTES))).toBe(true);
          parts.push(chunk);
        }
        if (size > 0 && parts.length === 0) left.push(name);
        else read[name] = Buffer.concat(parts);
      }
      expect(nextChunk()).toBeUndefined();
    }
    expect(left).toEqual(['large']);
    for (const [name, bytes] of Object.entries(files)) {
      if (name !== 'large') expect(read[name]?.equals(Buffer.from(bytes))).toBe(true);
    }
  });

  it('stops when it is cancelled', async () => {
    makeTree(folder.path, treeOf({ a: '1' }));
    const stop = new AbortController();
    await using scan = new AheadScan({ ...orderFor(folder.path), after: '' }, { signal: stop.signal });
    stop.abort();
    await expect(scan.batches(() => undefined).next()).rejects.toMatchObject({ code: 'cancelled' });
  });
});
