import ignore from 'ignore';

/**
 * What a pattern asks of a path at the least. The full matching costs a microsecond, and nearly all paths match
 * nothing: these questions are cheap and never say no to a path that matches.
 */
export interface Precheck {
  /** Source of a regular expression that the path's last name must pass; undefined when any name may match. */
  readonly name?: string;
  /** Source of a regular expression that the folder around must pass, where any name may match. */
  readonly folder?: string;
}

/** The cheap questions to ask before matching a git pattern in full. */
export function precheckOf(pattern: string): Precheck {
  const segments = plainSegments(pattern);
  if (segments === undefined) return { folder: '' };
  const last = segments.at(-1) ?? '';
  const name = segmentCheck(last);
  if (name !== undefined) return { name };

  // `data/cache/**` can match any name, but only below a path that has `data/cache`.
  const before = segments.slice(0, -1);
  if (before.length > 0 && before.every(isLiteral)) return { folder: `^${escaped(before.join('/'))}(?:/|$)` };
  const literal = before.map(literalRun).reduce((best, run) => (run.length > best.length ? run : best), '');
  return { folder: escaped(literal) };
}

/**
 * Whether a pattern may match something below a folder, given as the names on the way to it. It may say yes where
 * nothing matches.
 */
export function descentCheck(pattern: string, caseSensitive: boolean): (names: readonly string[]) => boolean {
  const segments = plainSegments(pattern);
  if (segments === undefined || !isAnchored(pattern, segments)) return () => true;
  const globstar = segments.findIndex(isGlobstar);
  const open = globstar >= 0;
  const fixed = open ? segments.slice(0, globstar) : segments;
  // Alone, a segment would lose a space at its end.
  const matchers = fixed.map((segment) =>
    segment === segment.trim() ? ignore({ ignorecase: !caseSensitive }).add(`/${segment}`) : undefined,
  );
  return (names) => {
    if (!open && names.length >= fixed.length) return false;
    return matchers.every((matcher, index) => {
      const name = names[index];
      return name === undefined || matcher === undefined || matcher.ignores(name);
    });
  };
}

/**
 * What must be there for a pattern to match anything: the path it begins with, and whether that must be a folder. Undefined
 * for a pattern that takes out again, and where only the names that are there could tell.
 */
export function requiredPath(
  pattern: string,
): { readonly path: string; readonly isFolder: boolean } | undefined {
  const segments = /^[!#]/.test(pattern) ? undefined : plainSegments(pattern);
  if (segments === undefined || !isAnchored(pattern, segments)) return undefined;
  const globs = segments.findIndex((segment) => !isLiteral(segment));
  const fixed = globs < 0 ? segments : segments.slice(0, globs);
  if (fixed.length === 0) return undefined;
  return { path: fixed.join('/'), isFolder: globs >= 0 || pattern.endsWith('/') };
}

function isAnchored(pattern: string, segments: readonly string[]): boolean {
  return pattern.startsWith('/') || segments.length > 1;
}

/** The folders below which a pattern matches everything, as a pattern; undefined when it is not of that kind. */
export function swallowedFolders(pattern: string): string | undefined {
  const [, folder] = /^\/?([^!#/].*)\/\*{1,2}$/s.exec(pattern) ?? [];
  return folder === undefined ? undefined : `/${folder}/`;
}

/**
 * The names and globs of a pattern between its slashes; undefined for the few patterns whose slashes or edges are
 * not what they seem (escapes, a slash between brackets, spaces that git trims).
 */
function plainSegments(pattern: string): string[] | undefined {
  const body = pattern.replace(/^!/, '');
  if (/[\\\p{Cc}]|\[.*\//su.test(body) || body !== body.trim()) return undefined;
  return body.replace(/^\//, '').replace(/\/$/, '').split('/');
}

/** What a name must pass to match a segment; undefined when any name may. */
function segmentCheck(segment: string): string | undefined {
  if (isLiteral(segment)) return `^${escaped(segment)}$`;
  const run = literalRun(segment);
  if (run === '') return undefined;
  if (segment.startsWith(run)) return `^${escaped(run)}`;
  return segment.endsWith(run) ? `${escaped(run)}$` : escaped(run);
}

/** The longest piece of a segment that stands for itself; after a bracket none is looked for. */
function literalRun(segment: string): string {
  const [readable = ''] = segment.split('[');
  return readable.split(/[*?]+/).reduce((best, run) => (run.length > best.length ? run : best), '');
}

function isLiteral(segment: string): boolean {
  return segment !== '' && !/[*?[]/.test(segment);
}

function isGlobstar(segment: string): boolean {
  return /^\*{2,}$/.test(segment);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}
