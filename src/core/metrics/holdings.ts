import { CrmBackupError } from '../errors.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { ChunkIndex } from '../vault/index.ts';
import { viewsIn } from '../vault/manifest.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';

/** Nobody needs a chunk, or more than one backup does; else the number of the one that does. */
export const NOBODY = -1;
export const SEVERAL = -2;

/** Parts of manifests read at once. */
const PARALLEL_READS = 32;

/** Which backup needs which chunk of a vault, by the chunks' numbers in its index. */
export interface Holdings {
  readonly index: ChunkIndex;
  /** {@link NOBODY}, {@link SEVERAL}, or the number of a backup in the list it was made from. */
  readonly holders: Int32Array;
  /** The number in {@link parts} of what a chunk is part of, and 0 for manifests and what was only a dictionary. */
  readonly partOf: Uint16Array;
  /** `manifests`, then the roots of backups: `files/<root>`, `databases/<name>`. */
  readonly parts: readonly string[];
}

/**
 * Goes through all manifests, each part of them once, and tells who needs which chunk. What is lost or cannot be read is
 * passed over: it takes no space.
 */
export async function findHoldings(
  vault: Vault,
  records: readonly BackupRecord[],
  task: Task,
): Promise<Holdings> {
  const index = await vault.index();
  const holders = new Int32Array(index.numberCount).fill(NOBODY);
  const partOf = new Uint16Array(index.numberCount);
  const parts = ['manifests'];
  const claim = (chunk: number, holder: number): void => {
    const before = holders[chunk]!;
    if (before === NOBODY) holders[chunk] = holder;
    else if (before !== holder) holders[chunk] = SEVERAL;
  };
  const manifests = new Map<number, number>();
  for (const [number, { manifest }] of records.entries()) {
    for (const { root, chunks } of manifest) {
      let part = parts.indexOf(root);
      if (part < 0) part = parts.push(root) - 1;
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
        const chunk = index.find(chunks, at);
        if (chunk < 0) continue;
        claim(chunk, number);
        manifests.set(chunk, part);
      }
    }
  }
  const all = [...manifests];
  for (let at = 0; at < all.length; at += PARALLEL_READS) {
    throwIfCancelled(task);
    task.progress?.({ phase: 'mark', done: at, total: all.length, unit: 'packs' });
    const batch = all.slice(at, at + PARALLEL_READS);
    const read = await Promise.all(batch.map(async ([manifest]) => readOrNothing(vault, index, manifest)));
    for (const [number, [manifest, part]] of batch.entries()) {
      const holder = holders[manifest]!;
      for (const { chunks } of viewsIn(read[number]!)) {
        for (let id = 0; id < chunks.length; id += CHUNK_ID_BYTES) {
          const chunk = index.find(chunks, id);
          if (chunk < 0) continue;
          claim(chunk, holder);
          partOf[chunk] ||= part;
        }
      }
    }
  }
  claimDictionaries(index, holders, claim);
  return { index, holders, partOf, parts };
}

async function readOrNothing(vault: Vault, index: ChunkIndex, chunk: number): Promise<Buffer> {
  try {
    return await vault.reader.readChunk(index.idOf(chunk), index);
  } catch (error) {
    if (!(error instanceof CrmBackupError)) throw error;
    return Buffer.alloc(0);
  }
}

/** Who needs a chunk of a delta frame needs what this was coded against. */
function claimDictionaries(
  index: ChunkIndex,
  holders: Int32Array,
  claim: (chunk: number, holder: number) => void,
): void {
  const frames = new Map<number, number>();
  for (const [chunk, holder] of holders.entries()) {
    if (holder === NOBODY || !index.isDelta(chunk)) continue;
    const { frame } = index.place(chunk);
    const before = frames.get(frame) ?? holder;
    frames.set(frame, before === holder ? holder : SEVERAL);
  }
  for (const [frame, holder] of frames) {
    for (const chunk of index.dictionaryOf(frame)) if (index.isKnown(chunk)) claim(chunk, holder);
  }
}
