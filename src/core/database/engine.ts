import type { DatabaseError } from './error.ts';
import type { Field } from './line.ts';
import type { Problem } from '../problem.ts';
import type { Task } from '../task.ts';

/*
 * The shape of every database engine. One folder an engine, the same files in each: connect.ts, dump.ts, restore.ts,
 * describe.ts; engines.ts has the table of all.
 *
 * In a backup a database is a folder, databases/<name>/:
 *   info.json                 what it is: a DatabaseInfo
 *   row-chunks                where tables were cut; only for the next backup
 *   schema/…                  objects: statements that make it again, in the engine’s own form
 *   tables/<schema>.<table>   rows in the order of the key, one a line
 *
 * A line is its columns with tabs between, in the engine’s own exact text form with the escapes of PostgreSQL’s COPY:
 * \N is NULL; backslash, tab, line feed and carriage return in a value stand as \\ \t \n \r; \b \f \v may be used.
 * Rows pass as blocks of bytes; they never become JavaScript objects.
 */

/** Where a database is. Its URL may hold secrets: it goes into no message, log or argument list. */
export interface DatabaseAddress {
  /** Its name in the backup. */
  readonly name: string;
  /** With all variables replaced; empty for a database by command. */
  readonly url: string;
  /** For a database by its own tools. */
  readonly command?: CommandAddress | undefined;
  /** Folder with client tools (absolute), or `docker:<service>`; by default they are found on the PATH. */
  readonly tools?: string | undefined;
  /** Absolute folder that relative paths begin at. */
  readonly workspace: string;
}

/** How a database is reached by its own tools. */
export interface CommandAddress {
  /** Writes the dump to its standard output. */
  readonly dump: string;
  /** Reads the dump from its standard input. */
  readonly restore: string;
  /** Variables both get, which may be secrets. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What of them must never be seen. */
  readonly secrets?: readonly string[] | undefined;
  /** How many minutes the dump may be silent. */
  readonly timeout?: number | undefined;
}

/** One kind of database. */
export interface DatabaseEngine {
  /** As it stands in {@link DatabaseInfo.engine}. */
  readonly name: string;
  /**
   * Connects to read. Nothing is left behind when it fails or is cancelled.
   * @throws {DatabaseError} `invalid-address`, `unreachable`, `login-refused`, `no-database`, `unsupported-runtime` …
   */
  connect(address: DatabaseAddress, task: Task): Promise<DatabaseConnection>;
  /**
   * Connects to restore. The database need not exist.
   * @param target Another database of the same server, or another file; undefined restores to the address’s own.
   * @throws {DatabaseError} as {@link connect}, but for `no-database`
   */
  openTarget(address: DatabaseAddress, target: string | undefined, task: Task): Promise<RestoreTarget>;
  /**
   * The name of a database, for locks: the same for every address of it, as far as that can be told without connecting.
   * A file’s is its path, without links.
   * @param target as in {@link openTarget}
   * @param isExact whether names are told apart that only some servers tell apart
   * @throws {DatabaseError} `invalid-address`
   */
  liveName(address: DatabaseAddress, target: string | undefined, isExact?: boolean): string;
  /**
   * Where a restore may have left something beside a database, in words, for who cannot connect to it. Needs no server.
   * @throws {DatabaseError} when the ticket is not one of its own
   */
  beside(database: Pick<DatabaseAddress, 'name' | 'workspace'>, ticket: RestoreTicket): readonly string[];
  /**
   * Writes a database of a backup into an empty folder, in a form its own client loads, with a README.txt that says
   * how where that is not plain. Needs no server. When it fails or is cancelled, what is written by then stays.
   * @param part of it; by default all
   * @throws {DatabaseError} `no-space`, `write-failed`, `cannot-hold`. {CancelledError}
   */
  extract(source: DumpSource, folder: string, task: Task, part?: ExtractedPart): Promise<void>;
  /**
   * Connects to change single rows; absent where an engine knows nothing of rows.
   * @throws {DatabaseError} as {@link connect}
   */
  editRows?(address: DatabaseAddress, task: Task): Promise<RowEditor>;
  /**
   * The statement that changes one row, without its semicolon. Needs no server; absent where {@link editRows} is.
   * @throws {DatabaseError} `cannot-hold` for a value that is no text
   */
  rowStatement?(edit: RowEdit): string;
}

/**
 * A database whose rows are changed one by one, in one transaction that begins with opening it. Disposing undoes what was
 * not committed. Values are fields as in a dump: texts with COPY’s escapes or, in SQLite, literals.
 */
export interface RowEditor extends AsyncDisposable {
  /** The table as it is now, as a dump has it; undefined when there is none. @throws {DatabaseError} */
  table(schema: string, name: string): Promise<TableHead | undefined>;
  /**
   * The row with a key, its values in the order of the table’s columns; undefined when there is none. Others cannot
   * change it until the end.
   * @param key in the order of the table’s key
   * @throws {DatabaseError} `busy`, `missing-privilege` …
   */
  lock(table: TableHead, key: readonly Field[]): Promise<readonly Field[] | undefined>;
  /**
   * All rows that refer to one by a foreign key as the database compares them, as {@link lock}; the first ones where
   * there are more than `most`.
   * @param reference one of `to` whose table and columns are known
   * @param row as it is in the table `to`
   * @throws {DatabaseError} as {@link lock}
   */
  referring(
    reference: Reference,
    to: TableHead,
    row: readonly Field[],
    most: number,
  ): Promise<readonly (readonly Field[])[]>;
  /** The foreign keys by which rows, of the same table, too, refer to rows of a table. @throws {DatabaseError} */
  references(table: TableHead): Promise<readonly Reference[]>;
  /** As {@link DatabaseEngine.rowStatement}. */
  statement(edit: RowEdit): string;
  /**
   * Runs a statement as a whole or not at all.
   * @returns why a constraint forbids it as long as other rows are as they are
   * @throws {DatabaseError}
   */
  run(statement: string): Promise<DatabaseError | undefined>;
  /** @throws {DatabaseError} `constraint` when one that is checked at the end fails; nothing has changed then. */
  commit(): Promise<void>;
}

/** A foreign key, as those see it that it refers to. */
export interface Reference {
  /** Whose rows refer; undefined where the editor does not know it, in another database for instance. */
  readonly table: TableHead | undefined;
  /** How that table is called in messages. */
  readonly name: string;
  /** Numbers of its columns; -1 for one that is no column of a line. */
  readonly columns: readonly number[];
  /** Numbers of the columns they refer to, in the same order. */
  readonly referenced: readonly number[];
  /** How values are compared where `=` would not do: SQL between a row `p` and a row `t` that may refer to it. */
  readonly condition?: string;
  /** What becomes of rows when the one they refer to is deleted. */
  readonly onDelete: ReferenceAction;
  /** What becomes of their values when those they refer to change. */
  readonly onUpdate: ReferenceAction;
}

/** `follow` is SQL’s CASCADE, `clear` its SET NULL and SET DEFAULT; `refuse` is everything else. */
export type ReferenceAction = 'refuse' | 'follow' | 'clear';

/** What is done to one row. */
export interface RowEdit {
  readonly change: 'insert' | 'update' | 'delete';
  readonly table: TableHead;
  /** In the order of the table’s key. */
  readonly key: readonly Field[];
  /** For `insert` and `update`, by the numbers of the table’s columns. */
  readonly values: ReadonlyMap<number, Field>;
}

/** A database that can be read. Disposing closes it. */
export interface DatabaseConnection extends AsyncDisposable {
  /** Who answers there, and whether all is there that a backup and a restore need. */
  describe(task: Task): Promise<DatabaseDescription>;
  /**
   * Fixes the moment: what is dumped later is as it is when this returns, whatever others write meanwhile. Fast, so
   * that files and all databases of a backup are of one moment.
   * @throws {DatabaseError} `missing-privilege`, `busy` …
   */
  snapshot(task: Task): Promise<DatabaseSnapshot>;
}

/** A database as it was at one moment. Disposing lets go of it, whether it was dumped or not. */
export interface DatabaseSnapshot extends AsyncDisposable {
  /** About how many bytes the dump will have, to tell how far it is; undefined when nobody knows. */
  readonly estimatedBytes: number | undefined;
  /**
   * Hands the whole database to the sink, each path once, several tables at a time if the engine likes.
   * @throws {DatabaseError} `changed-while-reading` when the schema was altered meanwhile, `connection-lost` …
   */
  dump(sink: DumpSink, task: Task): Promise<DatabaseInfo>;
}

/** Who answers at an address, for `doctor`. */
export interface DatabaseDescription {
  /** `PostgreSQL 15.18`, `MariaDB 10.11.19`, `SQLite 3.53.4`. */
  readonly product: string;
  readonly bytes: number | undefined;
  readonly checks: readonly DatabaseCheck[];
}

/** One thing a backup or a restore needs. */
export interface DatabaseCheck {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  /** One sentence. */
  readonly detail: string;
  /** What to grant, install or set; empty when all is well. */
  readonly hint: string;
}

/** `info.json`: what a database was, as far as its rows and schema do not say it. No secrets. */
export interface DatabaseInfo {
  readonly engine: string;
  /** The product and its version: `PostgreSQL 15.18`. */
  readonly product: string;
  /** Its name on the server, or the name of its file. */
  readonly database: string;
  readonly charset: string | undefined;
  readonly collation: string | undefined;
  /** How many there are by kind: table, view, trigger, index, routine … */
  readonly objects: Readonly<Record<string, number>>;
  /** What else the engine needs for a restore: sequences, settings, owner … */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A column of a dumped table. */
export interface DumpedColumn {
  readonly name: string;
  /** The engine’s own name of the type. */
  readonly type: string;
  /**
   * How the text of a key column sorts: `number` as signed decimal numbers, `bytes` by its unescaped bytes. Engines
   * order rows so, whatever the column’s collation. Key columns have it.
   */
  readonly sorts?: 'number' | 'bytes';
}

/** What is known of a table before its rows. */
export interface TableHead {
  readonly schema: string;
  readonly name: string;
  /** The columns of a line, in order. Generated columns are left out. */
  readonly columns: readonly DumpedColumn[];
  /** Numbers of the key’s columns in the order of the key; empty without a unique key that is never NULL. */
  readonly key: readonly number[];
  /** What else the engine wants to remember of it. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What an entry of type `table` has as `extra`. */
export interface TableExtra extends TableHead {
  readonly rows: number;
  /** As `TableChecksum` gives it; for tables whose rows stand elsewhere, the engine’s own. */
  readonly checksum: string;
  /** The entry, below the database, that holds the rows, where they do not stand in the table’s own (SQLite). */
  readonly storedIn?: string;
}

/** Where a dump goes. Paths are below `databases/<name>/`; `tablePath` spells those of tables. */
export interface DumpSink {
  /** A small thing as a whole: a statement, a list. */
  object(path: string, content: Uint8Array | string): void;
  /** A table whose rows follow. Several may be open at once. */
  table(head: TableHead): TableSink;
  /** A table whose rows are part of a stream. */
  storedTable(extra: TableExtra): void;
  /**
   * Bytes of any length: in `blocks` cut at every 64 KiB, for files of pages that change in place; in `content` cut by
   * content, for dumps of other tools.
   */
  stream(path: string, cut: 'blocks' | 'content'): StreamSink;
  /** Tells what of the database is not as it should be in this backup; the dump goes on. */
  report(problem: DumpProblem): void;
}

/** A problem of a part of a database; its path is below `databases/<name>/`, or empty for all of it. */
export interface DumpProblem extends Problem {
  readonly code: 'database-damaged' | 'database-inconsistent' | 'database-incomplete';
}

/** Takes bytes of a table, cut wherever it suits the engine. */
export interface TableSink {
  /**
   * What it promises must be awaited; afterwards the block may be used again.
   * @param rows how many rows end in the block, where the engine knows; else they are counted
   */
  write(block: Buffer, rows?: number): Promise<void> | undefined;
  /** Forgets the table; it may be begun anew. */
  abandon(): void;
  /** Ends the table. The last line must have ended. Its row count comes back. */
  finish(): Promise<{ readonly rows: number; readonly checksum: string }>;
}

/** Takes bytes of a stream. */
export interface StreamSink {
  /** What it promises must be awaited; afterwards the block may be used again. */
  write(block: Buffer): Promise<void> | undefined;
  finish(): Promise<void>;
}

/** A table of a backup. */
export interface DumpedTable extends TableExtra {
  /** Below `databases/<name>/`. */
  readonly path: string;
  /** Bytes of its rows. */
  readonly bytes: number;
}

/** A database of a backup, to be read from the vault. */
export interface DumpSource {
  /** Its name in the backup. */
  readonly name: string;
  readonly info: DatabaseInfo;
  /** In manifest order. */
  readonly tables: readonly DumpedTable[];
  /** Paths of everything else but `info.json` and `row-chunks`, in manifest order, with their bytes. */
  readonly objects: readonly { readonly path: string; readonly bytes: number }[];
  /**
   * The content of a table, an object or a stream, piece by piece; a piece may be shared, so it must not be changed.
   * @throws {VaultError} `unknown-entry`, `missing-chunk`, `damaged`.
   */
  read(path: string): AsyncIterable<Buffer>;
}

/** A part of a database that is written to a folder: paths of tables. */
export interface ExtractedPart {
  /** The only ones that are wanted; undefined for all there is. */
  readonly tables: readonly string[] | undefined;
  /** Those whose rows cannot be had; they are made without. */
  readonly without: readonly string[];
}

/** What is to be restored, and how. */
export interface RestoreRequest {
  /** Letters and digits; names of what is built beside are made of it, so that they are found after a crash. */
  readonly restoreId: string;
  /** Paths of the only tables to restore; undefined restores the whole database. */
  readonly tables: readonly string[] | undefined;
  /** Whether sessions of others may be ended when the switch comes. */
  readonly mayEndSessions: boolean;
  /** Whether what is live may be lost where it cannot be kept beside: the user wants no safety backup. */
  readonly mayLoseLive?: boolean | undefined;
}

/**
 * Everything a later process needs to finish or undo a restore, as JSON. It is kept in the journal on the disk, so it
 * holds no secret.
 */
export type RestoreTicket = Readonly<Record<string, unknown>>;

/** What a restore is going to do to a database. */
export interface DatabasePlan {
  readonly ticket: RestoreTicket;
  /** How it is called in messages: `crm_test on 127.0.0.1:5432`, `/srv/app.db`. */
  readonly target: string;
  /** Whether the target does not exist yet. */
  readonly creates: boolean;
  /** Whether a target that was named holds nothing yet that the restore would replace. Of the address’s own it is not told. */
  readonly isEmpty?: boolean | undefined;
  readonly tables: number;
  /** Sentences the user should know before: sessions that will end, tables that refer to a single restored one … */
  readonly notices: readonly string[];
}

/**
 * Which content a database has in the middle of a restore: the one it had before the switch, the restored one, or one of
 * which that cannot be told. `old` means that going back overwrites nothing in it, `new` the same of going on.
 */
export type LiveContent = 'old' | 'new' | 'unsure';

/**
 * Where a database is restored to. The steps come in this order: plan, build, switch, clear; `switchBack` is possible
 * from the switch until `clear`. The ticket is in the journal before `build` begins. Every step from `switch` on looks
 * at what is there and does only what is left to do, so that it may be repeated after a crash, by another process.
 * Disposing closes connections and leaves everything as it is.
 */
export interface RestoreTarget extends AsyncDisposable {
  /**
   * Finds out whether the target can hold what the backup has. Changes nothing.
   * @throws {DatabaseError} `cannot-hold`, `not-in-backup`, `missing-privilege`, `in-use`, `missing-tool` …
   */
  plan(source: DumpSource, request: RestoreRequest, task: Task): Promise<DatabasePlan>;
  /**
   * Builds the new database beside the old one and checks it: object counts, row counts, checksums. The live one is
   * untouched. When it fails or is cancelled, {@link clear} removes what is there.
   * @throws {DatabaseError} `check-failed`, `no-space`, `connection-lost`, `write-failed`. {CancelledError}
   */
  build(source: DumpSource, ticket: RestoreTicket, task: Task): Promise<void>;
  /**
   * Puts the new database in place of the old one, all or nothing, and keeps the old one. Not cancellable.
   * @throws {DatabaseError} when the live database is as it was.
   */
  switch(ticket: RestoreTicket): Promise<void>;
  /** Puts the old database back; does nothing when it is in its place. */
  switchBack(ticket: RestoreTicket): Promise<void>;
  /** Removes what is not live: after a switch the old database, before it the one that was built. */
  clear(ticket: RestoreTicket): Promise<void>;
  /** Looks how far an interrupted restore has come. Changes nothing. @throws {DatabaseError} */
  whichIsLive(ticket: RestoreTicket): Promise<LiveContent>;
  /**
   * Ends a restore with what is live now, whatever that is: removes what else the restore has made, but for what was live
   * before. Where that stands comes back, for messages; undefined when it is live, or there is none.
   */
  keepLive(ticket: RestoreTicket): Promise<string | undefined>;
}
