import { CHUNK_ID_BYTES } from '../../src/core/vault/chunk-id.ts';
import { packName } from '../../src/core/vault/pack.ts';
import type { Vault } from '../../src/core/vault/vault.ts';

/** Those of an entry’s chunks that stand in other frames than all of another’s. */
export async function chunksApart(vault: Vault, chunks: Buffer, others: Buffer): Promise<Buffer[]> {
  const index = await vault.index();
  const frameOf = (id: Buffer): number => index.place(index.find(id, 0)).frame;
  const taken = new Set(chunksIn(others).map(frameOf));
  return chunksIn(chunks).filter((id) => !taken.has(frameOf(id)));
}

/** A list of chunk ids, one by one. */
export function chunksIn(ids: Buffer): Buffer[] {
  return Array.from({ length: ids.length / CHUNK_ID_BYTES }, (_, at) =>
    ids.subarray(at * CHUNK_ID_BYTES, (at + 1) * CHUNK_ID_BYTES),
  );
}

/** Flips a bit in the middle of the frame that holds a chunk, so that none of its chunks can be read any more. */
export async function damageFrameOf(vault: Vault, chunk: Buffer): Promise<void> {
  const index = await vault.index();
  await damageFrame(vault, index.place(index.find(chunk, 0)).frame);
}

/** Flips a bit in the middle of every frame of some packs. */
export async function damagePacks(vault: Vault, isMeant: (id: string) => boolean): Promise<void> {
  const index = await vault.index();
  for (let frame = 0; frame < index.frameCount; frame++) {
    if (isMeant(index.frame(frame).pack)) await damageFrame(vault, frame);
  }
}

/** Flips a bit in the middle of a frame, by its number in the vault's index. */
export async function damageFrame(vault: Vault, frame: number): Promise<void> {
  const { pack, offset, sealedBytes } = (await vault.index()).frame(frame);
  const bytes = Buffer.from(await vault.storage.read(packName(pack)));
  const at = offset + Math.floor(sealedBytes / 2);
  bytes[at] = bytes[at]! ^ 1;
  await vault.storage.write(packName(pack), [bytes]);
}
