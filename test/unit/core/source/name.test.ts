import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName, encodeName, hasEscapes, systemPath } from '../../../../src/core/source/name.ts';

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 5 },
    )
    .map((parts) => Buffer.concat(parts)),
);

describe('a file name as a string', () => {
  it('gives back its bytes, whatever they are', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(encodeName(decodeName(bytes))).toEqual(bytes);
      }),
    );
  });

  it('is the same text when the bytes are UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeName(Buffer.from(text))).toBe(text);
        expect(encodeName(text)).toEqual(Buffer.from(text));
        expect(hasEscapes(text)).toBe(false);
        expect(systemPath(text)).toBe(text);
      }),
    );
  });

  it('keeps the readable part of a Latin-1 name and marks the rest', () => {
    const name = decodeName(Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x2e, 0x74, 0x78, 0x74]));
    expect(name).toBe('caf\udce9.txt');
    expect(hasEscapes(name)).toBe(true);
    expect(systemPath(`data/${name}`)).toEqual(
      Buffer.concat([Buffer.from('data/caf'), Buffer.of(0xe9), Buffer.from('.txt')]),
    );
  });

  it('takes overlong forms, encoded surrogates and cut characters for bytes', () => {
    expect(decodeName(Buffer.from([0xc0, 0xaf]))).toBe('\udcc0\udcaf');
    expect(decodeName(Buffer.from([0xed, 0xa0, 0x80]))).toBe('\udced\udca0\udc80');
    expect(decodeName(Buffer.from([0xf0, 0x9f, 0x98]))).toBe('\udcf0\udc9f\udc98');
    expect(decodeName(Buffer.from([0xf5, 0x80, 0x80, 0x80]))).toBe('\udcf5\udc80\udc80\udc80');
  });

  it('keeps an emoji whole beside a foreign byte', () => {
    const bytes = Buffer.concat([Buffer.of(0xff), Buffer.from('😀中'), Buffer.of(0x80)]);
    expect(decodeName(bytes)).toBe('\udcff😀中\udc80');
  });

  it('never gives two strings the same bytes by losing what it cannot encode', () => {
    expect(encodeName('\ud800')).not.toEqual(encodeName('\ud801'));
    expect(encodeName('\udc7f')).not.toEqual(encodeName('\ufffd'));
  });
});
