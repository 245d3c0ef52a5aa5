import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scanAhead } from '../../../../src/core/backup/scan-ahead.ts';
import type { Problem } from '../../../../src/core/problem.ts';
import { scanRoot } from '../../../../src/core/source/scan.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../../build/tree.ts';

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
    const ahead = [];
    for await (const batch of scanAhead(order, (problem) => told.push(problem), {})) {
      for (const view of batch) {
        const { path, type, size, mode, mtimeNs, ctimeNs, inode, target } = view;
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
    expect(ahead).toEqual(here);
    expect(ahead.length).toBeGreaterThan(3000);
    expect(told).toEqual(problems);
    expect(told).toMatchObject([{ code: 'special-file' }]);
  });

  it('stops when it is cancelled', async () => {
    makeTree(folder.path, treeOf({ a: '1' }));
    const stop = new AbortController();
    const scan = scanAhead(orderFor(folder.path), () => undefined, { signal: stop.signal });
    stop.abort();
    await expect(scan.next()).rejects.toMatchObject({ code: 'cancelled' });
  });
});
