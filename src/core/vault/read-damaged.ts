import { type Storage, StorageError } from '../storage/storage.ts';

const BLOCK_BYTES = 64 * 1024;

/**
 * Reads an object from a disk that may be worn out: blocks that cannot be read become zeros, so that what stands around
 * them is not lost with them.
 * @param bytes How many it has.
 * @throws {StorageError} when not a single block can be read.
 */
export async function readDamaged(storage: Storage, name: string, bytes: number): Promise<Buffer> {
  try {
    return await storage.read(name, { offset: 0, length: bytes });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const content = Buffer.alloc(bytes);
    let isRead = false;
    for (let offset = 0; offset < bytes; offset += BLOCK_BYTES) {
      const length = Math.min(BLOCK_BYTES, bytes - offset);
      const block = await storage.read(name, { offset, length }).catch((reason: unknown) => {
        if (reason instanceof StorageError) return undefined;
        throw reason;
      });
      isRead ||= block !== undefined;
      block?.copy(content, offset);
    }
    if (!isRead) throw error;
    return content;
  }
}
