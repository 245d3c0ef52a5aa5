import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Connection, loadSqlite } from '../../src/core/database/sqlite/runtime.ts';
import { createRandom, type Random } from './random.ts';
import { cities, companies, firstNames, industries, lastNames, phrases, stages } from './words.ts';

/** Where the sample CRM’s own database is, relative to it. */
export const databaseFile = 'database/crm.sqlite';

/** How much a database holds. */
export interface DatabaseSummary {
  readonly tables: number;
  readonly rows: number;
}

const schema = `
  PRAGMA journal_mode = wal;
  PRAGMA user_version = 41;
  CREATE TABLE company (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, industry TEXT, revenue REAL);
  CREATE TABLE contact (
    id INTEGER PRIMARY KEY, company_id INTEGER NOT NULL REFERENCES company (id), first_name TEXT, last_name TEXT NOT NULL,
    email TEXT COLLATE NOCASE UNIQUE, phone_work TEXT, note TEXT, photo BLOB, deleted INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE deal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, company_id INTEGER NOT NULL REFERENCES company (id), stage TEXT NOT NULL,
    amount INTEGER NOT NULL, opened TEXT NOT NULL
  );
  CREATE TABLE activity (id INTEGER PRIMARY KEY, contact_id INTEGER REFERENCES contact (id), at TEXT, note TEXT);
  CREATE TABLE legacy_campaign (code TEXT PRIMARY KEY, title TEXT) WITHOUT ROWID;
  CREATE INDEX contact_company ON contact (company_id, last_name);
  CREATE VIEW open_deal AS SELECT * FROM deal WHERE stage NOT LIKE 'closed%';
  CREATE TRIGGER deal_won AFTER UPDATE OF stage ON deal WHEN NEW.stage = 'closedWon' BEGIN
    INSERT INTO activity (at, note) VALUES (NEW.opened, 'Deal ' || NEW.id || ' won');
  END;
`;

const migration = `
  PRAGMA user_version = 42;
  ALTER TABLE contact RENAME COLUMN phone_work TO phone_office;
  ALTER TABLE contact ADD COLUMN consent_given_at TEXT;
  UPDATE contact SET consent_given_at = '2024-06-01' WHERE id % 40 = 3;
  UPDATE company SET industry = NULL WHERE industry = 'public' AND id % 3 = 0;
  UPDATE deal SET stage = 'closedWon' WHERE stage = 'negotiation' AND id % 9 = 0;
  DELETE FROM activity WHERE id % 200 = 11;
  DROP TABLE legacy_campaign;
  CREATE TABLE consent (contact_id INTEGER PRIMARY KEY REFERENCES contact (id), given_at TEXT NOT NULL, by TEXT);
  INSERT INTO consent SELECT id, consent_given_at, 'migration ✅' FROM contact WHERE consent_given_at IS NOT NULL;
`;

/** Makes the database of a sample CRM: some thousand rows, the same for the same seed. */
export function createDatabase(workspace: string, seed = 1): DatabaseSummary {
  mkdirSync(dirname(join(workspace, databaseFile)), { recursive: true });
  const random = createRandom(`database ${String(seed)}`);
  return withDatabase(workspace, (database) => {
    database.exec(schema);
    database.exec('BEGIN');
    fill(database, random);
    database.exec('COMMIT');
    return summarize(database);
  });
}

/** Edits the schema and rows of the database as an upgrade does; returns what it did, a line each. */
export function migrateDatabase(workspace: string): string[] {
  return withDatabase(workspace, (database) => {
    database.exec(`BEGIN; ${migration} COMMIT;`);
    const { given } = database.prepare('SELECT count(*) AS given FROM consent').get() ?? {};
    return [
      `added consent_given_at to contacts and a table of ${String(given)} consents, dropped legacy_campaign`,
      'moved deals on, which a trigger noted; deleted activities',
    ];
  });
}

/** Everything in the database, as text by table and object: equal texts are equal databases. */
export function snapshotDatabase(workspace: string): ReadonlyMap<string, string> {
  return withDatabase(workspace, (database) => {
    const snapshot = new Map<string, string>();
    const objects = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
    for (const { type, name, sql } of objects) {
      snapshot.set(`${String(type)} ${String(name)}`, String(sql));
      if (type !== 'table') continue;
      const rows = database.prepare(`SELECT * FROM "${String(name)}" ORDER BY 1`);
      rows.setReturnArrays(true);
      rows.setReadBigInts(true);
      const write = (value: unknown): string =>
        value instanceof Uint8Array
          ? `x'${Buffer.from(value).toString('hex')}'`
          : JSON.stringify(typeof value === 'bigint' ? String(value) : value);
      const lines = (rows.all() as unknown as unknown[][]).map((row) =>
        row.map((value) => `${typeof value} ${write(value)}`).join('\t'),
      );
      snapshot.set(`rows of ${String(name)}`, lines.join('\n'));
    }
    snapshot.set('version', JSON.stringify(database.prepare('PRAGMA user_version').get()));
    snapshot.set('check', JSON.stringify(database.prepare('PRAGMA integrity_check').all()));
    return snapshot;
  });
}

function fill(database: Connection, random: Random): void {
  const insert = (
    table: string,
    columns: number,
    rows: number,
    row: (id: number) => (string | number | Buffer | null)[],
  ) => {
    const statement = database.prepare(
      `INSERT INTO ${table} VALUES (${Array(columns).fill('?').join(', ')})`,
    );
    for (let id = 1; id <= rows; id += 1) statement.run(...row(id));
  };
  const day = (): string =>
    `202${String(random.integer(1, 4))}-0${String(random.integer(1, 9))}-${String(random.integer(10, 28))}`;
  insert('company', 5, 400, (id) => [
    ...[id, `${random.pick(companies)} ${String(id)}`, random.pick(cities), random.pick(industries)],
    random.integer(1, 9_000_000) / 7,
  ]);
  insert('contact', 9, 3000, (id) => {
    const [first, last] = [random.pick(firstNames), random.pick(lastNames)];
    const email = random.oneIn(12) ? null : `contact.${String(id)}@example.com`;
    const phone = `+49 30 ${String(random.integer(100_000, 999_999))}`;
    const photo = random.oneIn(20) ? random.bytes(random.integer(200, 3000)) : null;
    return [
      id,
      random.integer(1, 400),
      first,
      last,
      email,
      phone,
      random.oneIn(3) ? '' : random.pick(phrases),
      photo,
      Number(random.oneIn(50)),
    ];
  });
  insert('deal', 5, 1500, (id) => [
    id,
    random.integer(1, 400),
    random.pick(stages),
    random.integer(100, 900_000),
    day(),
  ]);
  insert('activity', 4, 6000, (id) => [id, random.integer(1, 3000), day(), random.pick(phrases)]);
  insert('legacy_campaign', 2, 40, (id) => [`c-${String(id)}`, random.pick(phrases)]);
}

function summarize(database: Connection): DatabaseSummary {
  const names = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all();
  const rows = names.map(({ name }) =>
    Number(database.prepare(`SELECT count(*) AS n FROM "${String(name)}"`).get()?.['n']),
  );
  return { tables: names.length, rows: rows.reduce((sum, count) => sum + count, 0) };
}

function withDatabase<Result>(workspace: string, work: (database: Connection) => Result): Result {
  const { DatabaseSync } = loadSqlite();
  const database = new DatabaseSync(join(workspace, databaseFile));
  try {
    return work(database);
  } finally {
    database.close();
  }
}
