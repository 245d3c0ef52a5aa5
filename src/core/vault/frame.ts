import { hash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync, constants } from 'node:zlib';
import { VaultError } from './error.ts';
import { codeRowDelta } from './row-delta.ts';

/** How a frame's bytes are coded. The numbers stand in the vault. */
export const FrameMethod = { raw: 0, zstd: 1, delta: 2 } as const;
export type FrameMethod = (typeof FrameMethod)[keyof typeof FrameMethod];

const ZSTD_LEVEL = 3;
/** Rows repeat themselves in short ways: level 3 takes twice as long for them and saves nothing worth it. */
const QUICK_ZSTD_LEVEL = 1;
/** Coded bytes must be fewer than this share of the plain ones, or they are stored as they are. */
const WORTH_CODING = 0.98;
const LEAST_WINDOW_LOG = 10;
const MOST_WINDOW_LOG = 24;
const LEAST_TABLE_LOG = 10;
const MOST_TABLE_LOG = 20;
const MOST_QUICK_TABLE_LOG = 18;
/** A frame larger than this is probed before it is coded whole. */
const PROBE_FROM_BYTES = 256 * 1024;
const PROBE_BYTES = 16 * 1024;
const PROBES = 4;
/** A delta over this share of its plain bytes is held against a fresh frame. */
const DOUBTFUL_DELTA = 0.1;
/** A delta over this share of the fresh frame is dropped for it. */
const WORTH_DELTA = 0.5;
/** zstd parses a dictionary that begins with this magic instead of taking it raw (RFC 8878 §5). */
const DICTIONARY_MAGIC = Buffer.from([0x37, 0xa4, 0x30, 0xec]);

/** Room behind decoded bytes: node makes another block as soon as one is full, and V8 collects the sooner for each. */
export const SPARE_BYTES = 1;

export interface CodedFrame {
  readonly method: FrameMethod;
  readonly bytes: Uint8Array;
}

/**
 * Codes a frame's plain bytes: with zstd (RFC 8878) where it helps, against `dictionary` where that helps much more.
 * Every result decodes alone or with that dictionary; nothing deeper.
 * @param quick in half the time, for rows of databases
 */
export function codeFrame(plain: Uint8Array, dictionary?: Uint8Array, quick = false): CodedFrame {
  if (dictionary !== undefined && dictionary.byteLength > 0) {
    const rows = quick ? codeRowDelta(plain, rawDictionary(dictionary)) : undefined;
    if (rows !== undefined) return { method: FrameMethod.delta, bytes: rows };
    const delta = compress(plain, quick, dictionary);
    if (delta.byteLength <= plain.byteLength * DOUBTFUL_DELTA)
      return { method: FrameMethod.delta, bytes: delta };
    const fresh = codeFrame(plain, undefined, quick);
    return delta.byteLength <= fresh.bytes.byteLength * WORTH_DELTA
      ? { method: FrameMethod.delta, bytes: delta }
      : fresh;
  }
  if (plain.byteLength > PROBE_FROM_BYTES && !seemsCompressible(plain)) {
    return { method: FrameMethod.raw, bytes: plain };
  }
  const coded = compress(plain, quick);
  return coded.byteLength < plain.byteLength * WORTH_CODING
    ? { method: FrameMethod.zstd, bytes: coded }
    : { method: FrameMethod.raw, bytes: plain };
}

/**
 * The plain bytes of a coded frame.
 * @throws {VaultError} `damaged` when the bytes do not decode to exactly `plainBytes`.
 */
export function decodeFrame(
  method: FrameMethod,
  coded: Uint8Array,
  plainBytes: number,
  dictionary?: Uint8Array,
): Buffer {
  let plain: Buffer;
  try {
    plain =
      method === FrameMethod.raw
        ? Buffer.from(coded.buffer, coded.byteOffset, coded.byteLength)
        : zstdDecompressSync(coded, {
            maxOutputLength: plainBytes + 1,
            chunkSize: outputSize(plainBytes + SPARE_BYTES),
            ...(method === FrameMethod.delta
              ? { dictionary: rawDictionary(dictionary ?? Buffer.alloc(0)) }
              : {}),
          });
  } catch (error) {
    throw new VaultError('damaged', 'A frame of the vault is damaged: it does not decompress.', {
      cause: error,
    });
  }
  if (plain.length !== plainBytes) {
    throw new VaultError('damaged', 'A frame of the vault is damaged: it has the wrong length.');
  }
  return plain;
}

function compress(plain: Uint8Array, quick: boolean, dictionary?: Uint8Array): Buffer {
  const windowLog = ceilLog2(plain.byteLength + (dictionary?.byteLength ?? 0));
  const { ZSTD_c_compressionLevel, ZSTD_c_windowLog, ZSTD_c_hashLog, ZSTD_c_chainLog } = constants;
  // By default the tables are sized for the plain bytes and forget most of a dictionary larger than them.
  const mostTableLog = quick ? MOST_QUICK_TABLE_LOG : MOST_TABLE_LOG;
  const tableLog = Math.min(mostTableLog, Math.max(LEAST_TABLE_LOG, windowLog - 1));
  return zstdCompressSync(plain, {
    // One block of output that is surely large enough: node otherwise grows it 16 KiB at a time.
    chunkSize: outputSize(plain.byteLength + (plain.byteLength >> 8) + 512),
    pledgedSrcSize: plain.byteLength,
    ...(dictionary === undefined ? {} : { dictionary: rawDictionary(dictionary) }),
    params: {
      [ZSTD_c_compressionLevel]: quick ? QUICK_ZSTD_LEVEL : ZSTD_LEVEL,
      [ZSTD_c_windowLog]: Math.min(MOST_WINDOW_LOG, Math.max(LEAST_WINDOW_LOG, windowLog)),
      ...(dictionary === undefined ? {} : { [ZSTD_c_hashLog]: tableLog, [ZSTD_c_chainLog]: tableLog }),
    },
  });
}

function ceilLog2(value: number): number {
  return Math.ceil(Math.log2(value + 1));
}

/** Codes a few samples quickly: pictures and archives are not worth a full attempt. */
function seemsCompressible(plain: Uint8Array): boolean {
  for (let probe = 0; probe < PROBES; probe++) {
    const at = Math.floor((probe * (plain.byteLength - PROBE_BYTES)) / (PROBES - 1));
    const coded = zstdCompressSync(plain.subarray(at, at + PROBE_BYTES), {
      chunkSize: outputSize(PROBE_BYTES + 512),
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
    });
    if (coded.length < PROBE_BYTES * WORTH_CODING) return true;
  }
  return false;
}

function outputSize(bytes: number): number {
  return Math.max(1024, bytes);
}

function rawDictionary(dictionary: Uint8Array): Uint8Array {
  return DICTIONARY_MAGIC.equals(dictionary.subarray(0, DICTIONARY_MAGIC.length))
    ? dictionary.subarray(1)
    : dictionary;
}

/**
 * Proves that this runtime's zstd uses a dictionary: older ones ignore the option without a word, and a vault written
 * so could not be read.
 * @throws {VaultError} `unsupported-runtime`.
 */
export function requireDictionaries(): void {
  // So short and without anything twice that it does not get shorter by itself.
  const sample = hash('sha512', 'a dictionary', 'buffer');
  let works: boolean;
  try {
    const delta = compress(sample, false, sample);
    works =
      delta.length < sample.length / 2 &&
      decodeFrame(FrameMethod.delta, delta, sample.length, sample).equals(sample);
  } catch {
    works = false;
  }
  if (works) return;
  throw new VaultError(
    'unsupported-runtime',
    `Node ${process.version} cannot compress against a dictionary.`,
    {
      hint: 'Use Node 22.19 or newer, 24.6 or newer, or VS Code 1.116 or newer.',
    },
  );
}
