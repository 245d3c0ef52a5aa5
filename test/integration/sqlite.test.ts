import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isSound, objectsOf, rowsOf, withSqlite } from '../build/database-sqlite.ts';
import { realData } from '../build/mariadb-server.ts';
import {
  generatedChanges,
  generatedCrm,
  generatedMigration,
  migrateFiles,
  writeFiles,
} from './generated-crm.ts';
import { type DatabaseTruth, expectThereAndBack, type TableTruth } from './there-and-back.ts';

const fileIn = (workspace: string): string => join(workspace, 'var/crm.db');

async function truthIn(workspace: string): Promise<DatabaseTruth> {
  const file = fileIn(workspace);
  expect(isSound(file)).toBe(true);
  return withSqlite(file, (database) => {
    const all = database
      .prepare(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'",
      )
      .all() as { name: string; sql: string }[];
    const tables: Record<string, TableTruth> = {};
    for (const { name, sql } of all) {
      const rows = rowsOf(database, `"${name}"`);
      tables[`main.${name}`] = { definition: sql, rows, count: rows === '' ? 0 : rows.split('\n').length };
    }
    return Promise.resolve({ tables, objects: objectsOf(database) });
  });
}

const run = (workspace: string, statements: readonly string[]): void => {
  withSqlite(fileIn(workspace), (database) => database.exec(statements.join(';\n')));
};

const shape = {
  url: 'sqlite:var/crm.db',
  truth: truthIn,
  // The database is a source of its own; what stands beside it belongs to it.
  except: (path: string): boolean => path === 'var',
};

describe('A CRM on SQLite comes back through the command line', { timeout: 120_000 }, () => {
  it('a generated one', async () => {
    await expectThereAndBack({
      ...shape,
      rows: generatedChanges,
      async fill(workspace) {
        mkdirSync(join(workspace, 'var'));
        writeFiles(workspace);
        run(workspace, ['PRAGMA journal_mode = wal', ...generatedCrm()]);
        return Promise.resolve();
      },
      async migrate(workspace) {
        migrateFiles(workspace);
        run(workspace, generatedMigration);
        return Promise.resolve();
      },
    });
  });

  const data = realData('chinook/Chinook_Sqlite.sqlite');
  it.skipIf(data === undefined)('Chinook, migrated (real data beside the checkout)', async () => {
    await expectThereAndBack({
      ...shape,
      async fill(workspace) {
        mkdirSync(join(workspace, 'var'));
        writeFiles(workspace);
        copyFileSync(data ?? '', fileIn(workspace));
        return Promise.resolve();
      },
      async migrate(workspace) {
        migrateFiles(workspace);
        run(workspace, [
          'UPDATE Track SET UnitPrice = UnitPrice + 0.01 WHERE TrackId % 200 = 7',
          "UPDATE Customer SET Fax = NULL, Company = '' WHERE CustomerId % 9 = 0",
          'DELETE FROM PlaylistTrack WHERE PlaylistId = 1 AND TrackId % 40 = 1',
          "INSERT INTO Artist (ArtistId, Name) VALUES (9001, 'Ünlü 😀'), (9002, NULL)",
          "ALTER TABLE Employee ADD COLUMN Consent TEXT DEFAULT 'no'",
          'CREATE TABLE Setting (Name TEXT PRIMARY KEY, Value BLOB) WITHOUT ROWID',
          "INSERT INTO Setting VALUES ('schema', x'2a00')",
          'DROP TABLE InvoiceLine',
          'CREATE INDEX TrackPrice ON Track (UnitPrice)',
          'CREATE VIEW Expensive AS SELECT * FROM Track WHERE UnitPrice > 1',
        ]);
        return Promise.resolve();
      },
    });
  });
});
