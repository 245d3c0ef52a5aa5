import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { backUp } from '../../../../../src/core/backup.ts';
import { restore } from '../../../../../src/core/restore/restore.ts';
import { rowsOf, withSqlite } from '../../../../build/database-sqlite.ts';
import { temporaryFolder } from '../../../../build/tree.ts';
import { buildVault } from '../../../../build/vault.ts';

vi.mock(import('../../../../../src/core/database/sqlite/runtime.ts'), async (original) => ({
  ...(await original()),
  canBackUp: async () => Promise.resolve(false),
}));

it('a runtime that cannot copy pages backs up all the same, and restores to other files', async () => {
  await using folder = temporaryFolder();
  await using built = await buildVault();
  const file = join(folder.path, 'crm.db');
  withSqlite(file, (database) =>
    database.exec("PRAGMA journal_mode = wal; CREATE TABLE t (v); INSERT INTO t VALUES ('x')"),
  );
  const address = async () => Promise.resolve({ name: 'crm', url: 'sqlite:crm.db', workspace: folder.path });
  const set = { name: 'test', roots: [], databases: [{ name: 'crm', address }] };
  const record = await backUp(built.vault, set, { kind: 'full' });
  expect(record).toMatchObject({ status: 'complete', tables: { total: 1 } });

  const options = { home: join(folder.path, 'home'), set, safetyBackup: false };
  await restore(built.vault, record, { ...options, databases: [{ name: 'crm', target: 'other.db' }] });
  const rows = withSqlite(file, (database) => rowsOf(database, 't'));
  expect(withSqlite(join(folder.path, 'other.db'), (database) => rowsOf(database, 't'))).toBe(rows);

  await expect(restore(built.vault, record, options)).rejects.toMatchObject({ code: 'unsupported-runtime' });
  expect(withSqlite(file, (database) => rowsOf(database, 't'))).toBe(rows);
});

it('a runtime that cannot copy pages finds damage that its copy does not have', async () => {
  await using folder = temporaryFolder();
  await using built = await buildVault();
  const file = join(folder.path, 'crm.db');
  withSqlite(file, (database) =>
    database.exec('CREATE TABLE t (v); CREATE TABLE gone (v); DROP TABLE gone; INSERT INTO t VALUES (1)'),
  );
  // How many pages are free.
  writeFileSync(file, readFileSync(file).fill(9, 39, 40));
  const address = async () => Promise.resolve({ name: 'crm', url: 'sqlite:crm.db', workspace: folder.path });
  const set = { name: 'test', roots: [], databases: [{ name: 'crm', address }] };
  expect(await backUp(built.vault, set, { kind: 'full' })).toMatchObject({
    status: 'partial',
    problems: [{ code: 'database-damaged' }],
    tables: { total: 1 },
  });
});
