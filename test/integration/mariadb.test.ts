import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { hasMariaDb, type MariaDbServer, realData, startMariaDb } from '../build/mariadb-server.ts';
import {
  generatedChanges,
  generatedCrm,
  generatedMigration,
  migrateFiles,
  writeFiles,
} from './generated-crm.ts';
import { type DatabaseTruth, expectThereAndBack, type TableTruth } from './there-and-back.ts';

let server: MariaDbServer;

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Checksums are the server’s own; rows and definitions are what it answers. */
async function truthOf(database: string): Promise<DatabaseTruth> {
  const names = await server.rows(
    database,
    `SELECT TABLE_NAME FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY BINARY TABLE_NAME`,
  );
  const list = names.map(([name]) => quoted(name ?? ''));
  const sums = await server.rows(database, `CHECKSUM TABLE ${list.join(', ')}`);
  const tables: Record<string, TableTruth> = {};
  for (const [at, name] of list.entries()) {
    const rows = await server.rows(database, `SELECT * FROM ${name}`);
    const [[, definition] = []] = await server.rows(database, `SHOW CREATE TABLE ${name}`);
    tables[`${database}.${names[at]?.[0] ?? ''}`] = {
      definition: (definition ?? '').replace(/ AUTO_INCREMENT=\d+/, ''),
      rows: `${sums[at]?.[1] ?? ''}\n${rows
        .map((row) => JSON.stringify(row))
        .sort()
        .join('\n')}`,
      count: rows.length,
    };
  }
  const isam = Object.entries(tables).filter(([, { definition }]) => definition.includes('ENGINE=MyISAM'));
  return {
    tables,
    objects: await server.schema(database),
    withoutSnapshot: isam.map(([name]) => name),
  };
}

describe.skipIf(!hasMariaDb)(
  'A CRM on MariaDB comes back through the command line',
  { timeout: 300_000 },
  () => {
    beforeAll(async () => {
      server = await startMariaDb(['--local-infile=1']);
      await server.run(undefined, 'CREATE DATABASE crm CHARACTER SET utf8mb4', 'CREATE DATABASE dolibarr');
    });
    afterAll(async () => server[Symbol.asyncDispose]());

    const reached = (database: string) => ({
      url: '${env:CRM_DB_URL}',
      env: { CRM_DB_URL: server.url(database) },
      truth: async () => truthOf(database),
    });

    it('a generated one', async () => {
      await expectThereAndBack({
        ...reached('crm'),
        rows: generatedChanges,
        async fill(workspace) {
          writeFiles(workspace);
          await server.run('crm', ...generatedCrm());
        },
        async migrate(workspace) {
          migrateFiles(workspace);
          await server.run('crm', ...generatedMigration);
        },
      });
    });

    const data = realData('dolibarr');
    it.skipIf(data === undefined)('Dolibarr 7 upgraded to 8 (real data beside the checkout)', async () => {
      const load = async (version: string) => {
        await server.run(undefined, 'DROP DATABASE dolibarr', 'CREATE DATABASE dolibarr');
        await server.load('dolibarr', join(data ?? '', `dolibarr-${version}.sql`));
      };
      await expectThereAndBack({
        ...reached('dolibarr'),
        async fill(workspace) {
          cpSync(join(data ?? '', 'documents'), join(workspace, 'documents'), { recursive: true });
          writeFiles(workspace);
          await load('7.0.0');
        },
        async migrate(workspace) {
          migrateFiles(workspace);
          await load('8.0.0');
        },
      });
    });
  },
);
