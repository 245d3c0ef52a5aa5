/** Codes of what can go wrong with one entry of a backup without stopping it. */
export type ProblemCode =
  | 'changed-while-reading'
  | 'permission-denied'
  | 'unreadable'
  | 'vanished'
  | 'special-file'
  | 'mount-point'
  | 'root-missing'
  | 'unsupported-name'
  | 'base-damaged'
  /** A database could not be connected to or its moment not be fixed; it is not in the backup. */
  | 'database-unreachable'
  /** Reading a database failed in the middle; it is not in the backup. */
  | 'database-failed'
  /** A database is damaged; it is in the backup as it is. */
  | 'database-damaged'
  /** A restore of a database was interrupted and has not been ended; it is in the backup as it is. */
  | 'database-unfinished'
  /** A part of a database is not of the same moment as the rest. */
  | 'database-inconsistent'
  /** A part of a database is not in the backup. */
  | 'database-incomplete';

/** Something a backup could not take as it should have; the backup exists nevertheless. */
export interface Problem {
  readonly code: ProblemCode;
  /** The entry's path in the backup, `files/<root>/…` or `databases/<name>/…`. */
  readonly path: string;
  /** One sentence for the user. */
  readonly message: string;
  /** True when data is missing or doubtful because of it, which makes the backup `partial`. */
  readonly incomplete: boolean;
}

/** As many problems of one kind are listed with a backup; the rest is counted. */
export const MOST_PROBLEMS_OF_A_KIND = 1000;

/** How many problems of each kind there were beyond those listed. */
export type MoreProblems = Readonly<Partial<Record<ProblemCode, number>>>;

/** How many problems a backup had, those that were only counted included. */
export function countProblems(
  {
    problems,
    moreProblems = {},
  }: { readonly problems: readonly Problem[]; readonly moreProblems?: MoreProblems | undefined },
  isWanted: (problem: Problem) => boolean = () => true,
): number {
  const wanted = problems.filter(isWanted);
  // One of a kind speaks for those that are only counted.
  const kinds = new Set(wanted.map(({ code }) => code));
  return [...kinds].reduce((sum, code) => sum + (moreProblems[code] ?? 0), wanted.length);
}
