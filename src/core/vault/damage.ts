/** A part of a backup’s list that cannot be read: what it has named nobody knows, but how much. */
export interface LostList {
  /** What it was a list of: `files/<root>` or `databases/<name>`. */
  readonly root: string;
  /** The first path in it. */
  readonly path: string;
  /** How many pieces of the list are lost; `path` is the first of the first. */
  readonly parts: number;
  /** How many entries they have named. */
  readonly entries: number;
}

/** How many entries lists have named at least: backups have most paths in common. */
export function entriesIn(lists: Iterable<LostList>): number {
  const most = new Map<string, number>();
  for (const { root, entries } of lists) most.set(root, Math.max(entries, most.get(root) ?? 0));
  return [...most.values()].reduce((sum, entries) => sum + entries, 0);
}

/** What a backup has lost. */
export interface Losses {
  /** Paths, and entries of lists that are lost. */
  pathCount: number;
  /** The first of the paths. */
  readonly paths: string[];
  readonly lists: LostList[];
}

/** Something in a vault that is not as it was written, and what it means for backups. */
export interface Damage {
  /** The object, by its name in the vault; for content that no pack has, `packs`. */
  readonly object: string;
  /** The pack's id, if it is one. */
  readonly pack: string | null;
  /** One sentence a problem. */
  readonly problems: readonly string[];
  /** Ids of backups that have lost content by it; the first of them, if there are very many. */
  readonly backups: readonly string[];
  readonly backupCount: number;
  /** Paths that have lost content by it, in any backup; the first of them, if there are very many. */
  readonly paths: readonly string[];
  /** Parts of lists that are lost by it, and perhaps by other damage, too; the first of them, if there are very many. */
  readonly lists: readonly LostList[];
  /** Paths, and entries of lists that are lost, as far as they may not be the same. */
  readonly pathCount: number;
}

const MOST_BACKUPS_NAMED = 200;
const MOST_PATHS_NAMED = 1000;
const PACK_NAME = /^packs\/[0-9a-f]{2}\/([0-9a-f]{64})\.pack$/;

/** Where content is lost that no pack is known to have had. */
export const NO_PACK = 'packs';

/** Gathers what is damaged, by object, and who is affected. */
export class DamageReport {
  readonly #findings = new Map<string, Finding>();
  readonly #lossesOf = new Map<string, Losses>();

  get isEmpty(): boolean {
    return this.#findings.size === 0;
  }

  /** Notes a problem of an object. */
  add(object: string, problem: string): void {
    const { problems } = this.#finding(object);
    if (!problems.includes(problem)) problems.push(problem);
  }

  /** Whether an object was found damaged. */
  has(object: string): boolean {
    return this.#findings.has(object);
  }

  /** Notes that an object is damaged that a backup as a whole stands on; which paths it had is not known. */
  affectWhole(object: string, backup: string): void {
    this.#finding(object).backups.add(backup);
  }

  /** Notes that a path of a backup has lost content by damage to some objects. */
  affect(objects: Iterable<string>, backup: string, path: string | undefined): void {
    for (const object of objects) {
      const finding = this.#finding(object);
      finding.backups.add(backup);
      if (path !== undefined) finding.paths.add(path);
    }
    const losses = this.lossesOf(backup);
    losses.pathCount++;
    if (path !== undefined && losses.paths.length < MOST_PATHS_NAMED) losses.paths.push(path);
    this.#lossesOf.set(backup, losses);
  }

  /**
   * Notes that a part of a backup’s list is lost by damage to some objects.
   * @param key the same for all backups that share the part
   */
  affectList(objects: Iterable<string>, backup: string, list: LostList, key: string): void {
    for (const object of objects) {
      const finding = this.#finding(object);
      finding.backups.add(backup);
      finding.lists.set(key, list);
    }
    const losses = this.lossesOf(backup);
    losses.pathCount += list.entries;
    if (losses.lists.length < MOST_PATHS_NAMED) losses.lists.push(list);
    this.#lossesOf.set(backup, losses);
  }

  /** What a backup has lost. */
  lossesOf(backup: string): Losses {
    return this.#lossesOf.get(backup) ?? { pathCount: 0, paths: [], lists: [] };
  }

  /** All damage, by object. */
  list(): Damage[] {
    return [...this.#findings].map(([object, { problems, backups, paths, lists }]) => ({
      object,
      pack: PACK_NAME.exec(object)?.[1] ?? null,
      problems: problems.length > 0 ? problems : ['Content that backups need is in no pack.'],
      backups: first(backups, MOST_BACKUPS_NAMED),
      backupCount: backups.size,
      paths: first(paths, MOST_PATHS_NAMED),
      lists: [...lists.values()].slice(0, MOST_PATHS_NAMED),
      pathCount: paths.size + entriesIn(lists.values()),
    }));
  }

  #finding(object: string): Finding {
    let finding = this.#findings.get(object);
    if (finding === undefined) {
      finding = { problems: [], backups: new Set(), paths: new Set(), lists: new Map() };
      this.#findings.set(object, finding);
    }
    return finding;
  }
}

interface Finding {
  readonly problems: string[];
  readonly backups: Set<string>;
  readonly paths: Set<string>;
  readonly lists: Map<string, LostList>;
}

function first(all: ReadonlySet<string>, most: number): string[] {
  const some: string[] = [];
  for (const one of all) {
    if (some.length === most) break;
    some.push(one);
  }
  return some;
}
