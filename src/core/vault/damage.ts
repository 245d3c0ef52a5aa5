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
  readonly #lossesOf = new Map<string, { pathCount: number; paths: string[] }>();

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

  /** How many paths of a backup have lost content, and the first of them. */
  lossesOf(backup: string): { pathCount: number; paths: string[] } {
    return this.#lossesOf.get(backup) ?? { pathCount: 0, paths: [] };
  }

  /** All damage, by object. */
  list(): Damage[] {
    return [...this.#findings].map(([object, { problems, backups, paths }]) => ({
      object,
      pack: PACK_NAME.exec(object)?.[1] ?? null,
      problems: problems.length > 0 ? problems : ['Content that backups need is in no pack.'],
      backups: first(backups, MOST_BACKUPS_NAMED),
      backupCount: backups.size,
      paths: first(paths, MOST_PATHS_NAMED),
      pathCount: paths.size,
    }));
  }

  #finding(object: string): Finding {
    let finding = this.#findings.get(object);
    if (finding === undefined) {
      finding = { problems: [], backups: new Set(), paths: new Set() };
      this.#findings.set(object, finding);
    }
    return finding;
  }
}

interface Finding {
  readonly problems: string[];
  readonly backups: Set<string>;
  readonly paths: Set<string>;
}

function first(all: ReadonlySet<string>, most: number): string[] {
  const some: string[] = [];
  for (const one of all) {
    if (some.length === most) break;
    some.push(one);
  }
  return some;
}
