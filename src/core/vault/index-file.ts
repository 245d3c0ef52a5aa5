import { createHash } from 'node:crypto';
import type { Storage } from '../storage/storage.ts';
import { VaultError } from './error.ts';
import { decodeFrames, encodeFrames, type Pack } from './pack.ts';
import { open, seal, type VaultKeys } from './seal.ts';

const ID_BYTES = 32;
const SALT_BYTES = 16;
const HEAD_BYTES = ID_BYTES + SALT_BYTES + 8 + 4;
const NOWHERE = Buffer.alloc(0);

/** Seals the footers of packs as one index file; returns its name (`index/<sha-256>.idx`) and bytes. */
export function encodeIndexFile(keys: VaultKeys, packs: readonly Pack[]): { name: string; bytes: Buffer } {
  const parts: Buffer[] = [];
  for (const pack of packs) {
    const frames = encodeFrames(pack.frames);
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head.write(pack.id, 0, 'hex');
    pack.salt.copy(head, ID_BYTES);
    head.writeBigUInt64LE(BigInt(pack.bytes), ID_BYTES + SALT_BYTES);
    head.writeUInt32LE(frames.length, HEAD_BYTES - 4);
    parts.push(head, frames);
  }
  const bytes = seal(keys, 'index', NOWHERE, Buffer.concat(parts));
  return { name: `index/${createHash('sha256').update(bytes).digest('hex')}.idx`, bytes };
}

/**
 * The packs an index file lists.
 * @throws {VaultError} `damaged`.
 */
export function decodeIndexFile(keys: VaultKeys, sealed: Buffer): Pack[] {
  const bytes = open(keys, 'index', NOWHERE, sealed);
  const packs: Pack[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + HEAD_BYTES > bytes.length) throw new VaultError('damaged', 'An index file ends too early.');
    const framesBytes = bytes.readUInt32LE(at + HEAD_BYTES - 4);
    const end = at + HEAD_BYTES + framesBytes;
    packs.push({
      id: bytes.toString('hex', at, at + ID_BYTES),
      salt: bytes.subarray(at + ID_BYTES, at + ID_BYTES + SALT_BYTES),
      bytes: Number(bytes.readBigUInt64LE(at + ID_BYTES + SALT_BYTES)),
      frames: decodeFrames(bytes.subarray(at + HEAD_BYTES, end)),
    });
    at = end;
  }
  return packs;
}

/** Packs by where they were found: what index files say, and what stands in `packs/`. */
export interface PackSurvey {
  /** Packs that index files list and that stand in the storage with their right size. */
  readonly present: Pack[];
  /** Ids of listed packs that are missing or have another size. */
  readonly lost: string[];
  /** Packs no index file lists (an interrupted backup's), with the bytes they have. */
  readonly unlisted: { id: string; bytes: number }[];
  /** Index files that cannot be read. */
  readonly damagedIndexes: string[];
  /** Names of all index files. */
  readonly indexes: string[];
}

/** Reads all index files and holds them against the packs that are there. */
export async function surveyPacks(storage: Storage, keys: VaultKeys): Promise<PackSurvey> {
  const [files, objects] = await Promise.all([storage.list('index'), storage.list('packs')]);
  const sizes = new Map<string, number>();
  for (const object of objects) {
    const id = /([0-9a-f]{64})\.pack$/.exec(object.name)?.[1];
    if (id !== undefined) sizes.set(id, object.bytes);
  }
  const survey: PackSurvey = { present: [], lost: [], unlisted: [], damagedIndexes: [], indexes: [] };
  const listed = new Set<string>();
  const contents = await Promise.all(
    files.map(async (file) => ({ name: file.name, bytes: await readUnlessGone(storage, file.name) })),
  );
  for (const { name, bytes } of contents) {
    if (bytes === undefined) continue;
    survey.indexes.push(name);
    let packs: Pack[];
    try {
      packs = decodeIndexFile(keys, bytes);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      survey.damagedIndexes.push(name);
      continue;
    }
    for (const pack of packs) {
      if (listed.has(pack.id)) continue;
      listed.add(pack.id);
      if (sizes.get(pack.id) === pack.bytes) survey.present.push(pack);
      else survey.lost.push(pack.id);
    }
  }
  for (const [id, bytes] of sizes) if (!listed.has(id)) survey.unlisted.push({ id, bytes });
  return survey;
}

async function readUnlessGone(storage: Storage, name: string): Promise<Buffer | undefined> {
  return (await storage.size(name)) === undefined ? undefined : storage.read(name);
}
