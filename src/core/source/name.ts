import { isUtf8 } from 'node:buffer';

// File systems on Linux keep names as bytes, and not all of them are UTF-8. A byte that does not belong to valid
// UTF-8 becomes the lone surrogate U+DC00 + byte, which no valid text contains, so that every name survives the
// way into a string and back (Python calls this “surrogateescape”).
const ESCAPE_BASE = 0xdc00;
// With the `u` flag a pair counts as one character, so only lone ones match.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The string that stands for a file name of the system; {@link encodeName} gives back exactly these bytes. */
export function decodeName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    text +=
      length === 0
        ? String.fromCharCode(ESCAPE_BASE + (bytes[at] ?? 0))
        : bytes.toString('utf8', at, at + length);
    at += Math.max(length, 1);
  }
  return text;
}

/**
 * The bytes of a name or of a whole path. A lone surrogate that stands for no byte, which {@link decodeName}
 * never makes, becomes the three bytes UTF-8 would use for it: different strings keep different bytes.
 */
export function encodeName(name: string): Buffer {
  if (!hasEscapes(name)) return Buffer.from(name, 'utf8');
  const parts: Buffer[] = [];
  let plainFrom = 0;
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    if (unit < 0xdc00 && isLow(name.charCodeAt(at + 1))) {
      at++;
      continue;
    }
    parts.push(Buffer.from(name.slice(plainFrom, at), 'utf8'), loneSurrogateBytes(unit));
    plainFrom = at + 1;
  }
  parts.push(Buffer.from(name.slice(plainFrom), 'utf8'));
  return Buffer.concat(parts);
}

/** Whether a name or path holds bytes that are not UTF-8, so that it cannot be shown or used as text. */
export function hasEscapes(name: string): boolean {
  return LONE_SURROGATE.test(name);
}

/** What to give to `node:fs` for a path: itself, or its bytes when a name in it is not UTF-8. */
export function systemPath(path: string): string | Buffer {
  return hasEscapes(path) ? encodeName(path) : path;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function loneSurrogateBytes(unit: number): Buffer {
  if (unit >= ESCAPE_BASE + 0x80 && unit <= ESCAPE_BASE + 0xff) return Buffer.of(unit - ESCAPE_BASE);
  return Buffer.of(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
}

/** Bytes of the valid UTF-8 sequence that begins at `at`, 0 when there is none. */
function sequenceLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
