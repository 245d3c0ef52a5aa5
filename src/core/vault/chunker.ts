/** Sizes of chunks, in bytes; a power of two for the average. */
export interface ChunkSizes {
  readonly min: number;
  readonly average: number;
  readonly max: number;
}

export const CHUNK_SIZES: ChunkSizes = { min: 64 * 1024, average: 256 * 1024, max: 1024 * 1024 };

/** Finds where content is cut. */
export interface Chunker {
  readonly sizes: ChunkSizes;
  /**
   * The length of the first chunk of `buffer[start, end)`. Pass at least `sizes.max` bytes, or all that is left of
   * the content, so that a cut depends on the content alone.
   */
  cut(buffer: Uint8Array, start: number, end: number): number;
}

/** How much stricter and looser the two masks of normalised chunking are, in bits (level 2 of the paper). */
const NORMALISATION_BITS = 2;

/**
 * FastCDC with normalised chunking and minimum-size skipping (Xia et al., USENIX ATC 2016), on a 32-bit gear hash.
 * The gear table is keyed, so that chunk sizes do not tell which known file was backed up.
 * @param gearTable 256 little-endian 32-bit words.
 */
export function createChunker(gearTable: Buffer, sizes: ChunkSizes = CHUNK_SIZES): Chunker {
  const gear = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) gear[byte] = gearTable.readUInt32LE(byte * 4);
  const bits = Math.log2(sizes.average);
  const strict = highBits(bits + NORMALISATION_BITS);
  const loose = highBits(bits - NORMALISATION_BITS);

  return {
    sizes,
    cut(buffer, start, end) {
      const available = end - start;
      if (available <= sizes.min) return available;
      const limit = start + Math.min(available, sizes.max);
      const middle = Math.min(limit, start + sizes.average);
      let hash = 0;
      let at = start + sizes.min;
      for (; at < middle; at++) {
        hash = ((hash << 1) + gear[buffer[at]!]!) | 0;
        if ((hash & strict) === 0) return at + 1 - start;
      }
      for (; at < limit; at++) {
        hash = ((hash << 1) + gear[buffer[at]!]!) | 0;
        if ((hash & loose) === 0) return at + 1 - start;
      }
      return limit - start;
    },
  };
}

/** A mask of the highest bits: these have seen the most bytes of a gear hash. */
function highBits(count: number): number {
  return (0xffffffff << (32 - count)) | 0;
}
