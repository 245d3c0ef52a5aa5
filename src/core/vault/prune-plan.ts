import { BitSet } from './bit-set.ts';
import type { ChunkIndex } from './index.ts';
import { withDictionaries } from './liveness.ts';

/** What is to become of a pack. */
export interface PackFate {
  /** The number of its first frame in the index. */
  readonly firstFrame: number;
  fate: 'keep' | 'repack' | 'remove';
  /** Bytes of it that nobody needs. */
  readonly wasteBytes: number;
}

/** What is to become of all packs. */
export interface PrunePlan {
  /** By the packs' numbers in the index. */
  readonly fates: readonly PackFate[];
  /** Chunks that must not be lost: what backups are made of, and what this was coded against. */
  readonly needed: BitSet;
}

/** A pack is written anew when this share of it is waste. */
export const MOST_WASTE = 0.25;

/**
 * Decides on every pack. A delta frame of which little or nothing is needed may be small itself and yet keep much alive
 * that it was coded against: this counts as its pack's waste. Packs that are written anew keep only what they need; in
 * those that stay every frame must stay readable, because new backups may find in it what they need. A pack with damaged
 * frames is written anew without them, but stays as it is where backups need one of them: that is for repair.
 * @param live What backups are made of, by chunk number.
 */
export function planPrune(index: ChunkIndex, live: BitSet): PrunePlan {
  let needed = withDictionaries(index, live, () => true);
  const least = fatesOf(index, needed, true);
  const isRewritten = (frame: number): boolean => least[index.packOf(frame)]!.fate === 'repack';
  let fates = least;
  for (let kept = -1; kept !== keptIn(fates);) {
    kept = keptIn(fates);
    const staying = deltaFramesIn(index, fates);
    needed = withDictionaries(index, live, isRewritten, staying);
    fates = fatesOf(index, needed, false);
    for (const [number, fate] of fates.entries()) {
      if (fate.fate === 'keep' && least[number]!.fate === 'repack') fate.fate = 'repack';
    }
  }
  return { fates, needed };
}

function keptIn(fates: readonly PackFate[]): number {
  return fates.filter(({ fate }) => fate === 'keep').length;
}

/** Delta frames in packs that stay, as far as they can be read. */
function* deltaFramesIn(index: ChunkIndex, fates: readonly PackFate[]): Generator<number> {
  for (let frame = 0; frame < index.frameCount; frame++) {
    const isDelta = index.dictionaryOf(frame).length > 0;
    if (isDelta && !index.isBad(frame) && fates[index.packOf(frame)]!.fate === 'keep') yield frame;
  }
}

/** What would become of each pack, by its number in the index, if only some chunks were needed. */
function fatesOf(index: ChunkIndex, needed: BitSet, countDictionaries: boolean): PackFate[] {
  const neededFrames = new BitSet(index.frameCount);
  const neededBytes = new Uint32Array(index.frameCount);
  for (const chunk of needed.values()) {
    const { frame, bytes } = index.place(chunk);
    neededFrames.add(frame);
    neededBytes[frame]! += bytes;
  }
  const totals = index.packs.map(() => ({
    firstFrame: -1,
    isNeeded: false,
    isBad: false,
    needsBad: false,
    wasteBytes: 0,
    heldBytes: 0,
  }));
  for (let frame = 0; frame < index.frameCount; frame++) {
    const total = totals[index.packOf(frame)]!;
    if (total.firstFrame < 0) total.firstFrame = frame;
    const { plainBytes, sealedBytes } = index.frame(frame);
    const isNeeded = neededFrames.has(frame);
    total.isNeeded ||= isNeeded;
    if (index.isBad(frame)) {
      total.isBad = true;
      total.needsBad ||= isNeeded;
    }
    const share = isNeeded ? neededBytes[frame]! / Math.max(1, plainBytes) : 0;
    total.wasteBytes += sealedBytes * (1 - share);
    if (countDictionaries) total.heldBytes += heldBytes(index, frame, needed);
  }
  return index.packs.map(({ bytes }, number) => {
    const { firstFrame, isNeeded, isBad, needsBad, wasteBytes, heldBytes } = totals[number]!;
    if (!isNeeded) return { firstFrame, fate: 'remove', wasteBytes: bytes };
    const isWasteful = isBad || wasteBytes + heldBytes > bytes * MOST_WASTE;
    const fate = isWasteful && !needsBad ? 'repack' : 'keep';
    return { firstFrame, fate, wasteBytes: Math.round(wasteBytes) };
  });
}

/** Bytes that only a frame's dictionary needs; without end when a part of it is lost, so that the frame goes. */
function heldBytes(index: ChunkIndex, frame: number, needed: BitSet): number {
  let bytes = 0;
  for (const chunk of index.dictionaryOf(frame)) {
    if (!index.isKnown(chunk)) return Infinity;
    if (!needed.has(chunk)) bytes += index.bytesOf(chunk);
  }
  return bytes;
}
