import { MOST_WASTE } from '../vault/prune-plan.ts';
import { type Holdings, NOBODY, SEVERAL } from './holdings.ts';

/** What takes the space in a vault's packs, and what would be freed. */
export interface PackSpace {
  /** Plain bytes of the chunks that backups need, each counted once. */
  readonly plainBytes: number;
  /** Bytes on disk by what they are part of: the parts of {@link Holdings}. */
  readonly partBytes: readonly number[];
  /** Bytes that nobody needs: a prune frees them, unless they are a small part of their pack. */
  readonly unusedBytes: number;
  /** What a prune would free if a backup were forgotten, more than it frees without; by the backups' numbers. */
  readonly exclusiveBytes: Float64Array;
}

interface PackTotals {
  sealedBytes: number;
  /** Of {@link sealedBytes}, what somebody needs. */
  neededBytes: number;
  /** Of {@link neededBytes}, what only one backup needs, by its number. */
  readonly ownBytes: Map<number, number>;
  isShared: boolean;
}

/** Adds up the packs of a vault. A frame counts for its chunks in proportion to their plain bytes. */
export function packSpace({ index, holders, partOf, parts }: Holdings, backupCount: number): PackSpace {
  const packs = index.packs.map((): PackTotals => {
    return { sealedBytes: 0, neededBytes: 0, ownBytes: new Map(), isShared: false };
  });
  const shares = new Float64Array(index.frameCount);
  for (let frame = 0; frame < index.frameCount; frame++) {
    const { sealedBytes, plainBytes } = index.frame(frame);
    packs[index.packOf(frame)]!.sealedBytes += sealedBytes;
    shares[frame] = sealedBytes / Math.max(1, plainBytes);
  }
  const partBytes = parts.map(() => 0);
  let plain = 0;
  for (const [chunk, holder] of holders.entries()) {
    if (holder === NOBODY) continue;
    const { frame, bytes } = index.place(chunk);
    const pack = packs[index.packOf(frame)]!;
    const onDisk = bytes * shares[frame]!;
    plain += bytes;
    partBytes[partOf[chunk]!]! += onDisk;
    pack.neededBytes += onDisk;
    if (holder === SEVERAL) pack.isShared = true;
    else pack.ownBytes.set(holder, (pack.ownBytes.get(holder) ?? 0) + onDisk);
  }
  const exclusiveBytes = new Float64Array(backupCount);
  let unused = 0;
  for (const [number, { bytes }] of index.packs.entries()) {
    const pack = packs[number]!;
    const waste = pack.sealedBytes - pack.neededBytes;
    unused += pack.neededBytes === 0 ? bytes : waste;
    const freedNow = freedBytes(bytes, waste, pack.neededBytes === 0);
    for (const [holder, own] of pack.ownBytes) {
      const isAll = !pack.isShared && pack.ownBytes.size === 1;
      exclusiveBytes[holder]! += freedBytes(bytes, waste + own, isAll) - freedNow;
    }
  }
  return {
    plainBytes: plain,
    partBytes: partBytes.map(Math.round),
    unusedBytes: Math.round(unused),
    exclusiveBytes: exclusiveBytes.map(Math.round),
  };
}

/** What a prune frees of a pack: all of it when nobody needs it, its waste when that is much, else nothing. */
function freedBytes(packBytes: number, wasteBytes: number, isUnneeded: boolean): number {
  if (isUnneeded) return packBytes;
  return wasteBytes > packBytes * MOST_WASTE ? wasteBytes : 0;
}
