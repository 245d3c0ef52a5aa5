import { encodeName } from '../source/name.ts';

const SLASH = 0x2f;

/**
 * The order of paths in a manifest: by their bytes with `/` lowest, which is depth first, names sorted bytewise,
 * a directory directly before what it contains. Equal to comparing the bytes of both with `/` replaced by 0x00.
 */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  const common = Math.min(a.length, b.length);
  for (let at = 0; at < common; at++) {
    const unitA = a.charCodeAt(at);
    const unitB = b.charCodeAt(at);
    if (unitA === unitB) continue;
    if (isSurrogate(unitA) || isSurrogate(unitB)) return compareFrom(a, b, at);
    // UTF-8 keeps the order of code points, so outside of surrogates the units tell.
    const difference = (unitA === SLASH ? 0 : unitA) - (unitB === SLASH ? 0 : unitB);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** Compares by bytes from the character on that holds the first different unit. */
function compareFrom(a: string, b: string, at: number): number {
  const before = at > 0 ? a.charCodeAt(at - 1) : 0;
  const start = before >= 0xd800 && before <= 0xdbff ? at - 1 : at;
  const pointA = a.codePointAt(start) ?? 0;
  const pointB = b.codePointAt(start) ?? 0;
  if (!isSurrogate(pointA) && !isSurrogate(pointB)) {
    const difference = (pointA === SLASH ? 0 : pointA) - (pointB === SLASH ? 0 : pointB);
    if (difference !== 0) return difference;
  }
  return Buffer.compare(orderBytes(a.slice(start)), orderBytes(b.slice(start)));
}

function orderBytes(path: string): Buffer {
  const bytes = encodeName(path);
  for (let at = bytes.indexOf(SLASH); at >= 0; at = bytes.indexOf(SLASH, at + 1)) bytes[at] = 0;
  return bytes;
}

/** Whether a path is `ancestor` or stands below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor) && (path.length === ancestor.length || path[ancestor.length] === '/');
}
