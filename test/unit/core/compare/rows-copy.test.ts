import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { type CopyFormat, rowCopier } from '../../../../src/core/compare/rows-copy.ts';
import { openDatabase } from '../../../../src/core/compare/rows-open.ts';
import { compareTable } from '../../../../src/core/compare/rows.ts';
import { engineNamed } from '../../../../src/core/database/engines.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import type { TriedDatabase } from '../../../build/database-conformance.ts';
import { openMariaDb } from '../../../build/database-mariadb.ts';
import { openPostgres } from '../../../build/database-postgres.ts';
import { openSqlite } from '../../../build/database-sqlite.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../../build/mariadb-server.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../build/postgres-server.ts';
import { buildVault, type BuiltVault } from '../../../build/vault.ts';

type Engine = 'postgres' | 'mariadb' | 'sqlite';

const BYTES = { postgres: "decode('00ff0a275c', 'hex')", mariadb: "x'00ff0a275c'", sqlite: "x'00ff0a275c'" };
/** A text with everything that has to be quoted somewhere; engines differ in what a backslash is. */
const ODD = {
  postgres: "E'back\\\\slash ''quoted'' \"double\", comma\\nline \\ttab 😀 \\\\N'",
  mariadb: "'back\\\\slash ''quoted'' \"double\", comma\\nline \\ttab 😀 \\\\N'",
  sqlite: "'back\\slash ''quoted'' \"double\", comma' || char(10) || 'line ' || char(9) || 'tab 😀 \\N'",
};
const TEXT = 'back\\slash \'quoted\' "double", comma\nline \ttab 😀 \\N';

function copying(engine: Engine, open: () => Promise<TriedDatabase> | TriedDatabase): void {
  const quote = (sql: string): string => (engine === 'mariadb' ? sql.replaceAll('"', '`') : sql);
  const binary = engine === 'postgres' ? 'bytea' : 'blob';
  let tried: TriedDatabase;
  let built: BuiltVault;
  let first: BackupRecord;
  let second: BackupRecord;
  let older: string;
  let newer: string;

  const makeOlder = async (): Promise<void> =>
    tried.run(
      `${quote(`CREATE TABLE "odd table" ("select" bigint PRIMARY KEY, "a 'b" varchar(100), picture ${binary}, price decimal(20,4), flag integer);`)}
      ${quote('INSERT INTO "odd table" VALUES')} (1, ${ODD[engine]}, ${BYTES[engine]}, 1.5000, 1), (2, '', NULL, NULL, 0),
        (3, NULL, ${BYTES[engine]}, -0.0001, NULL), (9007199254740993, ' blank ', NULL, 12345678901234.5678, 7)`,
    );
  const rows = async (): Promise<string> => tried.rows(quote('"odd table"'));

  beforeAll(async () => {
    built = await buildVault();
    tried = await open();
    await makeOlder();
    older = await rows();
    first = await back();
    await tried.run(
      `${quote(`DELETE FROM "odd table" WHERE "select" = 2; UPDATE "odd table" SET flag = NULL, picture = NULL WHERE "select" = 1;
        INSERT INTO "odd table" VALUES (4, 'it''s', `)}${BYTES[engine]}, 0, 1)`,
    );
    newer = await rows();
    second = await back();
  });
  afterAll(async () => {
    await tried[Symbol.asyncDispose]();
    await built[Symbol.asyncDispose]();
  });

  const back = async (): Promise<BackupRecord> => {
    const live = {
      name: 'crm',
      address: async () => Promise.resolve({ ...tried.address, name: 'crm' }),
    };
    return backUp(built.vault, { name: 'test', roots: [], databases: [live] }, { kind: 'auto' }, {});
  };
  const copied = async (
    from: BackupRecord | undefined,
    to: BackupRecord,
    format: CopyFormat,
  ): Promise<string> => {
    await using database = (await openDatabase(
      built.vault,
      { from, to, paths: [] },
      'crm',
      () => undefined,
      {},
    ))!;
    const comparison = compareTable(
      database,
      database.tables.find((path) => path.endsWith('.odd table'))!,
    );
    const { head, row, tail } = rowCopier(
      database,
      comparison,
      format,
      await engineNamed(database.after!.info.engine),
    );
    const parts: string[] = [];
    for await (const change of comparison.changes(undefined, {}))
      parts.push(row(change, parts.length === 0)!);
    return [head, ...parts, tail].join('');
  };

  it('gives statements that make of the older rows the newer ones', async () => {
    await tried.run(quote('DROP TABLE "odd table"'));
    await makeOlder();
    expect(await rows()).toBe(older);
    await tried.run(await copied(first, second, 'sql'));
    expect(await rows()).toBe(newer);
    await tried.run(await copied(second, first, 'sql'));
    expect(await rows()).toBe(older);
  });

  it('gives statements that insert the rows of one version', async () => {
    await tried.run(quote('DELETE FROM "odd table"'));
    await tried.run(await copied(undefined, second, 'sql'));
    expect(await rows()).toBe(newer);
  });

  it('gives comma-separated values that tell NULL from an empty text', async () => {
    const [names, ...lines] = readCsv(await copied(undefined, first, 'csv'));
    expect(names).toEqual(['select', "a 'b", 'picture', 'price', 'flag']);
    expect(lines.map(([, text, picture]) => [text, picture])).toEqual([
      [TEXT, '\\x00ff0a275c'],
      ['', null],
      [null, '\\x00ff0a275c'],
      [' blank ', null],
    ]);
    const both = readCsv(await copied(first, second, 'csv')).slice(1);
    expect(both.map(([change, version, key]) => [change, version, key])).toEqual([
      ['changed', 'before', '1'],
      ['changed', 'after', '1'],
      ['deleted', 'before', '2'],
      ['added', 'after', '4'],
    ]);
  });

  it('gives JSON whose numbers are exact', async () => {
    const rows = JSON.parse(await copied(undefined, first, 'json')) as Record<string, unknown>[];
    expect(rows.map((row) => [row['select'], row["a 'b"], row['flag']])).toEqual([
      [1, TEXT, 1],
      [2, '', 0],
      [3, null, null],
      ['9007199254740993', ' blank ', 7],
    ]);
    const both = JSON.parse(await copied(first, second, 'json')) as { change: string; before: unknown }[];
    expect(both).toMatchObject([
      { change: 'changed', before: { flag: 1 }, after: { flag: null } },
      { change: 'deleted', before: { select: 2 }, after: null },
      { change: 'added', before: null, after: { "a 'b": "it's" } },
    ]);
  });
}

/** RFC 4180, with what stands there unquoted and empty as null. */
function readCsv(text: string): (string | null)[][] {
  const lines: (string | null)[][] = [];
  let line: (string | null)[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    line.push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    lines.push(line);
    line = [];
  }
  return lines;
}

describe.skipIf(!hasPostgres())('copying rows of PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  copying('postgres', async () => openPostgres(server));
});

describe.skipIf(!hasMariaDb)('copying rows of MariaDB', () => {
  let server: MariaDbServer;
  beforeAll(async () => {
    server = await startMariaDb();
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  copying('mariadb', async () => openMariaDb(server));
});

describe('copying rows of SQLite', () => copying('sqlite', () => openSqlite('wal')));
