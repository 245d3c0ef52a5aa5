/** What is measured of every tool on every tree. */
export type Work = 'first' | 'unchanged' | 'edited' | 'restore' | 'size' | 'added' | 'memory';

/** One line of the table. */
export interface WorkRow {
  readonly work: Work;
  readonly title: string;
  readonly unit: 'milliseconds' | 'bytes';
  /** What this tool must not exceed: a multiple of the smallest figure among the named tools. */
  readonly limits: readonly Limit[];
}

/** At most `atMost` times the smallest figure of the tools in `against`. */
export interface Limit {
  readonly against: readonly string[];
  readonly atMost: number;
}

/** The lines of the table, in order, with the limits the project has set itself. */
export const workRows: readonly WorkRow[] = [
  {
    work: 'first',
    title: 'first backup',
    unit: 'milliseconds',
    limits: [
      { against: ['restic'], atMost: 0.4 },
      { against: ['tar | zstd'], atMost: 1.4 },
    ],
  },
  {
    work: 'unchanged',
    title: 'second backup, nothing changed',
    unit: 'milliseconds',
    limits: [{ against: ['restic'], atMost: 0.25 }],
  },
  { work: 'edited', title: 'backup after edits to 0.5 % of the files', unit: 'milliseconds', limits: [] },
  {
    work: 'restore',
    title: 'restore of the whole, into memory',
    unit: 'milliseconds',
    limits: [{ against: ['restic'], atMost: 0.5 }],
  },
  {
    work: 'size',
    title: 'size after the first backup',
    unit: 'bytes',
    limits: [{ against: ['restic', 'borg'], atMost: 0.8 }],
  },
  { work: 'added', title: 'size added by the edits', unit: 'bytes', limits: [] },
  { work: 'memory', title: 'peak memory of the first backup', unit: 'bytes', limits: [] },
];

/** What the engine may use for a tree of 100,000 files, in bytes. */
export const memoryLimitBytes = 300_000_000;

/** One line of the table of a database. */
export interface DatabaseWorkRow {
  readonly work: 'first' | 'again' | 'load' | 'size' | 'added';
  readonly title: string;
  readonly unit: 'milliseconds' | 'bytes';
  /** The server’s own tools, or restic fed what they write. */
  readonly against: 'native' | 'restic';
  /** What this tool must not exceed: a multiple of the other’s figure. */
  readonly atMost: { readonly postgresql?: number; readonly mariadb?: number };
}

/** The lines of the tables of databases, in order. */
export const databaseRows: readonly DatabaseWorkRow[] = [
  {
    work: 'first',
    title: 'first backup',
    unit: 'milliseconds',
    against: 'native',
    atMost: { postgresql: 1.15, mariadb: 0.85 },
  },
  {
    work: 'again',
    title: 'second backup, 0.5 % of the rows changed',
    unit: 'milliseconds',
    against: 'native',
    atMost: { postgresql: 0.8, mariadb: 0.7 },
  },
  {
    work: 'load',
    title: 'load into a new database',
    unit: 'milliseconds',
    against: 'native',
    atMost: { postgresql: 1.1, mariadb: 0.5 },
  },
  { work: 'size', title: 'size after the first backup', unit: 'bytes', against: 'restic', atMost: {} },
  {
    work: 'added',
    title: 'size added by the change',
    unit: 'bytes',
    against: 'restic',
    atMost: { postgresql: 0.05, mariadb: 0.05 },
  },
];
