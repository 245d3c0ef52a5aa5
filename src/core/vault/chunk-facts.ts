import { BitSet } from './bit-set.ts';
import { NO_PACK } from './damage.ts';
import type { ChunkIndex } from './index.ts';
import type { PackInspection } from './inspect.ts';
import { packName } from './pack.ts';
import type { Vault } from './vault.ts';

/** What is known of chunks. */
export interface ChunkFacts {
  /** The objects by whose damage a chunk is lost; undefined when it can be read. */
  lostBy(ids: Buffer, at: number): readonly string[] | undefined;
  /** A chunk's length in bytes; 0 when it is not known. */
  bytesOf(ids: Buffer, at: number): number;
  /** The object a chunk stands in. */
  objectOf(id: Buffer): string;
  /** The bytes of a chunk. */
  read(id: Buffer): Promise<Buffer>;
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
