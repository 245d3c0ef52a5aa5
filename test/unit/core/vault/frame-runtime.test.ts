import type * as Zlib from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type * as Frame from '../../../../src/core/vault/frame.ts';

/** The module under a runtime of which some functions are others. */
async function under(change: (real: typeof Zlib) => Partial<typeof Zlib>): Promise<typeof Frame> {
  vi.resetModules();
  vi.doMock('node:zlib', async (original) => {
    const real = await original<typeof Zlib>();
    return { ...real, ...change(real) };
  });
  return import('../../../../src/core/vault/frame.ts');
}

const withoutDictionary = ({ dictionary: _, ...options }: Zlib.ZstdOptions = {}): Zlib.ZstdOptions => options;

describe('a runtime', () => {
  afterEach(() => {
    vi.doUnmock('node:zlib');
    vi.resetModules();
  });

  it('that knows dictionaries is taken', async () => {
    const { requireDictionaries } = await under(() => ({}));
    expect(() => requireDictionaries()).not.toThrow();
  });

  it.each<[string, (real: typeof Zlib) => Partial<typeof Zlib>]>([
    [
      'compresses without them',
      (real) => ({
        zstdCompressSync: (bytes, options) => real.zstdCompressSync(bytes, withoutDictionary(options)),
      }),
    ],
    [
      'decompresses without them',
      (real) => ({
        zstdDecompressSync: (bytes, options) => real.zstdDecompressSync(bytes, withoutDictionary(options)),
      }),
    ],
    [
      'knows nothing of them on either side',
      (real) => ({
        zstdCompressSync: (bytes, options) => real.zstdCompressSync(bytes, withoutDictionary(options)),
        zstdDecompressSync: (bytes, options) => real.zstdDecompressSync(bytes, withoutDictionary(options)),
      }),
    ],
    ['has no zstd', () => ({ zstdCompressSync: undefined as never, zstdDecompressSync: undefined as never })],
  ])('that %s is told apart', async (_, change) => {
    const { requireDictionaries } = await under(change);
    expect(() => requireDictionaries()).toThrow(
      expect.objectContaining({ code: 'unsupported-runtime' }) as Error,
    );
  });
});
