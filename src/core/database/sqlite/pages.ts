import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type Task, throwIfCancelled } from '../../task.ts';
import type { PageSums } from './tables.ts';

const BLOCK_BYTES = 1024 * 1024;
const PAGE_SIZE_AT = 16;
/** The page size that does not fit its two bytes stands there as 1. */
const LARGEST_PAGE = 65_536;

/**
 * Reads a database’s file that nobody has open for writing, in blocks of whole pages, and sums its pages up.
 * @param take what it promises is awaited; afterwards the block is used again
 */
export async function readPages(
  file: string,
  take: (block: Buffer) => Promise<void> | undefined,
  task: Task,
): Promise<PageSums & { readonly bytes: number }> {
  await using handle: FileHandle = await open(file, 'r');
  const { size } = await handle.stat();
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let sums = new Uint32Array();
  let pageBytes = 0;
  let page = 0;
  for (let at = 0; at < size;) {
    throwIfCancelled(task);
    const { bytesRead } = await handle.read(block, 0, Math.min(BLOCK_BYTES, size - at), at);
    if (bytesRead === 0) break;
    if (at === 0) {
      const written = block.readUInt16BE(PAGE_SIZE_AT);
      pageBytes = written === 1 ? LARGEST_PAGE : written;
      sums = new Uint32Array(Math.ceil(size / pageBytes));
    }
    for (let start = 0; start < bytesRead; start += pageBytes) {
      sums[page++] = crc32(block.subarray(start, Math.min(bytesRead, start + pageBytes)));
    }
    const waiting = take(block.subarray(0, bytesRead));
    if (waiting !== undefined) await waiting;
    at += bytesRead;
  }
  return { sums, bytes: size };
}
