import type { Entry } from '../vault/entry.ts';

/** What became of the entries of a source; counted in files and links. */
export interface Tally {
  total: number;
  added: number;
  modified: number;
  deleted: number;
  unchanged: number;
  sourceBytes: number;
  readBytes: number;
}

type Counted = Pick<Entry, 'type' | 'size' | 'mode' | 'target' | 'chunks'>;

/** A tally of nothing yet. */
export function newTally(): Tally {
  return { total: 0, added: 0, modified: 0, deleted: 0, unchanged: 0, sourceBytes: 0, readBytes: 0 };
}

/** Counts an entry by what it was before. */
export function countStored(tally: Tally, entry: Counted, previous: Counted | undefined): void {
  const { type, size, mode, target, chunks } = entry;
  if (type === 'directory') return;
  tally.total++;
  tally.sourceBytes += size;
  if (previous === undefined) tally.added++;
  else if (
    previous.type === type &&
    previous.mode === mode &&
    previous.target === target &&
    previous.chunks.equals(chunks)
  ) {
    tally.unchanged++;
  } else tally.modified++;
}

/** Counts an entry that was taken from the base as it stood. */
export function countUnchanged(tally: Tally, { type, size }: Pick<Counted, 'type' | 'size'>): void {
  if (type === 'directory') return;
  tally.total++;
  tally.unchanged++;
  tally.sourceBytes += size;
}

/** Counts an entry that is there no more. */
export function countDeleted(tally: Tally, { type }: Pick<Counted, 'type'>): void {
  if (type !== 'directory') tally.deleted++;
}
