import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseError } from '../database/error.ts';
import { sqliteFailure } from '../database/sqlite/failure.ts';
import { type Connection, loadSqlite } from '../database/sqlite/runtime.ts';
import { makeScratch, type Scratch } from '../database/sqlite/scratch.ts';
import { writeNewFile } from '../database/sqlite/staged-file.ts';
import { PAGES } from '../database/sqlite/tables.ts';
import type { Task } from '../task.ts';
import type { DatabaseSide } from './rows-side.ts';

/** The names both versions are attached by. */
export const SCHEMAS = { before: 'old', after: 'new' } as const;
export type Side = keyof typeof SCHEMAS;

/** What differs of a table: a temporary table with the change of each row and by what it is found again. */
export interface FoundRows {
  readonly table: string;
  /** The columns of the key rows are found by; none when it is the side’s locator. */
  readonly key: readonly string[];
  /** By what a row without a key is found again on a side: its rowid, or where it has none its content. */
  readonly locators: Readonly<Record<Side, string>>;
}

/** Two versions of a SQLite database, laid out as files so that SQLite itself compares them. */
export class SqlitePair implements Disposable {
  readonly connection: Connection;
  readonly encoding: string;
  readonly #scratch: Scratch;
  readonly #found = new Map<string, FoundRows>();

  private constructor(connection: Connection, encoding: string, scratch: Scratch) {
    this.connection = connection;
    this.encoding = encoding;
    this.#scratch = scratch;
  }

  /**
   * Writes both into a temporary folder of this user’s own and attaches them.
   * @throws {DatabaseError} `no-space`, `damaged`, `cannot-hold`, `unsupported-runtime`; {VaultError}; {CancelledError}
   */
  static async open(
    sides: Readonly<Record<Side, DatabaseSide | undefined>>,
    task: Task,
  ): Promise<SqlitePair> {
    const present = (['before', 'after'] as const).flatMap((side) => {
      const database = sides[side];
      return database === undefined ? [] : [{ side, database }];
    });
    const bytes = present.reduce((sum, { database }) => sum + pageBytes(database), 0);
    const encodings = new Set(present.map(({ database }) => database.info.charset ?? 'UTF-8'));
    const [encoding = 'UTF-8', other] = encodings;
    const name = present[0]?.database.name ?? '';
    if (other !== undefined) {
      throw new DatabaseError(
        'cannot-hold',
        `The rows of “${name}” cannot be compared: its text is ${encoding} in one version and ${other} in the other.`,
      );
    }
    const scratch = makeScratch(bytes, tmpdir(), name);
    let connection: Connection | undefined;
    try {
      const { DatabaseSync } = loadSqlite();
      connection = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
      connection.exec(`PRAGMA encoding = '${encoding}'`);
      for (const { side, database } of present) {
        const file = join(scratch.folder, SCHEMAS[side], 'copy.sqlite');
        mkdirSync(dirname(file));
        await writeNewFile(file, database.read(PAGES), 0o600, scratch.folder, task);
        connection.prepare(`ATTACH ? AS ${SCHEMAS[side]}`).run(file);
        connection.prepare(`SELECT count(*) FROM ${SCHEMAS[side]}.sqlite_schema`).get();
      }
      return new SqlitePair(connection, encoding, scratch);
    } catch (error) {
      connection?.close();
      scratch[Symbol.dispose]();
      throw sqliteFailure(`The copy of “${name}”`, 'compared', error);
    }
  }

  /** What was found to differ of a table; `find` is asked once and gets the name of a temporary table to fill. */
  found(path: string, find: (table: string) => Omit<FoundRows, 'table'>): FoundRows {
    let found = this.#found.get(path);
    if (found === undefined) {
      const table = `temp.found${this.#found.size}`;
      found = { table, ...find(table) };
      this.#found.set(path, found);
    }
    return found;
  }

  [Symbol.dispose](): void {
    this.connection.close();
    this.#scratch[Symbol.dispose]();
  }
}

function pageBytes({ info: { details } }: DatabaseSide): number {
  const { pageSize = 0, pageCount = 0 } = details as { pageSize?: number; pageCount?: number };
  return pageSize * pageCount;
}
