import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import { VaultError } from '../vault/error.ts';
import type { ChunkIndex, FramePlace } from '../vault/index.ts';
import type { Owner } from './file-writer.ts';
import type { FileTime } from './file-time.ts';

/** A file to be written beside its target. */
export interface NewFile {
  /** Where it is written, absolute. */
  readonly file: string;
  /** Its path in the backup, for messages. */
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly time: FileTime;
  readonly owner: Owner | undefined;
  readonly chunks: Buffer;
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
    let position = 0;
    for (let at = 0; at < file.chunks.length; at += CHUNK_ID_BYTES) {
      const chunk = index.find(file.chunks, at);
      if (chunk < 0) throw missing(file.path);
      const { frame, offset, bytes } = index.place(chunk);
      let use = frames.get(frame);
      if (use === undefined) frames.set(frame, (use = { place: index.frame(frame), uses: [] }));
      use.uses.push({ file, at, offset, bytes, position });
      position += bytes;
    }
    if (position !== file.size) throw wrongSize(file.path);
  }
  const sorted = [...frames.values()].sort(byPlace);
  for (const { uses } of sorted) uses.sort((a, b) => a.offset - b.offset);
  return runsOf(sorted);
}

function runsOf(frames: readonly FrameUse[]): FrameRun[] {
  const runs: FrameRun[] = [];
  let run: FrameRun | undefined;
  for (const frame of frames) {
    const first = run?.frames[0]?.place;
    const last = run?.frames.at(-1)?.place;
    const joins =
      first !== undefined &&
      last !== undefined &&
      first.pack === frame.place.pack &&
      frame.place.offset - (last.offset + last.sealedBytes) <= GAP_BYTES &&
      frame.place.offset + frame.place.sealedBytes - first.offset <= RUN_BYTES;
    if (run === undefined || !joins) runs.push((run = { frames: [], bytes: 0 }));
    run.frames.push(frame);
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
      hint: 'Nothing was changed. Run “crm-backup verify” to see what else is affected; another backup may have it.',
    },
  );
}

function wrongSize(path: string): VaultError {
  return new VaultError('damaged', `${path} cannot be restored: its content does not add up to its size.`, {
    hint: 'Nothing was changed. Run “crm-backup verify --level data” to see what else is affected.',
  });
}
