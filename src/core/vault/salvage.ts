import { CrmBackupError } from '../errors.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { type ChunkFacts, factsOf } from './chunk-facts.ts';
import { CHUNK_ID_BYTES, ChunkIds } from './chunk-id.ts';
import { type DamageReport, NO_PACK } from './damage.ts';
import { ChunkIndex } from './index.ts';
import { firstFramesOf, type PackInspection } from './inspect.ts';
import { checkWhole } from './inspect-data.ts';
import { decodeFrames, encodeFrames, type FrameEntry, type ListedPack, packName } from './pack.ts';
import type { Vault } from './vault.ts';

/** What can still be read of a vault's packs. */
export interface Salvage {
  /** Packs that are as they were written. */
  readonly whole: readonly ListedPack[];
  /** Packs that are not, each with a listing of only those frames that can still be read. */
  readonly damaged: readonly ListedPack[];
  /** Ids of packs that stand in the storage and of which nothing can be read. */
  readonly hopeless: readonly string[];
  /** Everything that can be read, from whole packs where there is a choice. */
  readonly index: ChunkIndex;
  /** Chunks that others were coded against and that no longer stand alone, by number. */
  readonly stranded: readonly number[];
}

/** Finds out what can still be read of all packs that were inspected, every byte. */
export async function salvage(
  vault: Vault,
  inspection: PackInspection,
  report: DamageReport,
  task: Task,
): Promise<Salvage> {
  const whole: ListedPack[] = [];
  const damaged: ListedPack[] = [];
  const firstFrames = firstFramesOf(inspection.index);
  for (const pack of inspection.packs.values()) {
    const first = firstFrames.get(pack.id) ?? 0;
    if (report.has(packName(pack.id)))
      damaged.push(withoutFrames(pack, (at) => inspection.badFrames.has(first + at)));
    else whole.push(pack);
  }
  const hopeless = inspection.survey.unlisted.map(({ id }) => id).filter((id) => !inspection.packs.has(id));
  damaged.push(...(await cutShort(vault, inspection, task)));

  const undecodable = new Set<string>();
  for (;;) {
    throwIfCancelled(task);
    const result = sortOut(whole, damaged, undecodable);
    const wrong = await wrongDeltas(vault, result.index, inspection);
    if (wrong.every((frame) => undecodable.has(frame))) {
      return { ...result, hopeless, stranded: strandedIn(result.index) };
    }
    for (const frame of wrong) undecodable.add(frame);
  }
}

/** Packs that have become shorter: what stands before the end may be whole. */
async function cutShort(vault: Vault, { survey }: PackInspection, task: Task): Promise<ListedPack[]> {
  const packs: ListedPack[] = [];
  for (const pack of survey.lost) {
    throwIfCancelled(task);
    const bytes = await vault.storage.size(packName(pack.id));
    if (bytes === undefined) continue;
    const { badFrames } = await checkWhole(vault, undefined, pack, bytes);
    packs.push({ ...withoutFrames(pack, (at) => badFrames.includes(at)), bytes });
  }
  return packs;
}

function withoutFrames(pack: ListedPack, isBad: (at: number) => boolean): ListedPack {
  const frames = decodeFrames(pack.listing);
  const good = frames.filter((_, at) => !isBad(at));
  return good.length === frames.length ? pack : { ...pack, listing: encodeFrames(good) };
}

/** Puts packs with frames that do not decode to the damaged ones, without these frames. */
function sortOut(
  whole: readonly ListedPack[],
  damaged: readonly ListedPack[],
  undecodable: ReadonlySet<string>,
): Pick<Salvage, 'whole' | 'damaged' | 'index'> {
  let sorted = { whole: [...whole], damaged: [...damaged] };
  for (;;) {
    const index = new ChunkIndex();
    for (const pack of [...sorted.whole, ...sorted.damaged]) index.addPack(pack);
    const isBad = (pack: ListedPack, frame: FrameEntry): boolean =>
      undecodable.has(frameKey(pack.id, frame.offset)) || !isComplete(frame, index);
    const next = { whole: [] as ListedPack[], damaged: [] as ListedPack[] };
    let isChanged = false;
    for (const pack of [...sorted.whole, ...sorted.damaged]) {
      const frames = decodeFrames(pack.listing);
      const cleaned = withoutFrames(pack, (at) => isBad(pack, frames[at]!));
      isChanged ||= cleaned !== pack;
      const isWhole = cleaned === pack && sorted.whole.includes(pack);
      next[isWhole ? 'whole' : 'damaged'].push(cleaned);
    }
    sorted = next;
    if (!isChanged) return { ...sorted, index };
  }
}

function strandedIn(index: ChunkIndex): number[] {
  const stranded = new Set<number>();
  for (let frame = 0; frame < index.frameCount; frame++) {
    for (const chunk of index.dictionaryOf(frame)) if (index.isDelta(chunk)) stranded.add(chunk);
  }
  return [...stranded];
}

function frameKey(pack: string, offset: number): string {
  return `${pack}@${offset}`;
}

/** Whether all that a frame was coded against is there. */
function isComplete(frame: FrameEntry, index: ChunkIndex): boolean {
  for (let at = 0; at < frame.dictionary.length; at += CHUNK_ID_BYTES) {
    if (index.find(frame.dictionary, at) < 0) return false;
  }
  return true;
}

/** Of the delta frames whose base was damaged where it was first looked for: those that do not decode against another copy. */
async function wrongDeltas(vault: Vault, index: ChunkIndex, inspection: PackInspection): Promise<string[]> {
  const unchecked = new Set<string>();
  for (const frame of inspection.uncheckedFrames.values()) {
    const { pack, offset } = inspection.index.frame(frame);
    unchecked.add(frameKey(pack, offset));
  }
  if (unchecked.size === 0) return [];
  const chunkIds = new ChunkIds(vault.keys.chunkId);
  const wrong: string[] = [];
  for (let frame = 0; frame < index.frameCount; frame++) {
    const place = index.frame(frame);
    const key = frameKey(place.pack, place.offset);
    if (!unchecked.has(key)) continue;
    try {
      const plain = await vault.reader.readFrame(place, index);
      if (
        !chunksOf(index, frame).every(({ offset, bytes, id }) =>
          chunkIds.of(plain.subarray(offset, offset + bytes)).equals(id),
        )
      ) {
        wrong.push(key);
      }
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      wrong.push(key);
    }
  }
  return wrong;
}

function chunksOf(index: ChunkIndex, frame: number): { offset: number; bytes: number; id: Buffer }[] {
  const chunks = [];
  for (let chunk = 0; chunk < index.numberCount; chunk++) {
    if (!index.isKnown(chunk)) continue;
    const place = index.place(chunk);
    if (place.frame === frame)
      chunks.push({ offset: place.offset, bytes: place.bytes, id: index.idOf(chunk) });
  }
  return chunks;
}

/** What is lost for good: what no copy can give back. */
export function factsAfter(vault: Vault, inspection: PackInspection, { index }: Salvage): ChunkFacts {
  const before = factsOf(vault, inspection);
  return {
    lostBy: (ids, at) => (index.find(ids, at) < 0 ? (before.lostBy(ids, at) ?? [NO_PACK]) : undefined),
    bytesOf(ids, at) {
      const chunk = index.find(ids, at);
      return chunk < 0 ? 0 : index.bytesOf(chunk);
    },
    objectOf: (id) => before.objectOf(id),
    read: async (id) => vault.reader.readChunk(id, index),
  };
}

/** How many chunks packs should hold that nobody can give back any more. */
export function countLost({ index, lost }: PackInspection, after: ChunkIndex): number {
  const ids = new Set<string>();
  for (const all of [index, lost]) {
    for (let chunk = 0; chunk < all.numberCount; chunk++) {
      const id = all.idOf(chunk);
      if (all.isKnown(chunk) && after.find(id, 0) < 0) ids.add(id.toString('latin1'));
    }
  }
  return ids.size;
}
