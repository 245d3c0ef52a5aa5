import ignore from 'ignore';

/**
 * What is left out of every root: what package managers, version control and builds can make again, caches and
 * logs. `.gitignore` is no such list: a CRM's configuration and uploads mostly stand in it. These patterns match
 * their exact case on every system, so that a source folder `Cache/` is not taken for `cache/`.
 */
export const defaultExcludes: readonly string[] = [
  'node_modules/',
  'vendor/',
  '.git/',
  'cache/',
  '**/var/log/',
  '**/var/logs/',
  '*.log',
  'tmp/',
  'dist/',
  'build/',
  '.nx/',
  '.sass-cache/',
  'coverage/',
  '__pycache__/',
];

/** What no pattern takes in: what a restore has staged beside its target. */
const STAGING = ['.crm-backup-restore-*', '.crm-backup-database-*'];

/**
 * The patterns a root leaves out, in the order in which later ones win: the defaults, but for what an include or a
 * `!pattern` names itself; the root's own; and at last what is never backed up. `leftOut` are such folders,
 * `databases` files that are backed up as databases, as paths from the root.
 */
export function excludesOf(
  include: readonly string[],
  exclude: readonly string[],
  leftOut: readonly string[],
  databases: readonly string[] = [],
): string[] {
  const named = [
    ...include,
    ...exclude.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1)),
  ];
  return [
    ...defaultExcludes,
    ...new Set(named.flatMap(openings)),
    ...exclude,
    ...STAGING,
    ...leftOut.map((path) => `/${literalPattern(path)}/`),
    ...databases.flatMap((path) =>
      ['', '-journal', '-wal', '-shm'].map((end) => `/${literalPattern(path + end)}`),
    ),
  ];
}

/**
 * Patterns that take in again what a pattern names on its way: `vendor/acme/**` names the folder `vendor`, so it is
 * not left out there, with all that is in it; `vendor` anywhere else still is.
 */
function openings(pattern: string): string[] {
  const directoryOnly = pattern.endsWith('/');
  const segments = pattern.replace(/^\/|\/$/g, '').split('/');
  const anchor = pattern.startsWith('/') || segments.length > 1 ? '/' : '';
  return segments.flatMap((segment, index) => {
    const mayBeFile = index === segments.length - 1 && !directoryOnly;
    if (!isDefault(segment, segments[index - 1], mayBeFile)) return [];
    return [`!${anchor}${segments.slice(0, index + 1).join('/')}${mayBeFile ? '' : '/'}`];
  });
}

/** Whether a default leaves out this name, for itself or as `log` in `var`. */
function isDefault(name: string, parent: string | undefined, mayBeFile: boolean): boolean {
  if (name === '') return false;
  const defaults = ignore({ ignorecase: false }).add(defaultExcludes);
  if (defaults.ignores(`${name}/`) || (mayBeFile && defaults.ignores(name))) return true;
  return Boolean(parent) && !defaults.ignores(`${parent}/`) && defaults.ignores(`${parent}/${name}/`);
}

/** A pattern that matches this path and no other. */
function literalPattern(path: string): string {
  return path.replace(/[\\*?[\]]/g, String.raw`\$&`).replace(/ $/, String.raw`\ `);
}
