/**
 * Finds paths that would be one and the same file on the given platform: on Windows those that differ only in case,
 * on macOS also those whose accents are only composed differently. Folders on the way count. Each group has the
 * spellings of one place, in the order they came in. On Linux names are bytes and nothing collides.
 *
 * This is what disks of the platform usually do; a case-sensitive one on them takes more.
 */
export function findCollisions(
  paths: Iterable<string>,
  platform: NodeJS.Platform,
): readonly (readonly string[])[] {
  const fold = platform === 'win32' ? foldLikeWindows : platform === 'darwin' ? foldLikeMacos : undefined;
  if (!fold) return [];
  const spellings = new Map<string, string | string[]>();
  for (const path of paths) {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const place = path.slice(0, end);
      const key = fold(place);
      const known = spellings.get(key);
      // The folders around a known spelling are known too.
      if (known === place || (Array.isArray(known) && known.includes(place))) break;
      if (known === undefined) spellings.set(key, place);
      else if (Array.isArray(known)) known.push(place);
      else spellings.set(key, [known, place]);
    }
  }
  return [...spellings.values()].filter(Array.isArray);
}

// eslint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\u0000-\u007f]*$/;

/** NTFS maps each unit to one upper-case unit, and nothing from outside of ASCII into it. */
function foldLikeWindows(path: string): string {
  if (ASCII.test(path)) return path.toUpperCase();
  let folded = '';
  for (let at = 0; at < path.length; at++) {
    const unit = path.charAt(at);
    const upper = unit.toUpperCase();
    folded += upper.length !== 1 || (unit > '\u007f' && upper <= '\u007f') ? unit : upper;
  }
  return folded;
}

/** APFS and HFS+ compare names case-folded and decomposed. */
function foldLikeMacos(path: string): string {
  if (ASCII.test(path)) return path.toLowerCase();
  // There and back again is Unicode's full case folding, but for the dotless ı, which folds to itself.
  return path
    .normalize('NFD')
    .split('ı')
    .map((part) => part.toLowerCase().toUpperCase().toLowerCase())
    .join('ı')
    .normalize('NFD');
}
