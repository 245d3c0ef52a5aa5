import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_ID_HEADROOM_BYTES, ChunkIds } from '../../../../src/core/vault/chunk-id.ts';

const key = fc.uint8Array({ minLength: 0, maxLength: 64 });
const content = fc.uint8Array({ maxLength: 3000 });

describe('a chunk id', () => {
  it('is the HMAC-SHA-256 of the content', () => {
    fc.assert(
      fc.property(key, content, (secret, chunk) => {
        const expected = createHmac('sha256', secret).update(chunk).digest();
        expect(new ChunkIds(Buffer.from(secret)).of(chunk).equals(expected)).toBe(true);
      }),
    );
  });

  it('is the same for a part of a buffer, which keeps its content', () => {
    fc.assert(
      fc.property(key, content, content, content, (secret, before, chunk, after) => {
        const headroom = Buffer.alloc(CHUNK_ID_HEADROOM_BYTES, 7);
        const buffer = Buffer.concat([headroom, before, chunk, after]);
        const kept = Buffer.from(buffer);
        const ids = new ChunkIds(Buffer.from(secret));
        const id = ids.ofPart(buffer, headroom.length + before.length, chunk.length);
        expect(id.equals(createHmac('sha256', secret).update(chunk).digest())).toBe(true);
        expect(buffer.equals(kept)).toBe(true);
      }),
    );
  });

  it('stays what it was when the next is made', () => {
    const ids = new ChunkIds(Buffer.alloc(32, 1));
    const first = ids.of(Buffer.from('first'));
    const kept = Buffer.from(first);
    ids.of(Buffer.from('second'));
    expect(first.equals(kept)).toBe(true);
  });
});
