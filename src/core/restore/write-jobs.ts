import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import { VaultError } from '../vault/error.ts';
import type { ChunkIndex, FramePlace } from '../vault/index.ts';
import type { Owner } from './file-writer.ts';
import type { NewEntry } from './root-plan.ts';
import { DAMAGE_HINT } from './skipped.ts';
import { fitsTar } from './tar-member.ts';
import { isReachable } from './file-time.ts';

/** A file to be written beside its target. */
export interface NewFile {
  /** `files/<name>`. */
  readonly root: string;
  readonly entry: NewEntry;
  /** Where it is written, absolute. */
  readonly file: string;
  readonly owner: Owner | undefined;
}

/** Whether tar has to write a file to give it its time, and can: it must come in one piece. */
export function suitsTar({ entry, owner }: Pick<NewFile, 'entry' | 'owner'>): boolean {
  if (entry.type !== 'file' || entry.chunks.length !== CHUNK_ID_BYTES || isReachable(entry.mtimeNs))
    return false;
  return owner === undefined || (fitsTar(owner.uid) && fitsTar(owner.gid));
}

/** A chunk's way into a file. */
export interface ChunkUse {
  readonly file: NewFile;
  /** Where its id stands in the file's list of chunks. */
  readonly at: number;
  /** Where it begins in its frame. */
  readonly offset: number;
  readonly bytes: number;
  /** Where it goes in the file. */
  readonly position: number;
}

/** A frame and what is wanted from it, by offset. */
export interface FrameUse {
  readonly place: FramePlace;
  readonly uses: ChunkUse[];
}

/** Frames that stand near each other in one pack, to be read at once. */
export interface FrameRun {
  readonly frames: FrameUse[];
  /** Plain bytes that are going to be written. */
  bytes: number;
}

/** A run ends after so many sealed bytes, so that all threads get some and memory stays small. */
const RUN_BYTES = 2 * 1024 * 1024;
/** … or after so many writes. */
const RUN_USES = 2000;
/** Reading over a gap of this size is cheaper than a second read. */
const GAP_BYTES = 64 * 1024;

/**
 * Sorts the chunks of files by where they stand in the vault, so that each frame is read and decoded once, in the order
 * of the packs.
 * @throws {VaultError} `missing-chunk` or `damaged`, naming a file that the vault cannot give back.
 */
export function groupByFrame(files: Iterable<NewFile>, index: ChunkIndex): FrameRun[] {
  const frames = new Map<number, FrameUse>();
  for (const file of files) {
    const { chunks, size } = file.entry;
    let position = 0;
    for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
      const chunk = index.find(chunks, at);
      if (chunk < 0) throw missing(pathOf(file));
      const { frame, offset, bytes } = index.place(chunk);
      let use = frames.get(frame);
      if (use === undefined) frames.set(frame, (use = { place: index.frame(frame), uses: [] }));
      use.uses.push({ file, at, offset, bytes, position });
      position += bytes;
    }
    if (position !== size) throw wrongSize(pathOf(file));
  }
  const sorted = [...frames.values()].sort(byPlace);
  for (const { uses } of sorted) uses.sort((a, b) => a.offset - b.offset);
  return runsOf(sorted);
}

/** A file's path in the backup. */
export function pathOf({ root, entry }: NewFile): string {
  return `${root}/${entry.path}`;
}

function runsOf(frames: readonly FrameUse[]): FrameRun[] {
  const runs: FrameRun[] = [];
  let run: FrameRun | undefined;
  let uses = 0;
  for (const frame of frames) {
    const first = run?.frames[0]?.place;
    const last = run?.frames.at(-1)?.place;
    const joins =
      first !== undefined &&
      last !== undefined &&
      first.pack === frame.place.pack &&
      frame.place.offset - (last.offset + last.sealedBytes) <= GAP_BYTES &&
      frame.place.offset + frame.place.sealedBytes - first.offset <= RUN_BYTES &&
      uses + frame.uses.length <= RUN_USES;
    if (run === undefined || !joins) {
      runs.push((run = { frames: [], bytes: 0 }));
      uses = 0;
    }
    run.frames.push(frame);
    uses += frame.uses.length;
    for (const { bytes } of frame.uses) run.bytes += bytes;
  }
  return runs;
}

function byPlace(a: FrameUse, b: FrameUse): number {
  if (a.place.pack !== b.place.pack) return a.place.pack < b.place.pack ? -1 : 1;
  return a.place.offset - b.place.offset;
}

function missing(path: string): VaultError {
  return new VaultError(
    'missing-chunk',
    `${path} cannot be restored: the vault no longer has all of its content.`,
    {
      hint: DAMAGE_HINT,
    },
  );
}

function wrongSize(path: string): VaultError {
  return new VaultError('damaged', `${path} cannot be restored: its content does not add up to its size.`, {
    hint: DAMAGE_HINT,
  });
}
