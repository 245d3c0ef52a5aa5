import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Storage } from '../storage/storage.ts';
import { VaultError } from './error.ts';
import type { BackupKind, BackupRecord } from './record.ts';
import { open, seal, type VaultKeys } from './seal.ts';

/** What is remembered of a backup that is gone. Sizes in bytes. */
export interface PastBackup {
  readonly id: string;
  readonly set: string;
  readonly kind: BackupKind;
  readonly safety?: boolean;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly source: number;
  readonly stored: number;
}

/** A prune that has freed space. */
export interface PastPrune {
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly freedBytes: number;
}

/** What a vault remembers of what it no longer holds, so that its growth can be told. */
export interface Past {
  readonly backups: readonly PastBackup[];
  readonly prunes: readonly PastPrune[];
}

const NOWHERE = Buffer.alloc(0);
const MOST_BYTES = 256 * 1024 * 1024;

/** The past as it is remembered, and the objects it stands in. Damaged ones are passed over and named. */
export async function readPast(
  storage: Storage,
  keys: VaultKeys,
): Promise<Past & { readonly objects: readonly string[]; readonly damaged: readonly string[] }> {
  const backups = new Map<string, PastBackup>();
  const prunes = new Map<string, PastPrune>();
  const objects: string[] = [];
  const damaged: string[] = [];
  for (const { name } of await storage.list('past')) {
    try {
      const past = decodePast(keys, name, await storage.read(name));
      for (const backup of past.backups) backups.set(backup.id, backup);
      for (const prune of past.prunes) prunes.set(prune.at, prune);
      objects.push(name);
    } catch (error) {
      // A prune has just replaced it by another.
      if ((await storage.size(name)) === undefined) continue;
      if (!(error instanceof VaultError)) throw error;
      damaged.push(name);
    }
  }
  return { backups: [...backups.values()], prunes: [...prunes.values()], objects, damaged };
}

/** Adds to the past; how many bytes this takes more than before. Call with the vault alone. */
export async function remember(
  storage: Storage,
  keys: VaultKeys,
  records: readonly BackupRecord[],
  prunes: readonly PastPrune[],
): Promise<number> {
  if (records.length + prunes.length === 0) return 0;
  const past = await readPast(storage, keys);
  const gone = new Set(records.map(({ id }) => id));
  const added = records.map(({ id, set, kind, safety, createdAt, bytes }): PastBackup => {
    return { id, set, kind, safety, createdAt, source: bytes.source, stored: bytes.stored };
  });
  const all: Past = {
    backups: [...past.backups.filter(({ id }) => !gone.has(id)), ...added],
    prunes: [...past.prunes, ...prunes],
  };
  const bytes = seal(keys, 'past', NOWHERE, zstdCompressSync(Buffer.from(JSON.stringify(all))));
  const name = nameOf(bytes);
  let takenBytes = bytes.length;
  await storage.write(name, [bytes]);
  for (const object of past.objects) {
    takenBytes -= (await storage.size(object)) ?? 0;
    await storage.remove(object);
  }
  return takenBytes;
}

function decodePast(keys: VaultKeys, name: string, sealed: Buffer): Past {
  if (nameOf(sealed) !== name) throw new VaultError('damaged', `${name} has another content.`);
  const plain = zstdDecompressSync(open(keys, 'past', NOWHERE, sealed), { maxOutputLength: MOST_BYTES });
  return JSON.parse(plain.toString()) as Past;
}

function nameOf(bytes: Buffer): string {
  return `past/${createHash('sha256').update(bytes).digest('hex')}`;
}
