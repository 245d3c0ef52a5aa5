import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { hasMariaDb, startMariaDb } from '../../build/mariadb-server.ts';
import { hasPostgres, startPostgres } from '../../build/postgres-server.ts';

interface Drilled {
  readonly level: string;
  readonly recoveryTimeMs: number;
  readonly phases: Readonly<Record<string, number>>;
  readonly damage: readonly unknown[];
  readonly compared: { readonly databases: number; readonly tables: number; readonly rows: number };
  readonly notices: readonly string[];
  readonly problems: readonly { readonly message: string }[];
}

const cli = await useCli();
beforeEach(() => writeFileSync(join(cli.workspace, 'kept'), 'kept'));

function use(...databases: readonly object[]): void {
  cli.writeSets({ name: 'crm', files: [{ root: '.', include: ['kept'] }], databases });
}

async function drilled(backup = 'latest'): Promise<{ code: number | null; value: Drilled }> {
  const { code, text } = await cli.run(['verify', '--level', 'drill', '--json', backup]);
  return { code, value: JSON.parse(text) as Drilled };
}

/** How many recoveries of a whole backup are remembered. */
async function wholeRecoveries(): Promise<number> {
  const { text } = await cli.run(['stats', '--json']);
  return (JSON.parse(text) as { recoveryTime: { history: readonly unknown[] } }).recoveryTime.history.length;
}

const ROWS = 20_000;

describe('verify --level drill', () => {
  it('says what it compared and how long a restore takes', async () => {
    use();
    await cli.must(['init', '--yes'], ['backup']);
    const { code, value } = await drilled();
    expect(code).toBe(0);
    expect(value).toMatchObject({ level: 'drill', checked: { backups: 1, bytes: 4 }, damage: [] });
    expect(Object.keys(value.phases)).toEqual(['fetch', 'decode', 'write', 'load', 'verify']);
    expect(value.recoveryTimeMs).toBeGreaterThan(0);
    expect((await cli.run(['verify', '--level', 'drill'])).text).toContain('All came back as it was');
  });

  it('writes the dump of a database that has commands of its own, and says that it was not loaded', async () => {
    use({ name: 'legacy', command: { dump: 'cat kept', restore: 'cat > restored' } });
    await cli.must(['init', '--yes'], ['backup']);
    const { code, value } = await drilled();
    expect(code).toBe(0);
    expect(value.notices).toHaveLength(1);
    expect(readdirSync(cli.workspace).sort()).toEqual(['.vscode', 'kept']);
  });

  it('needs no set for a database in a file', async () => {
    const open = (name: string): DatabaseSync => new DatabaseSync(join(cli.workspace, `${name}.db`));
    for (const name of ['stays', 'goes']) {
      using db = open(name);
      db.exec('CREATE TABLE t (v); INSERT INTO t VALUES (1), (2)');
    }
    const [stays, goes] = ['stays', 'goes'].map((name) => ({ name, url: `sqlite:${name}.db` }));
    use(stays!, goes!);
    await cli.must(['init', '--yes'], ['backup']);
    use(stays!);
    const { code, value } = await drilled();
    expect(code).toBe(0);
    expect(value).toMatchObject({
      damage: [],
      checked: { bytes: 4 },
      compared: { databases: 2, tables: 2, rows: 4 },
      problems: [],
    });
    expect(readdirSync(cli.workspace).sort()).toEqual(['.vscode', 'goes.db', 'kept', 'stays.db']);
  });

  it('fails when a server is out of reach and nothing else is in the backup', async () => {
    use({ name: 'app', url: 'sqlite:app.db' });
    new DatabaseSync(join(cli.workspace, 'app.db')).close();
    await cli.must(['init', '--yes']);
    const sets = [{ name: 'crm', files: [], databases: [{ name: 'app', url: 'sqlite:app.db' }] }];
    const file = join(cli.workspace, '.vscode/crm-backup.json');
    writeFileSync(file, JSON.stringify({ version: 1, sets }));
    await cli.must(['backup']);
    writeFileSync(file, JSON.stringify({ version: 1, sets }).replace('app.db', '${secret:PLACE}'));
    const { code, stderr } = await cli.run(['verify', '--level', 'drill']);
    expect(code).toBe(1);
    expect(stderr).toContain('PLACE');
  });

  it('says of a partial backup that it is partial, and what it lacks', async () => {
    use({ name: 'legacy', command: { dump: 'exit 1', restore: 'cat > restored' } });
    await cli.must(['init', '--yes']);
    expect((await cli.run(['backup'])).code).toBe(3);
    const { code, stderr, text } = await cli.run(['verify', '--level', 'drill']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/This backup is partial: 1 entry is missing or in doubt, the first: .*legacy/);
    expect(text).toContain('What was rehearsed came back as it was');
    expect(text).not.toContain('All came back');
  });

  it('takes no sample', async () => {
    use();
    expect((await cli.run(['verify', '--level', 'drill', '--sample', '5%'])).code).toBe(2);
  });
});

/** A server of either kind with a database `crm` that has a table of so many rows. */
interface Server {
  readonly url: string;
  readonly databases: () => Promise<readonly string[]>;
  readonly run: (sql: string) => Promise<unknown>;
  /** Ends it as a power failure does, and starts it again. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

async function mustRehearse({ url, databases, run, stop, start }: Server): Promise<void> {
  use({ name: 'crm', url });
  await cli.must(['init', '--yes'], ['backup']);
  const before = await databases();
  // A drill compares with the backup, whatever has become of what is live.
  await run('DELETE FROM t WHERE id > 10');
  const { code, value } = await drilled();
  expect(code).toBe(0);
  expect(value).toMatchObject({ damage: [], compared: { databases: 1, tables: 1, rows: ROWS } });
  expect(value.phases['load']).toBeGreaterThan(0);
  expect(await databases()).toEqual(before);

  use();
  const nowhere = await drilled();
  expect(nowhere).toMatchObject({
    code: 3,
    value: { damage: [], checked: { bytes: 4 }, problems: [{ code: 'no-target', path: 'databases/crm' }] },
  });
  expect(nowhere.value.problems[0]?.message).toContain('No set in use names the database “crm”');
  expect((await cli.run(['verify', '--level', 'drill'])).text).toContain(
    'What was rehearsed came back as it was',
  );
  use({ name: 'crm', url });

  let kill = (): void => undefined;
  const killed = cli.run(['verify', '--level', 'drill'], {
    started: (process) => (kill = () => process.kill('SIGKILL')),
  });
  while ((await databases()).length === before.length) await wait(5);
  kill();
  await killed;
  expect((await databases()).length).toBeGreaterThan(before.length);

  await stop();
  const without = await drilled();
  expect(without.code).toBe(3);
  expect(without.value).toMatchObject({
    damage: [],
    checked: { bytes: 4 },
    compared: { databases: 0, tables: 0, rows: 0 },
    problems: [{ code: 'database-unreachable', path: 'databases/crm' }],
  });
  expect(without.value.problems[0]?.message).toContain('“crm” was left out');
  expect(await wholeRecoveries()).toBe(1);
  // What the killed drill has left is in the way of nothing while its server is away.
  expect((await cli.run(['backup', '--no-databases'])).code).toBe(0);
  await cli.must(['verify', '--level', 'drill', 'latest']);

  await start();
  expect((await drilled('latest~1')).code).toBe(0);
  expect(await wholeRecoveries()).toBe(3);
  const halfway = drilled('latest~1');
  while ((await databases()).length === before.length) await wait(5);
  await stop();
  expect(await halfway).toMatchObject({
    code: 3,
    value: { damage: [], problems: [{ code: 'database-unreachable' }] },
  });
  await start();
  expect((await drilled()).code).toBe(0);
  expect(await databases()).toEqual(before);
  expect(readdirSync(join(cli.home, 'drills'))).toEqual([]);
}

describe.skipIf(!hasPostgres())('a drill on PostgreSQL', () => {
  it('loads another database, compares every row, and drops it, also after a kill or without its server', async () => {
    await using server = await startPostgres();
    await server.sql('postgres', 'CREATE DATABASE crm');
    await server.sql(
      'crm',
      'CREATE TABLE t (id int PRIMARY KEY, v text); CREATE VIEW w AS SELECT count(*) FROM t',
    );
    await server.sql('crm', `INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, ${ROWS}) i`);
    await mustRehearse({
      url: server.url('crm'),
      databases: async () =>
        (await server.sql('crm', 'SELECT datname FROM pg_database ORDER BY 1')).map(({ datname }) =>
          String(datname),
        ),
      run: async (sql) => server.sql('crm', sql),
      stop: async () => server.crash(),
      start: async () => server.start(),
    });
  });
});

describe.skipIf(!hasMariaDb)('a drill on MariaDB', () => {
  it('loads another database, compares every row, and drops it, also after a kill or without its server', async () => {
    await using server = await startMariaDb();
    await server.run(undefined, 'CREATE DATABASE crm');
    await server.run(
      'crm',
      'CREATE TABLE t (id int PRIMARY KEY, v text)',
      'CREATE VIEW w AS SELECT count(*) FROM t',
    );
    await server.run('crm', `INSERT INTO t SELECT seq, md5(seq) FROM seq_1_to_${ROWS}`);
    await mustRehearse({
      url: server.url('crm'),
      databases: async () => (await server.rows(undefined, 'SHOW DATABASES')).map(([name]) => name ?? ''),
      run: async (sql) => server.run('crm', sql),
      stop: async () => server.kill(),
      start: async () => server.start(),
    });
  });
});
