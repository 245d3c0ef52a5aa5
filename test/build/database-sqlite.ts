import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { sqlite } from '../../src/core/database/sqlite/engine.ts';
import { loadSqlite } from '../../src/core/database/sqlite/runtime.ts';
import type { TriedDatabase } from './database-conformance.ts';
import { temporaryFolder } from './tree.ts';

/** How a database keeps what is not committed yet. */
export type JournalMode = 'delete' | 'wal';

/** A SQLite database in a temporary folder of its own. */
export function openSqlite(mode: JournalMode): TriedDatabase {
  const folder = temporaryFolder();
  const workspace = join(folder.path, 'var');
  mkdirSync(workspace);
  const fileOf = (name = 'crm.db'): string => resolve(workspace, name);
  withSqlite(fileOf(), (database) => database.exec(`PRAGMA journal_mode = ${mode}`));
  const address = { name: 'crm', url: 'sqlite:crm.db', workspace };
  return {
    engine: sqlite,
    address,
    other: 'other.db',
    secret: undefined,
    nowhere: { ...address, url: 'sqlite:nowhere/crm.db' },
    async run(sql, name) {
      withSqlite(fileOf(name), (database) => database.exec(sql));
      return Promise.resolve();
    },
    async rows(table, name) {
      return Promise.resolve(withSqlite(mustBe(fileOf(name)), (database) => rowsOf(database, table)));
    },
    async objects(name) {
      return Promise.resolve(withSqlite(mustBe(fileOf(name)), objectsOf));
    },
    async surroundings() {
      // Who has a write-ahead log open leaves it there for a moment.
      const names = readdirSync(workspace).filter((name) => !/-(wal|shm)$/.test(name));
      return Promise.resolve(names.sort().join('\n'));
    },
    async load(extracted) {
      const [name = '', ...others] = readdirSync(extracted);
      if (others.length > 0) throw new Error(`more than a file was written: ${others.join(', ')}`);
      const loaded = join(extracted, name);
      if (name !== 'crm.db') throw new Error(`${name} is not the name of the database`);
      return Promise.resolve(loaded);
    },
    startWriter: async () => startWriter(fileOf()),
    dialect: {
      everyType: EVERY_TYPE,
      everyObject: EVERY_OBJECT,
      someTables: [
        '"order"',
        '"Übersicht, alt"',
        'deal',
        'no_rowid',
        'numbered',
        'search_content',
        'constructor',
        '"__proto__"',
      ],
      many: (rows) => `
        CREATE TABLE many (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
        WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${rows})
        INSERT INTO many SELECT id, 'Company ' || id || ' ' || hex(id * 7919 % 65537) || ' ${'x'.repeat(80)}' FROM n;`,
      accounts: `
        CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
        WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 200)
        INSERT INTO account SELECT id, 1000 FROM n;`,
    },
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Works with a database and closes it. */
export function withSqlite<Result>(file: string, work: (database: DatabaseSync) => Result): Result {
  const { DatabaseSync: Database } = loadSqlite();
  const database = new Database(file, { timeout: 10_000 });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** All rows, each value with its type, floats with all their digits, text as its bytes. */
export function rowsOf(database: DatabaseSync, table: string): string {
  const columns = database.prepare(`SELECT * FROM ${table} LIMIT 0`).columns();
  const values = columns
    .map(({ name }) => `"${name.replaceAll('"', '""')}"`)
    .map(
      (name) => `typeof(${name}) || ':' || CASE typeof(${name})
      WHEN 'real' THEN printf('%!.17g', ${name}) WHEN 'null' THEN '' WHEN 'integer' THEN ${name}
      ELSE hex(CAST(${name} AS BLOB)) END`,
    );
  const statement = database.prepare(
    `SELECT ${values.join(" || ' | ' || ")} AS line FROM ${table} ORDER BY 1`,
  );
  return statement
    .all()
    .map(({ line }) => String(line))
    .join('\n');
}

/** What SQLite's own program says of its schema. */
export function objectsOf(database: DatabaseSync): string {
  const all = database
    .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
    .all();
  const settings = ['user_version', 'application_id', 'encoding', 'page_size', 'auto_vacuum'].map((pragma) =>
    JSON.stringify(database.prepare(`PRAGMA ${pragma}`).get()),
  );
  return [...all.map((object) => JSON.stringify(object)), ...settings].join('\n');
}

/** Whether SQLite finds nothing wrong with a file, asked through its own program where there is one. */
export function isSound(file: string): boolean {
  if (!hasSqliteProgram()) {
    return withSqlite(
      file,
      (database) => database.prepare('PRAGMA integrity_check').get()?.['integrity_check'] === 'ok',
    );
  }
  const answer = execFileSync('sqlite3', [file, 'PRAGMA integrity_check; PRAGMA foreign_key_check;']);
  return answer.toString().trim() === 'ok';
}

function hasSqliteProgram(): boolean {
  try {
    execFileSync('sqlite3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function mustBe(file: string): string {
  if (existsSync(file)) return file;
  throw new Error(`there is no ${file}`);
}

const WRITER = `
  process.removeAllListeners('warning');
  const { DatabaseSync } = require('node:sqlite');
  const database = new DatabaseSync(process.argv[1], { timeout: 20000 });
  const take = database.prepare('UPDATE account SET amount = amount - 1 WHERE id = ?');
  const give = database.prepare('UPDATE account SET amount = amount + 1 WHERE id = ?');
  let round = 0;
  const work = () => {
    database.exec('BEGIN IMMEDIATE');
    for (let step = 0; step < 20; step++, round++) {
      take.run((round * 7) % 200 + 1);
      give.run((round * 13 + 5) % 200 + 1);
    }
    database.exec('COMMIT');
    if (round === 20) process.stdout.write('writing');
    setTimeout(work, 1);
  };
  work();
`;

/** Another process that moves money from account to account, twenty times a transaction. */
async function startWriter(file: string): Promise<AsyncDisposable> {
  const child: ChildProcess = spawn(process.execPath, ['-e', WRITER, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout!, 'data'), ended]);
  if (child.exitCode !== null) throw new Error('the writer did not start');
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const EVERY_TYPE = `
  CREATE TABLE every_type (
    id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, n NUMERIC, anything, d DATE, v VARCHAR(3)
  );
  INSERT INTO every_type VALUES
    (1, 9223372036854775807, 1.7976931348623157e308, '', x'', 1, 'text in any', '2024-02-30', 'longer than 3'),
    (2, -9223372036854775808, 5e-324, char(0) || 'after zero', x'00ff0a095c', 1.5, 42, '0000-00-00', NULL),
    (3, 0, -0.0, 'tab' || char(9) || 'line' || char(10) || 'return' || char(13) || '\\N \\ "quoted"', NULL, 'x', 4.25, '', ''),
    (4, NULL, 9e999, '😀 Ünïcode ﷽', zeroblob(70000), -9e999, x'cafe', NULL, 'é'),
    (5, 'no integer', 'no real', CAST(x'ff fe' AS TEXT), 'no blob', 12345678901234567890, NULL, 1, 2),
    (6, 1.0, 3, 0.1 + 0.2, 7, 123456789012345.678, 1e17, 1.1, x'00');
  INSERT INTO every_type (id, t) SELECT 100 + value, printf('%.*c', value * 37, 'p')
    FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 300) SELECT value FROM n);
`.replace("x'ff fe'", "x'fffe'");

const EVERY_OBJECT = `
  PRAGMA user_version = 42;
  PRAGMA application_id = 252006673;
  CREATE TABLE "order" ("group" INTEGER PRIMARY KEY AUTOINCREMENT, "select" TEXT COLLATE NOCASE UNIQUE, "a ""b"" c" TEXT);
  INSERT INTO "order" ("select", "a ""b"" c") VALUES ('one', 'x'), ('two', NULL), ('Three', '');
  DELETE FROM "order" WHERE "select" = 'two';
  CREATE TABLE constructor ("__proto__" INTEGER PRIMARY KEY, "toString" TEXT);
  INSERT INTO constructor VALUES (1, 'one'), (2, NULL);
  CREATE TABLE "__proto__" (id INTEGER PRIMARY KEY AUTOINCREMENT);
  INSERT INTO "__proto__" VALUES (70);
  CREATE TABLE "Übersicht, alt" ("größe.in %" REAL, "日本" TEXT);
  INSERT INTO "Übersicht, alt" VALUES (1.5, '東京'), (NULL, '');
  CREATE TABLE deal (
    id INTEGER PRIMARY KEY, parent INTEGER REFERENCES deal (id), "order" INTEGER NOT NULL REFERENCES "order" ("group"),
    net REAL NOT NULL, gross REAL GENERATED ALWAYS AS (net * 1.19) STORED, half REAL AS (net / 2), CHECK (net >= 0)
  ) STRICT;
  INSERT INTO deal (id, parent, "order", net) VALUES (1, NULL, 1, 100.0), (2, 1, 3, 0.0);
  CREATE TABLE no_rowid (code TEXT, number INTEGER, note TEXT, PRIMARY KEY (number, code)) WITHOUT ROWID;
  INSERT INTO no_rowid VALUES ('b', 1, 'first'), ('a', 2, NULL), ('a', 1, '');
  CREATE TABLE numbered (value TEXT);
  INSERT INTO numbered (rowid, value) VALUES (7, 'seven'), (3, 'three'), (9000000000, 'large');
  CREATE TABLE log (at TEXT, what TEXT);
  CREATE INDEX "deal by net" ON deal (net DESC) WHERE parent IS NULL;
  CREATE INDEX deal_expression ON deal (net * 2, "order");
  CREATE VIEW "totals (all)" AS SELECT "order", sum(net) AS total FROM deal GROUP BY "order";
  CREATE TRIGGER deal_log AFTER INSERT ON deal BEGIN
    INSERT INTO log VALUES ('now', 'deal ' || NEW.id || '; done');
  END;
  CREATE TRIGGER no_log BEFORE INSERT ON numbered BEGIN SELECT RAISE(ABORT, 'this trigger must not fire'); END;
  CREATE VIRTUAL TABLE search USING fts5 (title, body);
  INSERT INTO search VALUES ('first', 'some words to find'), ('second', 'other words');
  CREATE VIRTUAL TABLE places USING rtree (id, x1, x2);
  INSERT INTO places VALUES (1, 0.5, 1.5);
  ANALYZE;
`;
