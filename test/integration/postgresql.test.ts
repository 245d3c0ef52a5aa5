import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { realData } from '../build/mariadb-server.ts';
import { openPostgres } from '../build/database-postgres.ts';
import type { TriedDatabase } from '../build/database-conformance.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../build/postgres-server.ts';
import {
  generatedChanges,
  generatedCrm,
  generatedMigration,
  migrateFiles,
  writeFiles,
} from './generated-crm.ts';
import { type DatabaseTruth, expectThereAndBack, type TableTruth } from './there-and-back.ts';

let server: PostgresServer;

/** What an administrator sees of rows and definitions. */
async function truthOf(database: string, tried: TriedDatabase): Promise<DatabaseTruth> {
  const names = await server.sql(
    database,
    `SELECT c.oid::int, n.nspname, c.relname, c.oid::regclass::text AS name FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 2, 3`,
  );
  const tables: Record<string, TableTruth> = {};
  for (const { oid, nspname, relname, name } of names as Record<
    'nspname' | 'relname' | 'name' | 'oid',
    string
  >[]) {
    const [rows] = await server.sql(
      database,
      `SET extra_float_digits = 3;
       SELECT count(*)::int AS count, coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C"), '') AS rows FROM ONLY ${name} t`,
    );
    const columns = await server.sql(
      database,
      `SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
        WHERE attrelid = ${oid} AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    );
    const others = await server.sql(
      database,
      `SELECT pg_get_constraintdef(oid) AS it FROM pg_constraint WHERE conrelid = ${oid}
        UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = ${oid} ORDER BY 1`,
    );
    tables[`${nspname}.${relname}`] = {
      definition: JSON.stringify([columns, others]),
      ...(rows as unknown as { rows: string; count: number }),
    };
  }
  return { tables, objects: await tried.objects() };
}

describe.skipIf(!hasPostgres())(
  'A CRM on PostgreSQL comes back through the command line',
  { timeout: 300_000 },
  () => {
    let tried: TriedDatabase;
    let database: string;
    beforeAll(async () => {
      server = await startPostgres();
      await server.sql('postgres', 'CREATE ROLE postgres SUPERUSER');
    });
    afterAll(async () => server[Symbol.asyncDispose]());

    const fresh = async () => {
      tried = await openPostgres(server);
      database = new URL(tried.address.url).pathname.slice(1);
      return {
        url: '${env:CRM_DB_URL}',
        env: { CRM_DB_URL: tried.address.url },
        truth: async () => truthOf(database, tried),
      };
    };

    it('a generated one', async () => {
      await expectThereAndBack({
        ...(await fresh()),
        rows: generatedChanges,
        async fill(workspace) {
          writeFiles(workspace);
          await tried.run(generatedCrm().join(';\n'));
        },
        async migrate(workspace) {
          migrateFiles(workspace);
          await tried.run(generatedMigration.join(';\n'));
        },
      });
    });

    const data = realData('pagila');
    it.skipIf(data === undefined)('Pagila, migrated (real data beside the checkout)', async () => {
      await expectThereAndBack({
        ...(await fresh()),
        async fill(workspace) {
          writeFiles(workspace);
          server.load(database, join(data ?? '', 'pagila-schema.sql'));
          server.load(database, join(data ?? '', 'pagila-data.sql'));
          return Promise.resolve();
        },
        async migrate(workspace) {
          migrateFiles(workspace);
          await tried.run(PAGILA_MIGRATION);
        },
      });
    });
  },
);

/** Rows, columns, partitions, types, views, functions, sequences and rights change. */
const PAGILA_MIGRATION = `
  SET search_path = public;
  UPDATE film SET rental_rate = rental_rate + 0.01 WHERE film_id % 100 = 7;
  UPDATE customer SET active = 0, email = NULL WHERE customer_id % 50 = 0;
  DELETE FROM film_category WHERE film_id = 1;
  INSERT INTO actor (first_name, last_name) VALUES ('NEU', 'Ünlü'), ('', '😀');
  ALTER TABLE language ADD COLUMN code text, ALTER COLUMN name TYPE varchar(40);
  UPDATE language SET code = lower(left(name, 2));
  ALTER TYPE mpaa_rating ADD VALUE IF NOT EXISTS 'NR';
  CREATE TABLE consent (customer_id integer PRIMARY KEY REFERENCES customer, given timestamptz NOT NULL);
  INSERT INTO consent SELECT customer_id, '2024-02-29 12:00:00.123456+00' FROM customer WHERE customer_id % 7 = 0;
  DROP TABLE film_actor CASCADE;
  CREATE TABLE payment_later PARTITION OF payment FOR VALUES FROM ('2031-01-01') TO ('2032-01-01');
  INSERT INTO payment (customer_id, staff_id, rental_id, amount, payment_date) VALUES (1, 1, 1, 9.99, '2031-05-05');
  CREATE INDEX film_rate ON film (rental_rate) WHERE rental_rate > 1;
  CREATE FUNCTION given(integer) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true FROM consent WHERE customer_id = $1';
  SELECT setval('actor_actor_id_seq', 5000);
  COMMENT ON TABLE consent IS 'Who agreed; when';
  GRANT SELECT ON consent TO "Sales Team";
`;
