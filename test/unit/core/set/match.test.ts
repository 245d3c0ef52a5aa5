import fc from 'fast-check';
import ignore from 'ignore';
import { describe, expect, it } from 'vitest';
import { defaultExcludes, excludesOf } from '../../../../src/core/set/default-excludes.ts';
import { createFilter, type PathFilter } from '../../../../src/core/set/match.ts';
import { requiredPath } from '../../../../src/core/set/precheck.ts';

const pieces = [
  'a',
  'b',
  'A',
  'data',
  'cache',
  '*',
  '**',
  '***',
  '*.log',
  '?',
  '[ab]',
  '[!a]x',
  '[a/b]',
  '[',
  'a*',
];
const stranger = [
  '*b',
  'a*b',
  '**a',
  '*a*',
  '?a?',
  'a**',
  String.raw`\*`,
  String.raw`\a`,
  'ä',
  'a b',
  'a ',
  ' a',
  '.',
  '',
  '\ufeffa',
  '+(',
  '$',
];
const names = [
  'a',
  'b',
  'A',
  'data',
  'Data',
  'cache',
  'x.log',
  '.log',
  'ab',
  'ax',
  'bx',
  'bab',
  '*',
  'ä',
  'Ä',
  'a b',
  'a ',
  '+(',
  '$',
  '\udc80',
  'a\nb',
];

const pattern = fc
  .tuple(
    fc.constantFrom('', '', '', '!'),
    fc.constantFrom('', '', '/'),
    fc.array(fc.constantFrom(...pieces, ...pieces, ...stranger), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '/'),
  )
  .map(([not, start, segments, end]) => not + start + segments.join('/') + end);
const patterns = fc.array(fc.oneof({ weight: 5, arbitrary: pattern }, fc.constantFrom(...defaultExcludes)), {
  maxLength: 5,
});
const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 5 }).map((all) => all.join('/'));
const listing = fc.array(fc.tuple(path, fc.boolean()), { minLength: 1, maxLength: 60 });

/** What the filter promises, said with the library alone. */
function plainly(include: readonly string[], exclude: readonly string[], path: string, isDirectory: boolean) {
  const spelled = isDirectory ? `${path}/` : path;
  const rules = (list: readonly string[]) => ignore({ ignorecase: false }).add(list);
  return (include.length === 0 || rules(include).ignores(spelled)) && !rules(exclude).ignores(spelled);
}

function ancestors(path: string): string[] {
  const segments = path.split('/');
  return segments.map((_, index) => segments.slice(0, index).join('/'));
}

/** The files that a walk finds which enters only what the filter lets it enter. */
function walk(files: readonly string[], filter: PathFilter): string[] {
  return files.filter(
    (file) => ancestors(file).every((directory) => filter.enters(directory)) && filter.includes(file, false),
  );
}

describe('the filter of a root', () => {
  it('decides exactly as the ignore package does, for any patterns, paths and order', () => {
    fc.assert(
      fc.property(patterns, patterns, listing, (include, exclude, paths) => {
        const filter = createFilter(include, exclude, { caseSensitive: true });
        for (const [path, isDirectory] of paths) {
          expect(filter.includes(path, isDirectory)).toBe(plainly(include, exclude, path, isDirectory));
        }
      }),
      { numRuns: 800 },
    );
  });

  it('ignores case exactly as the ignore package does', () => {
    const own = fc.array(pattern, { maxLength: 4 });
    fc.assert(
      fc.property(own, listing, (exclude, paths) => {
        const filter = createFilter([], exclude, { caseSensitive: false });
        const plain = ignore({ ignorecase: true }).add(exclude);
        for (const [path, isDirectory] of paths) {
          expect(filter.includes(path, isDirectory)).toBe(!plain.ignores(isDirectory ? `${path}/` : path));
        }
      }),
      { numRuns: 800 },
    );
  });

  it('matches nothing where what a pattern begins with is not there', () => {
    fc.assert(
      fc.property(pattern, path, fc.boolean(), (pattern, path, isDirectory) => {
        const required = requiredPath(pattern);
        const around = [...ancestors(path), path];
        if (required === undefined || !plainly([pattern], [], path, isDirectory)) return;
        expect(around).toContain(required.path);
        if (required.isFolder) expect(isDirectory || path !== required.path).toBe(true);
      }),
      { numRuns: 2500 },
    );
  });

  it('never leaves out what it includes by not entering a directory', () => {
    fc.assert(
      fc.property(patterns, patterns, path, fc.boolean(), (include, exclude, path, caseSensitive) => {
        const filter = createFilter(include, exclude, { caseSensitive });
        if (filter.includes(path, false) || filter.includes(path, true)) {
          expect(ancestors(path).filter((directory) => !filter.enters(directory))).toEqual([]);
        }
      }),
      { numRuns: 2500 },
    );
  });

  it('enters a directory whose name ends in a space', () => {
    const filter = createFilter(['a /b'], []);
    expect([filter.enters('a '), filter.includes('a /b', false)]).toEqual([true, true]);
    expect([filter.enters('a '), filter.includes('a /b', false), filter.enters('c')]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('enters only directories that can lead to something included', () => {
    const filter = createFilter(['data/upload/**', '/custom', 'sites/*/files/*.php'], ['data/upload/old/**']);
    const entered = (directory: string) => filter.enters(directory);
    expect(
      [
        '',
        'data',
        'data/upload',
        'data/upload/new',
        'custom',
        'custom/x',
        'sites',
        'sites/any',
        'sites/any/files',
      ].filter(entered),
    ).toHaveLength(9);
    expect(
      [
        'data/upload/old',
        'data/cache',
        'src',
        'a/custom',
        'sites/any/private',
        'sites/any/files/deep',
      ].filter(entered),
    ).toEqual([]);
  });

  it('includes an excluded directory’s own entry only when the pattern leaves it', () => {
    const filter = createFilter([], ['data/cache/**', 'data/logs/']);
    expect(filter.includes('data/cache', true)).toBe(true);
    expect(filter.enters('data/cache')).toBe(false);
    expect(filter.includes('data/logs', true)).toBe(false);
    expect(filter.includes('data/logs', false)).toBe(true);
  });

  it('enters a directory whose content an exception takes in again', () => {
    const filter = createFilter([], ['data/cache/**', '!data/cache/keep.txt']);
    expect(walk(['data/cache/keep.txt', 'data/cache/other.txt', 'data/x'], filter)).toEqual([
      'data/cache/keep.txt',
      'data/x',
    ]);
  });

  it('takes everything without includes, and the root itself', () => {
    const filter = createFilter([], []);
    expect(filter.includes('', true)).toBe(true);
    expect(filter.enters('')).toBe(true);
    expect(filter.includes('any/thing', false)).toBe(true);
  });

  it('stays right after more directories and matches than it remembers', () => {
    const filter = createFilter(['*.log'], ['b.log'], { caseSensitive: true });
    for (let index = 0; index < 60_000; index++) {
      const directory = `d${String(index)}`;
      if (!filter.includes(`${directory}/a.log`, false) || filter.includes(`${directory}/b.log`, false)) {
        expect.fail(directory);
      }
    }
    expect(filter.includes('d0/a.log', false)).toBe(true);
  });
});

describe('what every root leaves out', () => {
  const files = [
    'index.php',
    'vendor/autoload.php',
    'vendor/acme/lib.php',
    'vendor/acme/node_modules/x.js',
    'custom/vendor/x.php',
    'custom/vendor/sub/vendor/y.php',
    'src/node_modules/x/index.js',
    '.git/HEAD',
    'data/cache/x',
    'src/Cache/Cache.php',
    'var/log/prod.txt',
    'app/var/logs/prod.txt',
    'error.log',
    'tmp/x',
    'dist/x',
    'build/x',
    'build.txt',
    'a/.crm-backup-restore-1234/x',
    '.gitignore',
  ];
  const kept = (include: readonly string[], exclude: readonly string[], leftOut: readonly string[] = []) =>
    walk(files, createFilter(include, excludesOf(include, exclude, leftOut), { caseSensitive: true }));
  const always = ['index.php', 'src/Cache/Cache.php', 'build.txt', '.gitignore'];

  it('is what tools make again: packages, caches, logs, builds', () => {
    expect(kept([], [])).toEqual(always);
  });

  it('comes back where an include names it, and only there', () => {
    expect(kept(['vendor/**', 'index.php'], [])).toEqual([
      'index.php',
      'vendor/autoload.php',
      'vendor/acme/lib.php',
    ]);
    expect(kept(['vendor/acme/**'], [])).toEqual(['vendor/acme/lib.php']);
    expect(kept(['custom/vendor/**'], [])).toEqual(['custom/vendor/x.php']);
    expect(kept(['**/custom/vendor/'], [])).toEqual(['custom/vendor/x.php']);
    expect(kept(['*.log', 'app/var/logs/*.txt'], [])).toEqual(['app/var/logs/prod.txt', 'error.log']);
    expect(kept(['error.log'], [])).toEqual(['error.log']);
    expect(kept(['custom/**'], [])).toEqual([]);
  });

  it('comes back where a “!pattern” names it', () => {
    expect(kept([], ['!/vendor/'])).toEqual(expect.arrayContaining([...always, 'vendor/acme/lib.php']));
    expect(kept([], ['!/vendor/'])).not.toContain('custom/vendor/x.php');
    expect(kept([], ['!vendor'])).toContain('custom/vendor/sub/vendor/y.php');
    expect(kept([], ['!data/cache/**'])).toContain('data/cache/x');
    expect(kept([], ['!*.log'])).toContain('error.log');
    // The folder on its way is open then, and what else is in it can be left out again.
    const vendor = (exclude: readonly string[]) =>
      kept([], exclude).filter((file) => file.startsWith('vendor/'));
    expect(vendor(['!vendor/acme/'])).toEqual(['vendor/autoload.php', 'vendor/acme/lib.php']);
    expect(vendor(['vendor/*', '!vendor/acme/'])).toEqual(['vendor/acme/lib.php']);
    expect(vendor(['vendor/*', '!vendor/autoload.php'])).toEqual(['vendor/autoload.php']);
  });

  it('keeps the root’s own excludes stronger than what an include brings back', () => {
    expect(kept(['vendor/**'], ['vendor/acme/'])).toEqual(['vendor/autoload.php']);
  });

  it('keeps the exact case on disks that ignore case, where own patterns ignore it', () => {
    const filter = createFilter([], excludesOf([], ['secret/'], []), { caseSensitive: false });
    expect(walk(['src/Cache/Cache.php', 'cache/x', 'Secret/x'], filter)).toEqual(['src/Cache/Cache.php']);
  });

  it('never has the vault or restore staging come back', () => {
    const insist = ['!**/.crm-backup-restore-*', '!/tmp/', '!/tmp/[v]*', '!.crm-backup-restore-1234'];
    expect(kept([], insist, ['tmp'])).toEqual(always);
    const odd = 'a [1]*/vault ';
    const filter = createFilter([], excludesOf([], [`!${odd}`], [odd]), { caseSensitive: true });
    expect(filter.enters(odd)).toBe(false);
    expect(filter.includes('a 1/vault ', true)).toBe(true);
  });
});
