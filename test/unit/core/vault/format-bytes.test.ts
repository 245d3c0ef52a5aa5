import type * as crypto from 'node:crypto';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LocalStorage } from '../../../../src/core/storage/local.ts';
import { encodeConfig } from '../../../../src/core/vault/config.ts';
import { decodeIndexFile, encodeIndexFile } from '../../../../src/core/vault/index-file.ts';
import { type Envelope, wrapMasterKey } from '../../../../src/core/vault/key.ts';
import { encodeKeyFile } from '../../../../src/core/vault/key-file.ts';
import { encodeNotes, type Note } from '../../../../src/core/vault/notes.ts';
import {
  decodeFrames,
  listPack,
  PackBuilder,
  packName,
  packPosition,
} from '../../../../src/core/vault/pack.ts';
import { prune } from '../../../../src/core/vault/prune.ts';
import { repair } from '../../../../src/core/vault/repair.ts';
import { deriveKeys, open, seal } from '../../../../src/core/vault/seal.ts';
import { Vault } from '../../../../src/core/vault/vault.ts';
import { verify } from '../../../../src/core/vault/verify.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import * as stranger from '../../../build/stranger-reader.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../build/tree.ts';
import { buildVault, readBackup, storeBackup } from '../../../build/vault.ts';

/** Whether the salts and nonces come that the document names. */
const chance = vi.hoisted(() => ({ isFixed: false }));

/*
 * All of this runs with the algorithms that the format names and no others, as in editors whose cryptography is not
 * Node's own: whatever else is called is an error.
 */
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>();
  const only = <Arguments extends [string, ...unknown[]], Result>(
    name: string,
    call: (...all: Arguments) => Result,
    ...allowed: string[]
  ) => {
    return (...all: Arguments): Result => {
      if (!allowed.includes(all[0])) throw new Error(`${name} of ${all[0]} is not a part of the format`);
      return call(...all);
    };
  };
  const allowed: Record<string, unknown> = {
    createHash: only('createHash', real.createHash, 'sha256', 'sha512'),
    hash: only('hash', real.hash as (algorithm: string, ...rest: unknown[]) => unknown, 'sha256', 'sha512'),
    createHmac: only('createHmac', real.createHmac, 'sha256'),
    hkdfSync: only('hkdfSync', real.hkdfSync, 'sha256'),
    createCipheriv: only(
      'createCipheriv',
      real.createCipheriv as (algorithm: string, ...rest: unknown[]) => unknown,
      'aes-256-gcm',
    ),
    createDecipheriv: only(
      'createDecipheriv',
      real.createDecipheriv as (algorithm: string, ...rest: unknown[]) => unknown,
      'aes-256-gcm',
    ),
    scrypt: real.scrypt,
    scryptSync: real.scryptSync,
    randomBytes: (size: number) =>
      chance.isFixed ? Buffer.alloc(size, { 32: 0x22, 16: 0x44 }[size] ?? 0x33) : real.randomBytes(size),
    randomFillSync: (bytes: Buffer) => (chance.isFixed ? bytes.fill(0x33) : real.randomFillSync(bytes)),
    timingSafeEqual: real.timingSafeEqual,
  };
  const forbidden = (name: string) => () => {
    throw new Error(`${name} is not a part of the format`);
  };
  return Object.fromEntries(
    Object.entries(real).map(([name, value]) => [
      name,
      allowed[name] ?? (typeof value === 'function' ? forbidden(name) : value),
    ]),
  );
});

const document = readFileSync(join(import.meta.dirname, '../../../../docs/vault-format.md'), 'utf8');
const block = /## A whole vault\n[^]*?```json\n([^]*?)```/.exec(document)![1]!;
const objects = Object.entries(JSON.parse(block) as Record<string, string>).map(
  ([name, base64]) => [name, Buffer.from(base64, 'base64')] as const,
);
const masterKey = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
const vaultId = Buffer.from('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', 'hex');
const keys = deriveKeys(masterKey, vaultId);
const secret = Buffer.alloc(32, 0x11);

const LINE = 'a row that hardly changes; ';
const TEXT = Array.from({ length: 12 }, (_, at) => `${(at * 7919) % 1009}: ${LINE}`).join('');
const BACKUPS = [
  { 'a.txt': TEXT, 'b.txt': 'CRM Backup' },
  { 'a.txt': TEXT.replace('hardly', 'often'), 'b.txt': 'CRM Backup' },
];

function objectsIn(folder: string): (readonly [name: string, bytes: Buffer])[] {
  return objects.filter(([name]) => name.startsWith(`${folder}/`));
}

describe('the vault in the document of the format', () => {
  let folder: TemporaryFolder;
  beforeAll(() => {
    folder = temporaryFolder();
    for (const [name, bytes] of objects) {
      mkdirSync(dirname(join(folder.path, name)), { recursive: true });
      writeFileSync(join(folder.path, name), bytes);
    }
  });
  afterAll(async () => folder[Symbol.asyncDispose]());

  it('is read by the product', async () => {
    const vault = await Vault.open(new LocalStorage(folder.path), { secret });
    const { records } = await vault.records();
    expect(records.map(({ label, pinned }) => [label, pinned])).toEqual([
      [undefined, false],
      ['before', true],
    ]);
    for (const [number, record] of records.toReversed().entries()) {
      const content = await readBackup(vault, record);
      expect(Object.entries(content).map(([name, bytes]) => [name, bytes.toString()])).toEqual(
        Object.entries(BACKUPS[number]!),
      );
    }
    expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
  });

  it('is read by a reader written from the document alone', () => {
    const vault = new stranger.StrangeVault(folder.path, secret);
    const records = [...vault.records()].sort(([, a], [, b]) => (a.createdAt < b.createdAt ? -1 : 1));
    expect(records).toHaveLength(2);
    for (const [number, [id]] of records.entries()) {
      const content: Record<string, string> = {};
      for (const entry of vault.entries(id)) {
        if (entry.type === 'file') content[entry.path.slice(16)] = vault.content(entry).toString();
      }
      expect(content).toEqual(BACKUPS[number]);
    }
  });

  describe('is written to the same bytes:', () => {
    beforeAll(() => {
      chance.isFixed = true;
    });
    afterAll(() => {
      chance.isFixed = false;
    });

    it('the configuration and the key', async () => {
      const text = encodeConfig(keys, {
        format: 1,
        id: vaultId.toString('hex'),
        createdAt: '2026-01-02T03:04:05.678Z',
        chunkSizes: { min: 65_536, average: 262_144, max: 1_048_576 },
      });
      expect(text).toBe(objects.find(([name]) => name === 'vault.json')![1].toString());
      const [[name, bytes]] = objectsIn('keys') as [readonly [string, Buffer]];
      const { createdAt } = JSON.parse(bytes.toString()) as Envelope;
      const envelope = await wrapMasterKey(masterKey, vaultId, 'key-file', { secret }, text);
      expect(encodeKeyFile({ ...envelope, createdAt })).toEqual({ name, bytes });
    });

    it('packs and index files', () => {
      const packs = objectsIn('packs');
      for (const [name, bytes] of objectsIn('index')) {
        const [listed] = decodeIndexFile(keys, bytes);
        const before = packs.find(([pack]) => pack === packName(listed!.id))![1];
        const builder = new PackBuilder(keys);
        for (const frame of decodeFrames(listed!.listing)) {
          const sealed = before.subarray(frame.offset, frame.offset + frame.sealedBytes);
          builder.add(open(keys, 'frame', packPosition(listed!.salt, frame.offset), sealed), frame);
        }
        const { pack, parts } = builder.finish();
        expect(Buffer.concat(parts).equals(before)).toBe(true);
        expect(encodeIndexFile(keys, [listPack(pack)])).toEqual({ name, bytes });
      }
    });

    it('notes and records', () => {
      const nowhere = Buffer.alloc(0);
      for (const [name, bytes] of objectsIn('notes')) {
        const notes = JSON.parse(open(keys, 'note', nowhere, bytes).toString()) as Note[];
        expect(encodeNotes(keys, notes)).toEqual({ name, bytes });
      }
      for (const [name, bytes] of objectsIn('backups')) {
        const again = seal(keys, 'record', nowhere, open(keys, 'record', nowhere, bytes));
        expect(again.equals(bytes)).toBe(true);
        expect(name).toBe(`backups/${createHash('sha256').update(bytes).digest('hex')}`);
      }
    });
  });
});

describe('a vault needs no algorithm but those of its format', () => {
  it('to be made, written, read, pruned, verified and repaired, and by a stranger', async () => {
    await using built = await buildVault();
    const { vault } = built;
    await vault.addKey('passphrase', { passphrase: 'words' });
    const content = { 'a.bin': noiseOf(1, 200_000), 'b.txt': 'text '.repeat(1000) };
    const first = await storeBackup(vault, content);
    const changed = { ...content, 'a.bin': Buffer.from(content['a.bin']).fill(1, 90_000, 90_050) };
    const second = await storeBackup(vault, changed, { base: first });
    await vault.forget(first.id);
    await prune(vault);
    await repair(vault);
    expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
    const read = await readBackup(await Vault.open(built.storage, { passphrase: 'words' }), second);
    expect(read['a.bin']!.equals(changed['a.bin'])).toBe(true);
    const strange = new stranger.StrangeVault(built.directory, 'words');
    const entry = [...strange.entries(second.id)].find(({ path }) => path.endsWith('a.bin'))!;
    expect(strange.content(entry).equals(changed['a.bin'])).toBe(true);
  });

  it('and the others are indeed not to be had here', () => {
    expect(() => createHash('md5')).toThrow(/not a part of the format/);
  });
});
