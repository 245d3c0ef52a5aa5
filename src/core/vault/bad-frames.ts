import { ChunkIndex } from './index.ts';
import type { ListedPack } from './pack.ts';

/** Damaged frames: where they begin in their packs, by the packs' ids. */
export type BadFrames = ReadonlyMap<string, ReadonlySet<number>>;

/** Which frames of a pack were found damaged. */
export interface PackNote {
  readonly pack: string;
  /** ISO 8601 UTC; of two notes on the same pack the later holds. */
  readonly at: string;
  /** Where these frames begin in the pack; none when all were found right. */
  readonly badFrames: readonly number[];
}

/** What notes say now of each pack that has damaged frames. */
export function foldPackNotes(notes: readonly PackNote[]): Map<string, PackNote> {
  const folded = new Map<string, PackNote>();
  for (const note of notes) {
    const known = folded.get(note.pack);
    if (known === undefined || known.at <= note.at) folded.set(note.pack, note);
  }
  for (const [pack, { badFrames }] of folded) if (badFrames.length === 0) folded.delete(pack);
  return folded;
}

/** The frames that notes say are damaged. */
export function badFramesIn(notes: readonly PackNote[]): BadFrames {
  return new Map([...foldPackNotes(notes)].map(([pack, { badFrames }]) => [pack, new Set(badFrames)]));
}

/** Frames that stand in one of two lists. */
export function withBadFrames(one: BadFrames, other: BadFrames): BadFrames {
  const all = new Map(one);
  for (const [pack, frames] of other) all.set(pack, new Set([...(all.get(pack) ?? []), ...frames]));
  return all;
}

/**
 * The index of packs. A chunk that stands in several places is looked for where it can be read: not in damaged frames,
 * nor in delta frames that rest on chunks which no other frame has. What stands nowhere else is not trusted.
 */
export function indexOf(packs: readonly ListedPack[], bad: BadFrames): ChunkIndex {
  for (let avoided = bad; ;) {
    const index = new ChunkIndex();
    for (const pack of packs) index.addPack(pack, avoided.get(pack.id));
    const resting = index.framesOnNothing();
    if (resting.size === 0) return index;
    avoided = withBadFrames(avoided, resting);
  }
}
