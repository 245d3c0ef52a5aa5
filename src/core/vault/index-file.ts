import { createHash } from 'node:crypto';
import type { Storage } from '../storage/storage.ts';
import { VaultError } from './error.ts';
import { type ListedPack, packName } from './pack.ts';
import { open, seal, type VaultKeys } from './seal.ts';

const ID_BYTES = 32;
const SALT_BYTES = 16;
const HEAD_BYTES = ID_BYTES + SALT_BYTES + 8 + 4;
const NOWHERE = Buffer.alloc(0);

/** An index file of many packs is split into several with listings of about this many bytes. */
const LISTING_BYTES = 8 * 1024 * 1024;

/** Seals the listings of packs as index files, each for a share of them. */
export function* encodeIndexFiles(
  keys: VaultKeys,
  packs: readonly ListedPack[],
): Generator<{ name: string; bytes: Buffer }> {
  let batch: ListedPack[] = [];
  let bytes = 0;
  for (const pack of packs) {
    batch.push(pack);
    bytes += pack.listing.length;
    if (bytes < LISTING_BYTES) continue;
    yield encodeIndexFile(keys, batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield encodeIndexFile(keys, batch);
}

/** Seals the listings of packs as one index file; returns its name (`index/<sha-256>.idx`) and bytes. */
export function encodeIndexFile(
  keys: VaultKeys,
  packs: readonly ListedPack[],
): { name: string; bytes: Buffer } {
  const parts: Buffer[] = [];
  for (const { id, salt, bytes, listing } of packs) {
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head.write(id, 0, 'hex');
    salt.copy(head, ID_BYTES);
    head.writeBigUInt64LE(BigInt(bytes), ID_BYTES + SALT_BYTES);
    head.writeUInt32LE(listing.length, HEAD_BYTES - 4);
    parts.push(head, listing);
  }
  const sealed = seal(keys, 'index', NOWHERE, Buffer.concat(parts));
  return { name: nameOf(sealed), bytes: sealed };
}

function nameOf(sealed: Buffer): string {
  return `index/${createHash('sha256').update(sealed).digest('hex')}.idx`;
}

/**
 * The packs an index file lists.
 * @throws {VaultError} `damaged`.
 */
export function decodeIndexFile(keys: VaultKeys, sealed: Buffer): ListedPack[] {
  const bytes = open(keys, 'index', NOWHERE, sealed);
  const packs: ListedPack[] = [];
  let at = 0;
  while (at < bytes.length) {
    const listingAt = at + HEAD_BYTES;
    const end = listingAt > bytes.length ? Infinity : listingAt + bytes.readUInt32LE(listingAt - 4);
    if (end > bytes.length) throw new VaultError('damaged', 'An index file ends too early.');
    packs.push({
      id: bytes.toString('hex', at, at + ID_BYTES),
      salt: bytes.subarray(at + ID_BYTES, at + ID_BYTES + SALT_BYTES),
      bytes: Number(bytes.readBigUInt64LE(at + ID_BYTES + SALT_BYTES)),
      listing: bytes.subarray(listingAt, end),
    });
    at = end;
  }
  return packs;
}

/** An index file, and the ids of the packs it lists. */
export interface IndexFile {
  readonly name: string;
  readonly bytes: number;
  /** Whether the name is not that of the content. */
  readonly isMisnamed: boolean;
  readonly packs: readonly string[];
}

/** Packs by where they were found: what index files say, and what stands in `packs/`. */
export interface PackSurvey {
  /** Packs that index files list and that stand in the storage with their right size. */
  readonly present: ListedPack[];
  /** Listed packs that are missing or have another size. */
  readonly lost: ListedPack[];
  /** Packs no index file lists (an interrupted backup's), with the bytes they have. */
  readonly unlisted: { readonly id: string; readonly bytes: number }[];
  readonly indexes: IndexFile[];
  /** Names of index files that cannot be read. */
  readonly damagedIndexes: string[];
}

/** Reads all index files and holds them against the packs that are there. */
export async function surveyPacks(storage: Storage, keys: VaultKeys): Promise<PackSurvey> {
  const [files, sizes] = await Promise.all([storage.list('index'), packSizes(storage)]);
  const survey: PackSurvey = { present: [], lost: [], unlisted: [], indexes: [], damagedIndexes: [] };
  const listed = new Set<string>();
  const contents = await Promise.all(
    files.map(async (file) => ({ name: file.name, bytes: await readUnlessGone(storage, file.name) })),
  );
  for (const { name, bytes } of contents) {
    if (bytes === undefined) continue;
    let packs: ListedPack[];
    try {
      packs = decodeIndexFile(keys, bytes);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      survey.damagedIndexes.push(name);
      continue;
    }
    const isMisnamed = nameOf(bytes) !== name;
    survey.indexes.push({ name, bytes: bytes.length, isMisnamed, packs: packs.map((pack) => pack.id) });
    for (const pack of packs) {
      if (listed.has(pack.id)) continue;
      listed.add(pack.id);
      (sizes.get(pack.id) === pack.bytes ? survey.present : survey.lost).push(pack);
    }
  }
  for (const [id, bytes] of sizes) if (!listed.has(id)) survey.unlisted.push({ id, bytes });
  return survey;
}

/** The packs that stand in the storage, by id, and their sizes in bytes. */
async function packSizes(storage: Storage): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const { name, bytes } of await storage.list('packs')) {
    const id = /([0-9a-f]{64})\.pack$/.exec(name)?.[1];
    if (id !== undefined && name === packName(id)) sizes.set(id, bytes);
  }
  return sizes;
}

async function readUnlessGone(storage: Storage, name: string): Promise<Buffer | undefined> {
  return (await storage.size(name)) === undefined ? undefined : storage.read(name);
}
