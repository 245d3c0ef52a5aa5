import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { openDatabase } from '../../../../src/core/compare/rows-open.ts';
import { readRowPage, compareTable } from '../../../../src/core/compare/rows.ts';
import {
  planRowRestore,
  restoreRows,
  type RowRestorePlan,
  undoRows,
} from '../../../../src/core/restore/rows.ts';
import type { RowSelection } from '../../../../src/core/restore/row-wishes.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import type { TriedDatabase } from '../../../build/database-conformance.ts';
import { openMariaDb } from '../../../build/database-mariadb.ts';
import { openPostgres } from '../../../build/database-postgres.ts';
import { openSqlite } from '../../../build/database-sqlite.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../../build/mariadb-server.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../build/postgres-server.ts';
import { buildVault, type BuiltVault } from '../../../build/vault.ts';

type Engine = 'postgres' | 'mariadb' | 'sqlite';

interface Dialect {
  readonly binary: string;
  readonly bytes: string;
  /** A text with a backslash, a quote, a line feed and an emoji, as a literal. */
  readonly odd: string;
  /** Makes a trigger that changes the note of every row that is written. */
  readonly trigger: string;
}

const DIALECTS: Readonly<Record<Engine, Dialect>> = {
  postgres: {
    binary: 'bytea',
    bytes: "decode('00ff0a09275c', 'hex')",
    odd: "E'back\\\\slash ''quoted'' \"double\"\\nline \\ttab 😀 \\\\N'",
    trigger: `CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'spoiled'; RETURN NEW; END $$;
      CREATE TRIGGER spoil BEFORE INSERT OR UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION spoil()`,
  },
  mariadb: {
    binary: 'blob',
    bytes: "x'00ff0a09275c'",
    odd: "'back\\\\slash ''quoted'' \"double\"\\nline \\ttab 😀 \\\\N'",
    trigger: "CREATE TRIGGER spoil BEFORE UPDATE ON customer FOR EACH ROW SET NEW.note = 'spoiled'",
  },
  sqlite: {
    binary: 'blob',
    bytes: "x'00ff0a09275c'",
    odd: "'back\\slash ''quoted'' \"double\"' || char(10) || 'line ' || char(9) || 'tab 😀 \\N' || char(0) || 'after zero'",
    trigger:
      "CREATE TRIGGER spoil AFTER UPDATE ON customer BEGIN UPDATE customer SET note = 'spoiled' WHERE id = NEW.id; END",
  },
};

type Restored = Awaited<ReturnType<typeof restoreRows>>;

const ROWS = ['customer', 'offer', '"select"'];

function restoringRows(engine: Engine, open: () => Promise<TriedDatabase> | TriedDatabase): void {
  const { binary, bytes, odd, trigger } = DIALECTS[engine];
  const quote = (name: string): string => (engine === 'mariadb' ? name.replaceAll('"', '`') : name);
  let tried: TriedDatabase;
  let built: BuiltVault;
  let first: BackupRecord;
  let second: BackupRecord;

  beforeEach(async () => {
    built = await buildVault();
    tried = await open();
    await tried.run(
      quote(`CREATE TABLE customer (id integer PRIMARY KEY, name varchar(100) NOT NULL, picture ${binary}, note varchar(200),
        twice integer GENERATED ALWAYS AS (id * 2) STORED);
      CREATE TABLE offer (id integer PRIMARY KEY, customer integer NOT NULL, FOREIGN KEY (customer) REFERENCES customer (id));
      CREATE TABLE "select" ("from" varchar(20), "größe" integer, "a b" varchar(20), PRIMARY KEY ("größe", "from"));
      CREATE TABLE keyless (a varchar(10));
      INSERT INTO keyless VALUES ('x');
      INSERT INTO customer (id, name, picture, note) VALUES (1, ${odd}, ${bytes}, NULL), (2, 'two', NULL, ''), (3, 'three', NULL, 'x');
      INSERT INTO offer VALUES (10, 1), (20, 2);
      INSERT INTO "select" VALUES ('it''s', 1, NULL), ('b', 2, 'tab	here');`),
    );
    first = await back();
    await tried.run(
      quote(`DELETE FROM offer; DELETE FROM customer WHERE id = 1;
      UPDATE customer SET name = 'changed', note = NULL, picture = ${bytes} WHERE id = 2;
      INSERT INTO customer (id, name) VALUES (4, 'new'); INSERT INTO offer VALUES (30, 4);
      DELETE FROM "select" WHERE "größe" = 1; UPDATE "select" SET "a b" = 'other' WHERE "größe" = 2; INSERT INTO keyless VALUES ('y')`),
    );
    second = await back();
  });
  afterEach(async () => {
    await tried[Symbol.asyncDispose]();
    await built[Symbol.asyncDispose]();
  });

  const live = () => ({
    name: 'crm',
    address: async () => Promise.resolve({ ...tried.address, name: 'crm' }),
  });
  const back = async (): Promise<BackupRecord> =>
    backUp(built.vault, { name: 'test', roots: [], databases: [live()] }, { kind: 'auto' }, {});
  const all = async (): Promise<string> =>
    (await Promise.all(ROWS.map(async (table) => tried.rows(quote(table))))).join('\n--\n');
  const openBoth = async () => {
    const problems: unknown[] = [];
    const compared = await openDatabase(
      built.vault,
      { from: first, to: second, paths: [] },
      'crm',
      (problem) => problems.push(problem),
      {},
    );
    expect(problems).toEqual([]);
    return compared!;
  };
  const pathOf = (paths: Iterable<string>, table: string): string =>
    [...paths].find((path) => path.endsWith(`.${table}`))!;
  /** Restores or only plans; by default all rows of all tables that differ. */
  const work = async (
    what: 'plan' | 'restore',
    options: {
      side?: 'before' | 'after';
      overwrite?: boolean;
      dependents?: boolean;
      rows?: Readonly<Record<string, readonly string[]>>;
    } = {},
  ): Promise<RowRestorePlan> => {
    await using compared = await openBoth();
    const selections: RowSelection[] = [];
    for (const table of ['customer', 'offer', 'select']) {
      const path = pathOf(compared.tables, table);
      const { rows } = await readRowPage(compared, compareTable(compared, path), { limit: 100 }, {});
      const keys = rows
        .map(({ key }) => key)
        .filter(
          (key) => options.rows === undefined || options.rows[table]?.includes(key[0] as string) === true,
        );
      if (keys.length > 0) selections.push({ table: path, keys });
    }
    const request = {
      compared,
      side: options.side ?? 'before',
      selections,
      overwrite: options.overwrite ?? false,
      dependents: options.dependents ?? false,
    };
    const carryOut = what === 'plan' ? planRowRestore : restoreRows;
    return await carryOut(live(), request, {});
  };

  it('puts every chosen row back, whatever is in it and whatever refers to it, and forth again', async () => {
    const changed = await all();
    const plan = await work('plan');
    expect(await all()).toBe(changed);
    expect(plan).toMatchObject({ inserts: 4, updates: 2, deletes: 2, unchanged: 0, conflicts: [] });
    expect(plan.statements.join('\n')).toContain(quote('DELETE FROM'));
    await work('restore');
    const restored = await all();
    expect(restored).not.toBe(changed);
    await using again = (await openDatabase(
      built.vault,
      { from: first, to: [live()], paths: [] },
      'crm',
      () => undefined,
      {},
    ))!;
    for (const table of ['customer', 'offer', 'select']) {
      const page = await readRowPage(
        again,
        compareTable(again, pathOf(again.tables, table)),
        { limit: 10 },
        {},
      );
      expect(page.rows, table).toEqual([]);
    }
    expect(await work('restore')).toMatchObject({ statements: [], unchanged: 8 });
    await work('restore', { side: 'after' });
    expect(await all()).toBe(changed);
  });

  it('shows statements that do the same when somebody runs them', async () => {
    const { statements } = await work('plan', { rows: { customer: ['1', '2'] } });
    expect(statements).toHaveLength(2);
    await tried.run(`${statements.join(';\n')};`);
    expect(await work('plan', { rows: { customer: ['1', '2'] } })).toMatchObject({
      statements: [],
      unchanged: 2,
    });
  });

  it('refuses a row that is something else by now, unless told', async () => {
    await tried.run("UPDATE customer SET note = 'by somebody' WHERE id = 2");
    const changed = await all();
    const rows = { customer: ['1', '2'] };
    expect(await work('plan', { rows })).toMatchObject({ conflicts: [{ key: ['2'] }] });
    await expect(work('restore', { rows })).rejects.toMatchObject({ code: 'rows-changed' });
    expect(await all()).toBe(changed);
    await work('restore', { rows, overwrite: true });
    expect(await work('plan', { rows })).toMatchObject({ unchanged: 2, conflicts: [] });
  });

  it('changes nothing when a constraint forbids one of the rows', async () => {
    const changed = await all();
    // The customer it belongs to is not chosen.
    await expect(work('restore', { rows: { customer: ['2'], offer: ['10'] } })).rejects.toMatchObject({
      code: 'constraint',
    });
    expect(await all()).toBe(changed);
  });

  it('changes nothing when a trigger makes something else of a row', async () => {
    await tried.run(trigger);
    const changed = await all();
    await expect(work('restore', { rows: { customer: ['2'] } })).rejects.toMatchObject({
      code: 'check-failed',
    });
    expect(await all()).toBe(changed);
  });

  it('keeps what columns hold that came later, and refuses when one is gone', async () => {
    await tried.run("ALTER TABLE customer ADD COLUMN city varchar(20) DEFAULT 'here'");
    await work('restore', { rows: { customer: ['1', '2'] } });
    expect(await work('plan', { rows: { customer: ['1', '2'] } })).toMatchObject({ unchanged: 2 });
    await tried.run('ALTER TABLE customer DROP COLUMN note');
    await expect(work('plan', { rows: { customer: ['1'] } })).rejects.toMatchObject({ code: 'cannot-hold' });
  });

  it('tells which rows foreign keys would delete or change with them, and brings those back, too', async () => {
    await tried.run(
      quote(`CREATE TABLE visit (id integer PRIMARY KEY, customer integer, FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE);
      CREATE TABLE remark (id integer PRIMARY KEY, visit integer, above integer, FOREIGN KEY (visit) REFERENCES visit (id) ON DELETE CASCADE,
        FOREIGN KEY (above) REFERENCES remark (id) ON DELETE SET NULL);
      INSERT INTO visit VALUES (1, 4), (2, 4), (3, 2), (4, NULL);
      INSERT INTO remark VALUES (1, 1, NULL), (2, 1, 1), (3, 3, 2), (4, 4, NULL)`),
    );
    const everything = async () => [
      await all(),
      ...(await Promise.all(['visit', 'remark'].map(async (each) => tried.rows(each)))),
    ];
    const before = await everything();
    // Customer 4 is new, and so is its offer: both go.
    const rows = { customer: ['4'], offer: ['30'] };
    const { dependents } = await work('plan', { rows });
    const told = dependents.map(({ table, becomes, rows: many }) => [table.split('.').at(-1), becomes, many]);
    expect(told.sort()).toEqual([
      ['remark', 'changed', 1],
      ['remark', 'deleted', 2],
      ['visit', 'deleted', 2],
    ]);
    await expect(work('restore', { rows })).rejects.toMatchObject({ code: 'constraint' });
    expect(await everything()).toEqual(before);
    const { restored } = (await work('restore', { rows, dependents: true })) as Restored;
    expect((await tried.rows('visit')).split('\n')).toHaveLength(2);
    expect(await tried.rows('remark')).not.toContain('2, 1');
    await undoRows(live(), structuredClone(restored), {});
    expect(await everything()).toEqual(before);
  });

  it('lets rows refer to others again before those go that they refer to now', async () => {
    await tried.run(
      quote(`DELETE FROM offer; DROP TABLE offer; CREATE TABLE offer (id integer PRIMARY KEY, customer integer NOT NULL,
        FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE);
      INSERT INTO offer VALUES (10, 3)`),
    );
    first = await back();
    await tried.run("INSERT INTO customer (id, name) VALUES (5, 'five'); UPDATE offer SET customer = 5");
    second = await back();
    expect(await work('restore', { rows: { customer: ['5'], offer: ['10'] } })).toMatchObject({
      dependents: [],
    });
    expect(await tried.rows('offer')).toMatch(/10\b.*\b3\b/);
  });

  it('refuses rows without a key, and rows that do not differ', async () => {
    await using compared = await openBoth();
    const request = { compared, side: 'before' as const, overwrite: false };
    const plan = async (table: string, key: readonly string[]) =>
      planRowRestore(
        live(),
        { ...request, selections: [{ table: pathOf(compared.tables, table), keys: [key] }] },
        {},
      );
    await expect(plan('keyless', ['y'])).rejects.toMatchObject({ code: 'cannot-hold' });
    await expect(plan('customer', ['3'])).rejects.toMatchObject({ code: 'not-in-backup' });
  });
}

describe.skipIf(!hasPostgres())('restoring rows of PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  restoringRows('postgres', async () => openPostgres(server));
});

describe.skipIf(!hasMariaDb)('restoring rows of MariaDB', () => {
  let server: MariaDbServer;
  beforeAll(async () => {
    server = await startMariaDb();
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  restoringRows('mariadb', async () => openMariaDb(server));
});

describe('restoring rows of SQLite', () => {
  restoringRows('sqlite', () => openSqlite('wal'));
});
