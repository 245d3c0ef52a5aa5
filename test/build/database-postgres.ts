import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { postgresql } from '../../src/core/database/postgres/engine.ts';
import type { TriedDatabase } from './database-conformance.ts';
import type { PostgresServer } from './postgres-server.ts';

let opened = 0;

/** A fresh database on a server. */
export async function openPostgres(server: PostgresServer): Promise<TriedDatabase> {
  const name = `crm${opened++}`;
  const system = async (sql: string) => server.sql('postgres', sql);
  const names = async () =>
    (await system('SELECT datname AS name FROM pg_database')).map((row) => String(row['name']));
  await system('DROP ROLE IF EXISTS "Sales Team"; CREATE ROLE "Sales Team"');
  await system(`CREATE DATABASE ${name}`);
  const [{ server_version_num: version } = {}] = await system('SHOW server_version_num');
  const fitting = (sql: string) => (Number(version) < 140000 ? beforeVersion14(sql) : sql);
  const address = { name: 'crm', url: server.url(name), workspace: '/' };
  return {
    engine: postgresql,
    address,
    other: `${name}_other`,
    secret: server.password,
    nowhere: { ...address, url: server.url('nowhere') },
    async run(sql, database = name) {
      await server.sql(database, sql);
    },
    async rows(table, database = name) {
      const path_ =
        'SET search_path = public, crm, "Odd Schema"; SET extra_float_digits = 3; SET TimeZone = \'UTC\'';
      const rows = await server.sql(database, `${path_}; SELECT t::text AS line FROM ${table} t ORDER BY 1`);
      return rows.map(({ line }) => String(line)).join('\n');
    },
    async objects(database = name) {
      const sequences = await server.sql(database, 'SELECT * FROM pg_sequences ORDER BY 1, 2');
      return `${schemaOf(server, database)}\n${JSON.stringify(sequences)}`;
    },
    async surroundings() {
      return (await names()).sort().join('\n');
    },
    async load(folder) {
      const database = `${name}_loaded`;
      await system(`CREATE DATABASE ${database} TEMPLATE template0`);
      server.load(database, path.join(folder, 'database.sql'));
      return database;
    },
    async startWriter() {
      const stop = new AbortController();
      const session = await server.session(name);
      const write = async () => {
        for (let round = 0; !stop.signal.aborted; round++) {
          await session.query(`BEGIN; UPDATE account SET amount = amount - 1 WHERE id = ${((round * 7) % 200) + 1};
            UPDATE account SET amount = amount + 1 WHERE id = ${((round * 13 + 5) % 200) + 1}; COMMIT`);
        }
      };
      const writing = write();
      return {
        async [Symbol.asyncDispose]() {
          stop.abort();
          await writing;
          await session.end();
        },
      };
    },
    dialect: {
      everyType: fitting(EVERY_TYPE),
      everyObject: fitting(EVERY_OBJECT),
      someTables: [
        '"select; -- ""drop"""',
        'head',
        'tail',
        'log',
        'parent',
        'child',
        'no_key',
        'secret',
        'constructor',
        '"__proto__"',
      ],
      many: (rows) => `CREATE TABLE many (id int PRIMARY KEY, value text NOT NULL);
        INSERT INTO many SELECT g, 'Company ' || g || ' ' || md5(g::text) || repeat('x', 60) FROM generate_series(1, ${rows}) g`,
      accounts: `CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL);
        INSERT INTO account SELECT g, 1000 FROM generate_series(1, 200) g`,
    },
    async [Symbol.asyncDispose]() {
      for (const each of await names()) {
        if (each.startsWith(name)) await system(`DROP DATABASE "${each}" WITH (FORCE)`);
      }
    },
  };
}

/** What PostgreSQL’s own program says of its objects. */
function schemaOf(server: PostgresServer, database: string): string {
  const { hostname, port, username } = new URL(server.url(database));
  const env = { ...process.env, PGPASSWORD: server.password, PGUSER: decodeURIComponent(username) };
  const args = ['--schema-only', '--host', hostname, '--port', port, '--dbname', database];
  const dumped = spawnSync(path.join(server.tools, 'pg_dump'), args, { env, encoding: 'utf8' });
  if (dumped.status !== 0) throw new Error(`pg_dump failed: ${dumped.stderr}`);
  return dumped.stdout.replace(/^\\(?:un)?restrict .*$/gm, '');
}

const FILE = readFileSync(path.join(import.meta.dirname, 'postgres-types.sql'), 'utf8');

/** The same without what PostgreSQL 13 does not know yet. */
function beforeVersion14(sql: string): string {
  return sql.replace(/^CREATE FUNCTION crm.atomic.*$/m, '').replace("(0, 0, 'Infinity'", "(0, 0, '-1e1000'");
}

/** What stands in the script between two of its lines. */
function part(from: string, to: string): string {
  return FILE.slice(FILE.indexOf(from), FILE.indexOf(to));
}

const EVERY_TYPE = part('CREATE EXTENSION citext', 'CREATE TABLE crm.text_key');

const EVERY_OBJECT = `
  CREATE SCHEMA IF NOT EXISTS crm AUTHORIZATION "Sales Team";
  CREATE SCHEMA IF NOT EXISTS "Odd Schema";
  CREATE TABLE crm.no_key (a text, b int);
  INSERT INTO crm.no_key SELECT 'same', g % 2 FROM generate_series(1, 5) g;
  ${part('CREATE UNLOGGED TABLE', 'CREATE VIEW crm.moods')}
  CREATE TABLE crm.constructor ("__proto__" serial PRIMARY KEY, "toString" text);
  INSERT INTO crm.constructor ("toString") VALUES ('one'), (NULL);
  CREATE TABLE crm."__proto__" (id int GENERATED ALWAYS AS IDENTITY (START WITH 70) PRIMARY KEY);
  INSERT INTO crm."__proto__" DEFAULT VALUES;
  CREATE MATERIALIZED VIEW crm.counts AS SELECT count(*) AS n FROM crm.parent;
  CREATE MATERIALIZED VIEW crm.unfilled AS SELECT 1 AS one WITH NO DATA;
  CREATE INDEX expression ON crm.no_key (lower(a)) WHERE b > 0;
  ${part('CREATE RULE protect', 'SELECT lo_from_bytea')}
`;
