import ignore, { type Ignore } from 'ignore';
import { defaultExcludes } from './default-excludes.ts';
import { descentCheck, precheckOf, swallowedFolders } from './precheck.ts';

/** Which paths of a root are backed up. Paths are relative to the root, without a leading slash; `''` is the root. */
export interface PathFilter {
  /** Whether this file, link (`isDirectory` false) or directory itself is backed up. */
  includes(path: string, isDirectory: boolean): boolean;
  /**
   * Whether something below the directory may be backed up. A directory that is entered without being included
   * belongs into the backup only when something below it does.
   */
  enters(directory: string): boolean;
}

export interface FilterOptions {
  /** Whether `A` and `a` differ; as the platform's disks usually have it. */
  readonly caseSensitive?: boolean;
}

/** What is known of a directory and holds for everything in it. */
interface Folder {
  readonly excluded: boolean;
  /** An include matches the directory or one around it, so everything in it is included. */
  readonly included: boolean;
  readonly mayExcludeAny: boolean;
  readonly mayIncludeAny: boolean;
}

// Directories remembered at a time, and paths matched before the library's own unbounded cache is dropped.
const FOLDERS_KEPT = 20_000;
const MATCHES_CACHED = 50_000;

/**
 * The filter of a root with git's pattern rules: a path is backed up when `include` is empty or matches it or a
 * directory around it, and `exclude` does not (later patterns win, `!pattern` takes in again, but not below a
 * directory that is excluded). The `ignore` package decides; everything else here only spares asking it.
 */
export function createFilter(
  include: readonly string[],
  exclude: readonly string[],
  options: FilterOptions = {},
): PathFilter {
  const caseSensitive =
    options.caseSensitive ?? (process.platform !== 'darwin' && process.platform !== 'win32');
  const excludes = createMatcher(exclude, caseSensitive);
  const includes = createMatcher(include, caseSensitive);
  const swallows = swallowMatcher(exclude, caseSensitive);
  const descents = include.filter(isPositive).map((pattern) => descentCheck(pattern, caseSensitive));

  const root: Folder = {
    excluded: false,
    included: include.length === 0,
    mayExcludeAny: excludes.mayMatchAnyIn(''),
    mayIncludeAny: includes.mayMatchAnyIn(''),
  };
  const folders = new Map<string, Folder>();

  function folderOf(directory: string): Folder {
    if (directory === '') return root;
    const known = folders.get(directory);
    if (known) return known;
    const around = folderAround(directory);
    const excluded = around.excluded || isExcluded(directory, true, around);
    const folder = {
      excluded,
      included: !excluded && isIncluded(directory, true, around),
      mayExcludeAny: excludes.mayMatchAnyIn(directory),
      mayIncludeAny: includes.mayMatchAnyIn(directory),
    };
    if (folders.size >= FOLDERS_KEPT) folders.clear();
    folders.set(directory, folder);
    return folder;
  }

  // A walk asks for one name after the other of the same directory: that spares cutting and looking up its path.
  let lastDirectory = '';
  let lastFolder = root;

  function folderAround(path: string): Folder {
    const slash = path.lastIndexOf('/');
    if (slash < 0) return root;
    if (slash === lastDirectory.length && path.startsWith(lastDirectory)) return lastFolder;
    const directory = path.slice(0, slash);
    // Finding the folder may come by here for the ones around it, so it is remembered afterwards.
    const folder = folderOf(directory);
    lastDirectory = directory;
    lastFolder = folder;
    return folder;
  }

  function isExcluded(path: string, isDirectory: boolean, around: Folder): boolean {
    return (
      (around.mayExcludeAny || excludes.mayMatchName(nameOf(path))) && excludes.matches(path, isDirectory)
    );
  }

  function isIncluded(path: string, isDirectory: boolean, around: Folder): boolean {
    if (around.included) return true;
    return (
      (around.mayIncludeAny || includes.mayMatchName(nameOf(path))) && includes.matches(path, isDirectory)
    );
  }

  return {
    includes(path, isDirectory) {
      if (path === '') return root.included;
      if (isDirectory) {
        const folder = folderOf(path);
        return folder.included && !folder.excluded;
      }
      const around = folderAround(path);
      return !around.excluded && isIncluded(path, false, around) && !isExcluded(path, false, around);
    },
    enters(directory) {
      const folder = folderOf(directory);
      if (folder.excluded || (directory !== '' && swallows?.(directory))) return false;
      if (folder.included) return true;
      const names = directory === '' ? [] : directory.split('/');
      return descents.some((mayDescend) => mayDescend(names));
    },
  };
}

/** A list of patterns as the library understands it, and the cheap questions to ask before. */
interface Matcher {
  mayMatchName(name: string): boolean;
  mayMatchAnyIn(directory: string): boolean;
  matches(path: string, isDirectory: boolean): boolean;
}

function createMatcher(patterns: readonly string[], caseSensitive: boolean): Matcher {
  const checks = patterns.map(precheckOf);
  const flags = caseSensitive ? '' : 'i';
  const names = alternatives(
    checks.flatMap(({ name }) => name ?? []),
    flags,
  );
  const directories = alternatives(
    checks.flatMap(({ folder }) => folder ?? []),
    flags,
  );
  let rules = createRules(patterns, caseSensitive);
  let matched = 0;
  return {
    mayMatchName: (name) => names.test(name),
    mayMatchAnyIn: (directory) => directories.test(directory),
    matches(path, isDirectory) {
      if (++matched % MATCHES_CACHED === 0) rules = createRules(patterns, caseSensitive);
      return rules.ignores(isDirectory ? `${path}/` : path);
    },
  };
}

/** Finds directories whose content is excluded without exception; undefined when there can be none. */
function swallowMatcher(
  exclude: readonly string[],
  caseSensitive: boolean,
): ((directory: string) => boolean) | undefined {
  const afterExceptions = exclude.slice(exclude.findLastIndex((pattern) => !isPositive(pattern)) + 1);
  const folders = afterExceptions.flatMap((pattern) => swallowedFolders(pattern) ?? []);
  if (folders.length === 0) return undefined;
  const matcher = createMatcher(folders, caseSensitive);
  return (directory) => matcher.mayMatchName(nameOf(directory)) && matcher.matches(directory, true);
}

function createRules(patterns: readonly string[], caseSensitive: boolean): Ignore {
  const exact = new Set(defaultExcludes);
  const rules = patterns.map((pattern) =>
    exact.has(pattern) ? ignore({ ignorecase: false }).add([pattern]) : pattern,
  );
  return ignore({ ignorecase: !caseSensitive }).add(rules);
}

function alternatives(sources: readonly string[], flags: string): RegExp {
  // No alternative matches nothing.
  return new RegExp(sources.length === 0 ? '[]' : sources.join('|'), flags);
}

function isPositive(pattern: string): boolean {
  return !pattern.startsWith('!');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
