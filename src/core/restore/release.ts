/** Buffers smaller than this may share their memory with others. */
const OWN_BYTES = 64 * 1024;

/**
 * Gives a buffer's memory back now. Left to the collector, megabytes pile up by the hundred, and each new one costs
 * fresh pages.
 */
export function release(bytes: Uint8Array): void {
  const memory = bytes.buffer as ArrayBuffer & { transfer?: (bytes: number) => ArrayBuffer };
  if (bytes.byteLength >= OWN_BYTES) memory.transfer?.(0);
}
