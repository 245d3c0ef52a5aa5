import { CrmBackupError } from '../errors.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { WorkerPool } from '../worker/pool.ts';
import type { BitSet } from './bit-set.ts';
import { checkDelta, checkPack, type DeltaCheck, type PackCheck, type PackReport } from './check-pack.ts';
import { CHUNK_ID_BYTES } from './chunk-id.ts';
import type { DamageReport } from './damage.ts';
import type { ChunkIndex } from './index.ts';
import { assertDamageOfOne, firstFramesOf, type PackInspection, placeAnew } from './inspect.ts';
import { decodeFrames, encodeFrames, type ListedPack, packName } from './pack.ts';
import { readDamaged } from './read-damaged.ts';
import type { Vault } from './vault.ts';

/** What was looked at. */
export interface CheckedData {
  packs: number;
  chunks: number;
  bytes: number;
}

/** So little is checked sooner than threads are started. */
const LITTLE_BYTES = 8 * 1024 * 1024;

/** A pack whose delta frames are still to be decoded. */
interface OpenPack {
  readonly pack: ListedPack;
  readonly firstFrame: number;
  readonly deltaFrames: readonly number[];
}

/**
 * Reads packs whole, opens and decodes every frame and hashes every chunk, in worker threads. Afterwards chunks are looked
 * for where they can be read.
 * @param isMeant whether damage to a frame, by its number, is to be reported; it is known in any case
 */
export async function inspectData(
  vault: Vault,
  inspection: PackInspection,
  ids: readonly string[],
  report: DamageReport,
  task: Task,
  isMeant: (frame: number) => boolean = () => true,
): Promise<CheckedData> {
  const checked: CheckedData = { packs: 0, chunks: 0, bytes: 0 };
  const total = ids.reduce((sum, id) => sum + inspection.packs.get(id)!.bytes, 0);
  await using pool = total < LITTLE_BYTES ? undefined : new WorkerPool();
  const firstFrames = firstFramesOf(inspection.index);
  const looked = new Set(ids);
  const waiting = ids.toReversed();
  const open: OpenPack[] = [];
  const look = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      throwIfCancelled(task);
      task.progress?.({ phase: 'data', done: checked.bytes, total, unit: 'bytes' });
      const pack = inspection.packs.get(id)!;
      const found = await checkWhole(vault, pool, pack, pack.bytes);
      const { problems, badFrames, deltaFrames } = found;
      for (const problem of problems) report.add(packName(id), problem);
      const firstFrame = firstFrames.get(id) ?? 0;
      for (const frame of badFrames) inspection.badFrames.add(firstFrame + frame);
      inspection.read.add(id);
      const bad = badFrames.filter((frame) => isMeant(firstFrame + frame)).length;
      if (bad > 0 && found.frames > 0) {
        const are = bad === 1 ? 'is' : 'are';
        report.add(packName(id), `${bad} of its ${found.frames} frames ${are} damaged.`);
      }
      checked.packs++;
      checked.bytes += pack.bytes;
      await task.pace?.(pack.bytes);
      checked.chunks += found.chunks;
      if (deltaFrames.length > 0) open.push({ pack, firstFrame, deltaFrames });
    }
  };
  const workers = pool?.size ?? 1;
  // No more at once than there are threads: a pack is large.
  await Promise.all(Array.from({ length: workers }, look));
  // What these rest on may stand twice: it is read where it is whole.
  placeAnew(inspection);
  const before = inspection.badFrames.count;
  const decode = async (): Promise<void> => {
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      throwIfCancelled(task);
      checked.chunks += await checkDeltas(vault, pool, inspection, next, looked, report, isMeant);
    }
  };
  await Promise.all(Array.from({ length: workers }, decode));
  if (inspection.badFrames.count > before) placeAnew(inspection);
  return checked;
}

/**
 * Checks all of a pack.
 * @param pool Where this is done; here when there is none.
 * @param bytes How many it has.
 */
export async function checkWhole(
  vault: Vault,
  pool: WorkerPool | undefined,
  pack: ListedPack,
  bytes: number,
): Promise<PackReport> {
  const { vaultId, sealing, chunkId } = vault.keys;
  let content: Uint8Array<ArrayBuffer>;
  try {
    content = ownBytes(await readDamaged(vault.storage, packName(pack.id), bytes));
  } catch (error) {
    await assertDamageOfOne(vault, error);
    return {
      problems: ['It cannot be read.'],
      frames: 0,
      badFrames: decodeFrames(pack.listing).map((_, number) => number),
      deltaFrames: [],
      chunks: 0,
    };
  }
  const job: PackCheck = {
    id: pack.id,
    bytes: content,
    keys: { vaultId: ownBytes(vaultId), sealing: ownBytes(sealing), chunkId: ownBytes(chunkId) },
    listed: { salt: ownBytes(pack.salt), listing: ownBytes(pack.listing) },
  };
  return pool === undefined ? checkPack(job) : pool.run('checkPack', job, [content.buffer]);
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
  pool: WorkerPool | undefined,
  { index, badFrames, uncheckedFrames }: PackInspection,
  { pack, firstFrame, deltaFrames }: OpenPack,
  looked: ReadonlySet<string>,
  report: DamageReport,
  isMeant: (frame: number) => boolean,
): Promise<number> {
  const { vaultId, sealing, chunkId } = vault.keys;
  const frames = decodeFrames(pack.listing);
  let chunks = 0;
  for (const number of deltaFrames) {
    const frame = frames[number]!;
    let dictionary: Buffer;
    try {
      dictionary = (await vault.reader.readDictionary(index.frame(firstFrame + number), index))!;
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      // What it rests on is damaged, not this. If nobody is going to look there, it is said here.
      uncheckedFrames.add(firstFrame + number);
      if (isMeant(firstFrame + number))
        await blame(vault, index, frame.dictionary, looked, badFrames, report);
      continue;
    }
    const range = { offset: frame.offset, length: frame.sealedBytes };
    const sealed = ownBytes(await vault.storage.read(packName(pack.id), range));
    const job: DeltaCheck = {
      sealed,
      salt: ownBytes(pack.salt),
      dictionary: ownBytes(dictionary),
      listing: new Uint8Array(encodeFrames([frame])),
      keys: { vaultId: ownBytes(vaultId), sealing: ownBytes(sealing), chunkId: ownBytes(chunkId) },
    };
    if (pool === undefined ? checkDelta(job) : await pool.run('checkDelta', job)) {
      chunks += frame.chunks.length;
      continue;
    }
    badFrames.add(firstFrame + number);
    if (isMeant(firstFrame + number)) report.add(packName(pack.id), 'A delta frame in it is damaged.');
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
