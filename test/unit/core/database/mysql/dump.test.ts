import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mysql } from '../../../../../src/core/database/mysql/engine.ts';
import { keepDump } from '../../../../build/kept-dump.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../../../build/mariadb-server.ts';

let server: MariaDbServer;

const PASSWORD = 'pa:ss/w@rd%';
const address = (user?: string, password = PASSWORD, database = 'crm') => ({
  name: 'crm',
  url: user === undefined ? server.url(database) : server.url(database, user, password),
  workspace: '/',
});

/** What a user gets to see of a failure, whole. */
async function failureOf(work: Promise<unknown>): Promise<string> {
  return inspect(
    await work.then(
      () => undefined,
      (error: unknown) => error,
    ),
    { depth: 9 },
  );
}

async function account(name: string, grants: string) {
  await server.run(
    undefined,
    `CREATE OR REPLACE USER ${name}@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`,
    ...(grants === '' ? [] : [`GRANT ${grants} ON crm.* TO ${name}@'127.0.0.1'`]),
  );
}

describe.skipIf(!hasMariaDb)('dumping MariaDB', () => {
  beforeAll(async () => {
    server = await startMariaDb(['--local-infile=1']);
  });
  afterAll(async () => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server.run(
      undefined,
      'DROP DATABASE IF EXISTS crm',
      'CREATE DATABASE crm',
      'CREATE TABLE crm.left_side (id INT PRIMARY KEY, amount INT)',
      'CREATE TABLE crm.right_side (id INT PRIMARY KEY, amount INT)',
      'INSERT INTO crm.left_side SELECT seq, 100 FROM crm.seq_1_to_2000',
      'INSERT INTO crm.right_side SELECT seq, 100 FROM crm.seq_1_to_2000',
    );
  });

  const total = (content: Buffer) =>
    content
      .toString()
      .trimEnd()
      .split('\n')
      .reduce((sum, line) => sum + Number(line.split('\t')[1]), 0);

  it.each([
    ['several sessions', undefined],
    ['one session, without RELOAD', 'SELECT, SHOW VIEW, TRIGGER, EVENT'],
  ])('is of one moment while others write: %s', async (_, grants) => {
    if (grants !== undefined) await account('reader', grants);
    const writer = await server.session('crm');
    const stop = new AbortController();
    const writes = (async () => {
      for (let id = 1; !stop.signal.aborted; id = (id % 2000) + 1) {
        await writer.wire.query('BEGIN');
        await writer.wire.query(`UPDATE left_side SET amount = amount - 1 WHERE id = ${String(id)}`);
        await writer.wire.query(`UPDATE right_side SET amount = amount + 1 WHERE id = ${String(id)}`);
        await writer.wire.query('COMMIT');
      }
    })();
    for (let round = 0; round < 3; round++) {
      const dump = await keepDump(mysql, address(grants === undefined ? undefined : 'reader'));
      const sides = ['left_side', 'right_side'].map((name) => total(dump.content(`tables/crm.${name}`)));
      expect((sides[0] ?? 0) + (sides[1] ?? 0)).toBe(400_000);
    }
    stop.abort();
    await writes;
    await writer.wire.close();
  });

  it.each([
    [
      'a column added at once',
      'ALTER TABLE right_side ADD COLUMN note VARCHAR(10) DEFAULT "x", ALGORITHM=INSTANT',
    ],
    ['a table emptied', 'TRUNCATE TABLE right_side'],
    ['a table rebuilt', 'ALTER TABLE right_side ADD COLUMN note TEXT FIRST, ALGORITHM=COPY'],
    ['a table dropped', 'DROP TABLE right_side'],
    ['a table made', 'CREATE TABLE third (id INT)'],
    ['a view made', 'CREATE VIEW third AS SELECT 1'],
    ['a trigger made', 'CREATE TRIGGER t BEFORE INSERT ON left_side FOR EACH ROW SET NEW.amount = 0'],
  ])('notices DDL while it reads: %s', async (_, statement) => {
    const dump = keepDump(mysql, address(), { meanwhile: async () => server.run('crm', statement) });
    await expect(dump).rejects.toMatchObject({ code: 'changed-while-reading' });
  });

  it('says so in one sentence when the server dies', async () => {
    const dump = keepDump(mysql, address(), { meanwhile: async () => server.kill() });
    await expect(dump).rejects.toMatchObject({ code: 'connection-lost' });
    await expect(mysql.connect(address(), {})).rejects.toMatchObject({ code: 'unreachable' });
    await server.start();
  });

  it('stops when cancelled', async () => {
    const abort = new AbortController();
    const task = { signal: abort.signal };
    const dump = keepDump(mysql, address(), {
      task,
      meanwhile: async () => {
        abort.abort();
        return Promise.resolve();
      },
    });
    await expect(dump).rejects.toMatchObject({ name: 'CancelledError' });
  });

  it('never tells the password', async () => {
    await account('reader', 'SELECT');
    const wrong = 'wr:ng p@ss';
    for (const failure of [
      await failureOf(mysql.connect(address('reader', wrong), {})),
      await failureOf(mysql.connect(address('nobody', wrong), {})),
      await failureOf(
        mysql.connect(
          { ...address(), url: server.url('crm', 'x', wrong).replace(/@.*/, '@127.0.0.1:1/crm') },
          {},
        ),
      ),
    ]) {
      expect(failure).not.toContain(wrong);
      expect(failure).not.toContain(encodeURIComponent(wrong));
    }
    await expect(mysql.connect(address('reader', wrong), {})).rejects.toMatchObject({
      code: 'login-refused',
    });
    await expect(mysql.connect(address(undefined, '', 'no such'), {})).rejects.toMatchObject({
      code: 'no-database',
    });
    await expect(mysql.connect(address('reader', PASSWORD, 'mysql'), {})).rejects.toMatchObject({
      code: 'missing-privilege',
    });
    await expect(mysql.connect({ ...address(), url: 'mysql://nohost' }, {})).rejects.toMatchObject({
      code: 'invalid-address',
    });
  });

  it('tells what an account lacks, and what to grant', async () => {
    await server.run('crm', 'CREATE TABLE isam (id INT) ENGINE=MyISAM');
    await account('reader', 'SELECT');
    await using poor = await mysql.connect(address('reader'), {});
    const { checks, product } = await poor.describe({});
    expect(product).toMatch(/^(?:MariaDB|MySQL) \d+\.\d+\.\d+$/);
    const status = Object.fromEntries(checks.map((check) => [check.name, check.status]));
    expect(status).toMatchObject({
      version: 'ok',
      read: 'warning',
      routines: 'warning',
      'parallel reading': 'warning',
      consistency: 'warning',
      restore: 'warning',
    });
    for (const { hint, status: found } of checks) expect(hint === '').toBe(found === 'ok');
    await using rich = await mysql.connect(address(), {});
    const rest = (await rich.describe({})).checks.filter((check) => check.status !== 'ok');
    expect(rest.map(({ name }) => name)).toEqual(['consistency']);
  });

  it('says that routines may be missing which it may not even see, and that all can be read by who may', async () => {
    await account('unaware', 'SELECT, SHOW VIEW, TRIGGER, EVENT');
    const { problems } = await keepDump(mysql, address('unaware'));
    expect(problems).toMatchObject([{ code: 'database-incomplete', path: '', incomplete: true }]);
    expect(problems[0]!.message).toContain('Procedures and functions of “crm” may be missing unseen.');
    await account('owner', 'ALL PRIVILEGES');
    await server.run('crm', 'CREATE PROCEDURE anothers() SELECT 1');
    const routines = async () => {
      await using connection = await mysql.connect(address('owner'), {});
      return (await connection.describe({})).checks.find(({ name }) => name === 'routines')!.status;
    };
    // Whether all privileges read the routines of others depends on the version.
    const isRead = (await keepDump(mysql, address('owner'))).problems.length === 0;
    expect(await routines()).toBe(isRead ? 'ok' : 'warning');
    await server.run(undefined, "GRANT SELECT ON mysql.proc TO owner@'127.0.0.1'");
    expect((await keepDump(mysql, address('owner'))).problems).toEqual([]);
    expect(await routines()).toBe('ok');
    await server.run('crm', 'DROP PROCEDURE anothers');
  });

  it('goes on without what it may not read, and says so', async () => {
    await account('reader', 'SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE');
    await server.run('crm', 'CREATE PROCEDURE hidden() SELECT 1', 'CREATE TABLE isam (id INT) ENGINE=MyISAM');
    const { problems } = await keepDump(mysql, address('reader'));
    expect(problems.map(({ code, path }) => [code, path])).toEqual([
      ['database-incomplete', 'schema/procedures/hidden.sql'],
      ['database-inconsistent', 'tables/crm.isam'],
    ]);
  });
});
