import { CrmBackupError } from '../errors.ts';
import { StorageError } from '../storage/storage.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { WorkerPool } from '../worker/pool.ts';
import type { ChunkFacts } from './affected.ts';
import { BitSet } from './bit-set.ts';
import type { PackReport } from './check-pack.ts';
import { CHUNK_ID_BYTES } from './chunk-id.ts';
import { type DamageReport, NO_PACK } from './damage.ts';
import { VaultError } from './error.ts';
import { ChunkIndex } from './index.ts';
import { type PackSurvey, surveyPacks } from './index-file.ts';
import { decodeFrames, encodeFrames, type ListedPack, packName, readFooter } from './pack.ts';
import type { Vault } from './vault.ts';

/** How the packs of a vault stand, as far as they were looked at. */
export interface PackInspection {
  readonly survey: PackSurvey;
  /** Packs of which it is known what they should hold and that stand in their place, by id. */
  readonly packs: ReadonlyMap<string, ListedPack>;
  /** Everything these packs should hold. */
  readonly index: ChunkIndex;
  /** What packs that are gone or cut short should hold. */
  readonly lost: ChunkIndex;
  /** Frames that are damaged, by number in the index. */
  readonly badFrames: BitSet;
}

const PARALLEL_FOOTERS = 16;

/** Reads index files and footers and holds them against each other. */
export async function inspectFooters(
  vault: Vault,
  report: DamageReport,
  /** Packs whose every byte will be looked at need not be looked at here. */
  isLeftOut: (id: string) => boolean,
  task: Task,
): Promise<PackInspection> {
  const { storage, keys } = vault;
  const survey = await surveyPacks(storage, keys);
  for (const name of survey.damagedIndexes)
    report.add(name, 'It is damaged; the packs’ own footers stand in for it.');
  for (const { name, isMisnamed } of survey.indexes) {
    if (isMisnamed) report.add(name, 'Its name is not that of its content.');
  }
  const packs = new Map<string, ListedPack>();
  for (const pack of survey.present) packs.set(pack.id, pack);
  const lost = new ChunkIndex();
  for (const pack of survey.lost) {
    const bytes = await storage.size(packName(pack.id));
    report.add(
      packName(pack.id),
      bytes === undefined ? 'It is missing.' : `It has ${bytes} bytes instead of ${pack.bytes}.`,
    );
    lost.addPack(pack);
  }
  const waiting = [
    ...survey.present.map((pack) => ({ ...pack, listed: pack })),
    ...survey.unlisted.map((pack) => ({ ...pack, listed: undefined })),
  ];
  let done = 0;
  const look = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      throwIfCancelled(task);
      task.progress?.({ phase: 'packs', done: done++, total: done + waiting.length, unit: 'packs' });
      const { id, bytes, listed } = next;
      if (listed !== undefined && isLeftOut(id)) continue;
      const footer = await footerOf(vault, id, bytes, report);
      if (listed === undefined) {
        if (footer !== undefined) packs.set(id, footer);
      } else if (
        footer !== undefined &&
        !(footer.salt.equals(listed.salt) && footer.listing.equals(listed.listing))
      ) {
        report.add(packName(id), 'Its footer is not the one the index knows.');
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FOOTERS }, look));
  const index = new ChunkIndex();
  for (const pack of packs.values()) index.addPack(pack);
  return { survey, packs, index, lost, badFrames: new BitSet(index.frameCount) };
}

async function footerOf(
  vault: Vault,
  id: string,
  bytes: number,
  report: DamageReport,
): Promise<ListedPack | undefined> {
  try {
    return await readFooter(vault.storage, vault.keys, id, bytes);
  } catch (error) {
    if (!(error instanceof VaultError) && !isGone(error)) throw error;
    report.add(packName(id), 'Its header or footer is damaged.');
    return undefined;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof StorageError && (error.code === 'missing' || error.code === 'truncated');
}

/** What was looked at. */
export interface CheckedData {
  packs: number;
  chunks: number;
  bytes: number;
}

/** Reads packs whole, opens and decodes every frame and hashes every chunk, in worker threads. */
export async function inspectData(
  vault: Vault,
  inspection: PackInspection,
  ids: readonly string[],
  report: DamageReport,
  task: Task,
): Promise<CheckedData> {
  await using pool = new WorkerPool();
  const checked: CheckedData = { packs: 0, chunks: 0, bytes: 0 };
  const total = ids.reduce((sum, id) => sum + inspection.packs.get(id)!.bytes, 0);
  const firstFrames = firstFramesOf(inspection.index);
  const looked = new Set(ids);
  const waiting = ids.toReversed();
  const look = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      throwIfCancelled(task);
      task.progress?.({ phase: 'data', done: checked.bytes, total, unit: 'bytes' });
      const pack = inspection.packs.get(id)!;
      const found = await checkWhole(vault, pool, pack, pack.bytes);
      for (const problem of found.problems) report.add(packName(id), problem);
      const first = firstFrames.get(id) ?? 0;
      for (const frame of found.badFrames) inspection.badFrames.add(first + frame);
      checked.packs++;
      checked.bytes += pack.bytes;
      checked.chunks += found.chunks;
      const inDeltas = await checkDeltas(
        vault,
        pool,
        inspection,
        pack,
        first,
        found.deltaFrames,
        looked,
        report,
      );
      checked.chunks += inDeltas;
    }
  };
  // One more than there are threads is read while they work.
  await Promise.all(Array.from({ length: pool.size + 1 }, look));
  return checked;
}

/** The number of each pack's first frame in an index. */
export function firstFramesOf(index: ChunkIndex): Map<string, number> {
  const first = new Map<string, number>();
  for (let frame = index.frameCount - 1; frame >= 0; frame--) {
    const pack = index.packs[index.packOf(frame)];
    if (pack !== undefined) first.set(pack.id, frame);
  }
  return first;
}

/** Checks all of a pack in a worker thread. @param bytes How many it has. */
export async function checkWhole(
  vault: Vault,
  pool: WorkerPool,
  pack: Pick<ListedPack, 'id'> & Partial<ListedPack>,
  bytes: number,
): Promise<PackReport> {
  const { vaultId, sealing, chunkId } = vault.keys;
  let content: Uint8Array<ArrayBuffer>;
  try {
    content = ownBytes(await vault.storage.read(packName(pack.id), { offset: 0, length: bytes }));
  } catch (error) {
    // A part of the disk that cannot be read any more is damage like any other.
    if (!(error instanceof StorageError) || error.code === 'permission') throw error;
    return {
      problems: ['It cannot be read.'],
      found: undefined,
      badFrames: allFrames(pack),
      deltaFrames: [],
      chunks: 0,
    };
  }
  const { salt, listing } = pack;
  return pool.run(
    'checkPack',
    {
      id: pack.id,
      bytes: content,
      keys: { vaultId: ownBytes(vaultId), sealing: ownBytes(sealing), chunkId: ownBytes(chunkId) },
      listed: salt && listing ? { salt: ownBytes(salt), listing: ownBytes(listing) } : undefined,
    },
    [content.buffer],
  );
}

function allFrames({ listing }: Partial<ListedPack>): number[] {
  return listing === undefined ? [] : decodeFrames(listing).map((_, number) => number);
}

/** Bytes in a buffer of their own, so that they can be handed over and nothing else goes with them. */
function ownBytes(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

/** Decodes delta frames; how many chunks were found right. */
async function checkDeltas(
  vault: Vault,
  pool: WorkerPool,
  { index, badFrames }: PackInspection,
  pack: ListedPack,
  firstFrame: number,
  numbers: readonly number[],
  looked: ReadonlySet<string>,
  report: DamageReport,
): Promise<number> {
  const { vaultId, sealing, chunkId } = vault.keys;
  const frames = numbers.length === 0 ? [] : decodeFrames(pack.listing);
  let chunks = 0;
  for (const number of numbers) {
    const frame = frames[number]!;
    let dictionary: Buffer;
    try {
      dictionary = (await vault.reader.readDictionary(index.frame(firstFrame + number), index))!;
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      // What it rests on is damaged, not this. If nobody is going to look there, it is said here.
      await blame(vault, index, frame.dictionary, looked, badFrames, report);
      continue;
    }
    const range = { offset: frame.offset, length: frame.sealedBytes };
    const sealed = ownBytes(await vault.storage.read(packName(pack.id), range));
    const isRight = await pool.run('checkDelta', {
      sealed,
      salt: ownBytes(pack.salt),
      dictionary: ownBytes(dictionary),
      listing: new Uint8Array(encodeFrames([frame])),
      keys: { vaultId: ownBytes(vaultId), sealing: ownBytes(sealing), chunkId: ownBytes(chunkId) },
    });
    if (isRight) {
      chunks += frame.chunks.length;
      continue;
    }
    badFrames.add(firstFrame + number);
    report.add(packName(pack.id), 'A delta frame in it is damaged.');
  }
  return chunks;
}

/** Finds which chunks of a dictionary cannot be read, and says so of their packs. */
async function blame(
  vault: Vault,
  index: ChunkIndex,
  dictionary: Buffer,
  looked: ReadonlySet<string>,
  badFrames: BitSet,
  report: DamageReport,
): Promise<void> {
  for (let at = 0; at < dictionary.length; at += CHUNK_ID_BYTES) {
    const chunk = index.find(dictionary, at);
    if (chunk < 0) continue;
    const { frame } = index.place(chunk);
    const { pack } = index.frame(frame);
    if (looked.has(pack)) continue;
    try {
      await vault.reader.readChunk(dictionary.subarray(at, at + CHUNK_ID_BYTES), index);
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      badFrames.add(frame);
      report.add(packName(pack), 'A frame of it is damaged.');
    }
  }
}

/** Draws the conclusions: which chunks are lost, and by which objects. */
export function factsOf(vault: Vault, { index, lost, badFrames }: PackInspection): ChunkFacts {
  const lostChunks = new BitSet(index.numberCount);
  const causes = new Map<number, readonly string[]>();
  const goneBy = (ids: Buffer, at: number): string => {
    const chunk = lost.find(ids, at);
    return chunk < 0 ? NO_PACK : packName(lost.frame(lost.place(chunk).frame).pack);
  };
  for (const frame of badFrames.values()) causes.set(frame, [packName(index.frame(frame).pack)]);
  for (let before = -1; before !== causes.size;) {
    before = causes.size;
    if (before > 0) markLost(index, causes, lostChunks);
    for (let frame = 0; frame < index.frameCount; frame++) {
      if (causes.has(frame)) continue;
      const objects = new Set<string>();
      for (const chunk of index.dictionaryOf(frame)) {
        if (!index.isKnown(chunk)) objects.add(goneBy(index.idOf(chunk), 0));
        else if (lostChunks.has(chunk))
          for (const one of causes.get(index.place(chunk).frame) ?? []) objects.add(one);
      }
      if (objects.size > 0) causes.set(frame, [...objects]);
    }
  }
  return {
    lostBy(ids, at) {
      const chunk = index.find(ids, at);
      if (chunk < 0) return [goneBy(ids, at)];
      return lostChunks.has(chunk) ? causes.get(index.place(chunk).frame) : undefined;
    },
    bytesOf(ids, at) {
      const chunk = index.find(ids, at);
      return chunk < 0 ? 0 : index.bytesOf(chunk);
    },
    objectOf(id) {
      const chunk = index.find(id, 0);
      return chunk < 0 ? NO_PACK : packName(index.frame(index.place(chunk).frame).pack);
    },
    read: async (id) => vault.reader.readChunk(id, index),
  };
}

function markLost(index: ChunkIndex, frames: ReadonlyMap<number, unknown>, chunks: BitSet): void {
  for (let chunk = 0; chunk < index.numberCount; chunk++) {
    if (index.isKnown(chunk) && frames.has(index.place(chunk).frame)) chunks.add(chunk);
  }
}
