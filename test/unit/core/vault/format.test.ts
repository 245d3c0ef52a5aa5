import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { ChunkIds } from '../../../../src/core/vault/chunk-id.ts';
import { createChunker } from '../../../../src/core/vault/chunker.ts';
import { encodeConfig, type VaultConfig } from '../../../../src/core/vault/config.ts';
import { decodeFrame, FrameMethod } from '../../../../src/core/vault/frame.ts';
import { type Envelope, formatSecret, parseSecret, unwrapMasterKey } from '../../../../src/core/vault/key.ts';
import { encodeEntry, EntryView } from '../../../../src/core/vault/manifest-entry.ts';
import { decodeFrames, encodeFrames } from '../../../../src/core/vault/pack.ts';
import { deriveKeys, open, type SealRole } from '../../../../src/core/vault/seal.ts';
import { bareRecord } from '../../../build/bare-record.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import * as stranger from '../../../build/stranger-reader.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../../build/tree.ts';
import { buildVault, type BuiltVault } from '../../../build/vault.ts';

interface Vectors {
  readonly vaultId: string;
  readonly derived: Record<'chunkId' | 'sealing' | 'configuration' | 'gearSha256', string> & {
    readonly gearFirst: readonly number[];
  };
  readonly secret: { readonly bytes: string; readonly text: string };
  readonly envelopes: readonly (Envelope & { readonly passphrase?: string })[];
  readonly configuration: VaultConfig & { readonly seal: string };
  readonly seals: readonly { role: SealRole; position: string; plain: string; sealed: string }[];
  readonly chunks: { readonly text: string; readonly id: string; readonly sampleCuts: readonly number[] };
  readonly delta: { readonly dictionary: string; readonly coded: string; readonly plain: string };
  readonly listing: string;
  readonly entry: {
    readonly path: string;
    readonly mode: string;
    readonly size: number;
    readonly mtimeNs: string;
    readonly ctimeNs: string;
    readonly inode: string;
    readonly bytes: string;
  };
}

const document = readFileSync(join(import.meta.dirname, '../../../../docs/vault-format.md'), 'utf8');
const vectors = JSON.parse(document.split('```json\n').at(-1)!.split('```')[0]!) as Vectors;
const masterKey = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
const vaultId = Buffer.from(vectors.vaultId, 'hex');
const keys = deriveKeys(masterKey, vaultId);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('the test vectors of the format', () => {
  it('hold for the derived keys', () => {
    const { derived } = vectors;
    expect(keys.chunkId.toString('hex')).toBe(derived.chunkId);
    expect(keys.sealing.toString('hex')).toBe(derived.sealing);
    expect(keys.config.toString('hex')).toBe(derived.configuration);
    expect(createHash('sha256').update(keys.gear).digest('hex')).toBe(derived.gearSha256);
    expect([0, 4, 8].map((at) => keys.gear.readUInt32LE(at))).toEqual(derived.gearFirst);
    for (const [purpose, bytes, wanted] of [
      ['chunk id', 32, derived.chunkId],
      ['sealing', 32, derived.sealing],
      ['configuration', 32, derived.configuration],
    ] as const) {
      expect(stranger.derive(masterKey, vaultId, purpose, bytes).toString('hex')).toBe(wanted);
    }
  });

  it('hold for secrets and key files', async () => {
    const { secret, envelopes } = vectors;
    expect(parseSecret(secret.text).toString('hex')).toBe(secret.bytes);
    expect(stranger.secretOf(secret.text.toLowerCase()).toString('hex')).toBe(secret.bytes);
    expect(formatSecret(hex(secret.bytes), 'A heading').replaceAll('\n', '')).toContain(secret.text);
    for (const envelope of envelopes) {
      const { passphrase } = envelope;
      const unlock = passphrase === undefined ? { secret: hex(secret.bytes) } : { passphrase };
      expect(await unwrapMasterKey(envelope, vaultId, unlock)).toEqual(masterKey);
      expect(stranger.masterKeyOf(envelope, vaultId, passphrase ?? hex(secret.bytes))).toEqual(masterKey);
    }
  });

  it('hold for the configuration', () => {
    const { seal, ...config } = vectors.configuration;
    expect(JSON.parse(encodeConfig(keys, config))).toEqual({ ...config, seal });
  });

  it('hold for seals', () => {
    for (const { role, position, plain, sealed } of vectors.seals) {
      expect(open(keys, role, hex(position), hex(sealed)).toString('hex')).toBe(plain);
      const read = stranger.unseal(keys.sealing, vaultId, role, hex(position), hex(sealed));
      expect(read.toString('hex')).toBe(plain);
    }
  });

  it('hold for chunks', () => {
    const { text, id, sampleCuts } = vectors.chunks;
    expect(new ChunkIds(keys.chunkId).of(Buffer.from(text)).toString('hex')).toBe(id);
    const blocks = Array.from({ length: 131_072 }, (_, number) => {
      const counter = Buffer.alloc(4);
      counter.writeUInt32LE(number);
      return createHash('sha256').update(counter).digest();
    });
    const sample = Buffer.concat(blocks);
    const chunker = createChunker(keys.gear, vectors.configuration.chunkSizes);
    const cuts: number[] = [];
    for (let at = 0; at < sample.length; at += cuts.at(-1)!)
      cuts.push(chunker.cut(sample, at, sample.length));
    expect(cuts).toEqual(sampleCuts);
  });

  it('hold for delta frames whose dictionary begins with the magic of zstd', () => {
    const { dictionary, coded, plain } = vectors.delta;
    const bytes = hex(plain);
    expect(decodeFrame(FrameMethod.delta, hex(coded), bytes.length, hex(dictionary))).toEqual(bytes);
    expect(stranger.decode(2, hex(coded), hex(dictionary))).toEqual(bytes);
  });

  it('hold for listings', () => {
    const listing = hex(vectors.listing);
    const frames = decodeFrames(listing);
    expect(encodeFrames(frames)).toEqual(listing);
    expect(frames.map(({ method, offset, sealedBytes }) => [method, offset, sealedBytes])).toEqual([
      [0, 24, 33],
      [2, 57, 60],
    ]);
    const read = stranger.framesOf(listing);
    expect(read.map(({ chunks }) => chunks)).toEqual(
      frames.map(({ chunks }) => chunks.map(({ id, bytes }) => ({ id: id.toString('hex'), bytes }))),
    );
  });

  it('hold for entries', () => {
    const { bytes, path, mode, size, mtimeNs, ctimeNs, inode } = vectors.entry;
    const entry = new EntryView(hex(bytes), 0).toEntry();
    expect(entry).toMatchObject({
      path,
      type: 'file',
      size,
      mode: Number.parseInt(mode, 8),
      mtimeNs: BigInt(mtimeNs),
      ctimeNs: BigInt(ctimeNs),
      inode: BigInt(inode),
    });
    expect(encodeEntry(entry).toString('hex')).toBe(bytes);
    const [read] = stranger.entriesOf(hex(bytes));
    expect(read).toMatchObject({ path, mtimeNs: BigInt(mtimeNs), chunks: [vectors.chunks.id] });
  });
});

describe('a reader written from the document', () => {
  let folder: TemporaryFolder;
  let built: BuiltVault;
  beforeEach(async () => {
    folder = temporaryFolder();
    built = await buildVault();
  });
  afterEach(async () => {
    await built[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it('reads every backup of a vault, deltas included, with key and with passphrase', async () => {
    const rows = Array.from({ length: 30_000 }, (_, at) => `${at},${(at * 7919) % 10_007},row\n`);
    makeTree(
      folder.path,
      treeOf({
        'data/rows.csv': rows.join(''),
        'a b/中文 😀.php': '<?php',
        'empty/': '',
        go: { link: 'data' },
      }),
    );
    const sources = {
      name: 'crm',
      roots: [{ name: 'workspace', directory: folder.path, include: [], exclude: [] }],
      databases: [],
    };
    const snapshots = new Map<string, unknown>();
    for (const kind of ['full', 'incremental', 'full'] as const) {
      const record = await backUp(built.vault, sources, { kind });
      snapshots.set(record.id, snapshotTree(folder.path));
      rows[15_000] = 'changed\n';
      writeFileSync(join(folder.path, 'data/rows.csv'), rows.join(''));
      appendFileSync(join(folder.path, 'a b/中文 😀.php'), ' // more');
    }
    await built.vault.addKey('passphrase', { passphrase: 'Kaffee und Kuchen' });
    for (const unlock of [built.secret, 'Kaffee und Kuchen']) {
      const vault = new stranger.StrangeVault(built.directory, unlock);
      expect(new Set(vault.records().keys())).toEqual(new Set(snapshots.keys()));
      for (const [id, snapshot] of snapshots) {
        const read = bareRecord<string>();
        for (const entry of vault.entries(id)) {
          const path = entry.path === 'files/workspace' ? '.' : entry.path.slice('files/workspace/'.length);
          const mode = entry.mode.toString(8).padStart(4, '0');
          const content = vault.content(entry);
          const digest = createHash('sha256').update(content).digest('base64url').slice(0, 16);
          const what =
            { file: ` ${content.length} bytes ${digest}`, link: ` to ${entry.target}` }[entry.type] ?? '';
          const rights = entry.type === 'link' ? '' : ` ${mode}`;
          read[path] = `${entry.type}${rights} at ${entry.mtimeNs}${what}`;
        }
        expect(read).toEqual(snapshot);
      }
    }
  });
});
