import { type MariaDbServer, ROOT_PASSWORD, startMariaDb } from '../test/build/mariadb-server.ts';
import { startPostgres } from '../test/build/postgres-server.ts';
import { benchTables, EDIT_EVERY } from './databases-data.ts';
import { type Command, firstLine, run } from './measure.ts';

/** A server with a database `crm` to back up, and what its own tools are called with. */
export interface BenchServer extends AsyncDisposable {
  /** `PostgreSQL 15.18`. */
  readonly product: string;
  /** What its own tools are called in the tables. */
  readonly tools: { readonly dump: string; readonly load: string };
  url(database: string): string;
  /** Makes `crm` of the files that {@link writeRows} wrote. */
  fill(folder: string): Promise<void>;
  /** Changes 0.5 % of the rows of every table, evenly, other ones each round. */
  edit(round: number): Promise<void>;
  /** Lets the server finish what it puts off, so that nobody pays for it who is measured. */
  settle(): Promise<void>;
  drop(database: string): Promise<void>;
  create(database: string): Promise<void>;
  /** Tells a table’s rows apart from others; equal for equal databases. */
  sums(database: string): Promise<string>;
  /** The shell command that writes a dump as text to stdout. */
  readonly plainDump: string;
  /** Makes what {@link load} reads. */
  prepareLoad(file: string): Command;
  load(database: string, file: string): Command;
  /** The environment of its tools: where it is and the password. */
  readonly environment: Readonly<Record<string, string>>;
}

const createTables = benchTables.map(({ name, columns }) => `CREATE TABLE ${name} (${columns})`);
const createIndexes = benchTables.flatMap(({ name, indexes }) =>
  indexes.map((column) => `CREATE INDEX ${name}_${column} ON ${name} (${column})`),
);
const edits = (round: number): string[] =>
  benchTables.map(
    ({ name, edited }) =>
      `UPDATE ${name} SET ${edited} = CONCAT('edited in round ${String(round)}: ', id, ' ', ${edited}), changed_at = '2025-01-0${String(1 + (round % 9))} 12:00:00' WHERE id % ${String(EDIT_EVERY)} = ${String((round * 37) % EDIT_EVERY)}`,
  );

/** PostgreSQL with memory enough, flushing to the disk as servers do. */
export async function startBenchPostgres(): Promise<BenchServer> {
  const server = await startPostgres({
    fsync: 'on',
    shared_buffers: '512MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '30min',
    autovacuum: 'off',
  });
  const sql = async (database: string, statements: readonly string[]) =>
    server.sql(database, statements.join(';\n'));
  const { hostname, port, username } = new URL(server.url('crm'));
  const environment = {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: server.password,
  };
  const version = await firstLine([`${server.tools}/postgres`, '--version']);
  return {
    product: `PostgreSQL ${/(\d[\d.]*)/.exec(version ?? '')?.[1] ?? ''}`,
    tools: { dump: 'pg_dump | zstd -1', load: 'pg_restore -j2' },
    url: (database) => server.url(database),
    environment,
    async fill(folder) {
      await sql('postgres', ['CREATE DATABASE crm']);
      await sql('crm', createTables);
      for (const { name } of benchTables) {
        const copy = `\\copy ${name} FROM '${folder}/${name}.tsv'`;
        await run({ argv: ['psql', '-X', '-q', '-d', 'crm', '-c', copy], environment });
      }
      await sql('crm', createIndexes);
      await server.sql('crm', 'VACUUM ANALYZE');
    },
    async edit(round) {
      await sql('crm', edits(round));
      await server.sql('crm', 'VACUUM ANALYZE');
    },
    async settle() {
      await server.sql('postgres', 'CHECKPOINT');
    },
    async drop(database) {
      await server.sql('postgres', `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    },
    async create(database) {
      await server.sql('postgres', `CREATE DATABASE ${database} TEMPLATE template0`);
    },
    async sums(database) {
      const sums: unknown[] = [];
      for (const { name } of benchTables) {
        sums.push(await server.sql(database, `SELECT count(*), sum(hashtext(t::text)) FROM ${name} t`));
      }
      return JSON.stringify(sums);
    },
    plainDump: 'pg_dump --dbname=crm',
    prepareLoad: (file) => ({
      argv: ['pg_dump', '--format=custom', '--compress=0', `--file=${file}`, '--dbname=crm'],
      environment,
    }),
    load: (database, file) => ({
      argv: ['pg_restore', '--jobs=2', '--exit-on-error', `--dbname=${database}`, file],
      environment,
    }),
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}

/** MariaDB with memory enough, flushing once a second. */
export async function startBenchMariaDb(): Promise<BenchServer> {
  const server: MariaDbServer = await startMariaDb([
    '--local-infile=1',
    '--innodb-buffer-pool-size=512M',
    '--innodb-log-file-size=512M',
    '--innodb-flush-log-at-trx-commit=2',
    '--innodb-doublewrite=ON',
    '--max-allowed-packet=64M',
  ]);
  const environment = { MYSQL_PWD: ROOT_PASSWORD };
  const login = `--no-defaults --user=root --host=127.0.0.1 --port=${String(server.port)} --default-character-set=utf8mb4`;
  const [[version] = []] = await server.rows(undefined, 'SELECT VERSION()');
  return {
    product: `MariaDB ${/^[\d.]+/.exec(version ?? '')?.[0] ?? ''}`,
    tools: { dump: 'mariadb-dump | zstd -1', load: 'mariadb <' },
    url: (database) => server.url(database),
    environment,
    async fill(folder) {
      await server.run(undefined, 'CREATE DATABASE crm CHARACTER SET utf8mb4');
      await server.run('crm', ...createTables);
      for (const { name } of benchTables) {
        const load = `LOAD DATA LOCAL INFILE '${folder}/${name}.tsv' INTO TABLE ${name} CHARACTER SET utf8mb4`;
        const argv = ['mariadb', ...login.split(' '), '--local-infile=1', '--execute', load, 'crm'] as const;
        await run({ argv: [...argv], environment });
      }
      await server.run('crm', ...createIndexes);
    },
    async edit(round) {
      await server.run('crm', ...edits(round));
    },
    async settle() {
      await server.run(undefined, 'FLUSH TABLES', 'FLUSH ENGINE LOGS');
    },
    async drop(database) {
      await server.run(undefined, `DROP DATABASE IF EXISTS ${database}`);
    },
    async create(database) {
      await server.run(undefined, `CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
    },
    async sums(database) {
      const sums = await server.rows(
        database,
        `CHECKSUM TABLE ${benchTables.map(({ name }) => name).join(', ')}`,
      );
      return JSON.stringify(sums.map(([, sum]) => sum));
    },
    plainDump: `mariadb-dump ${login} --single-transaction --quick --routines --events crm`,
    prepareLoad: (file) => ({
      argv: ['sh', '-c', `mariadb-dump ${login} --single-transaction --quick crm > '${file}'`],
      environment,
    }),
    load: (database, file) => ({
      argv: ['sh', '-c', `mariadb ${login} --max-allowed-packet=64M ${database} < '${file}'`],
      environment,
    }),
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}
