import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DumpSource, RestoreTarget } from '../../../../../src/core/database/engine.ts';
import { postgresql } from '../../../../../src/core/database/postgres/engine.ts';
import { CancelledError } from '../../../../../src/core/errors.ts';
import { dumpToMemory, memorySink } from '../../../../build/memory-dump.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../../../build/postgres-server.ts';
import { expectBothComeBack } from '../../../../build/two-databases.ts';

const BIG = 20_000;

describe.skipIf(!hasPostgres())('PostgreSQL in adversity', { timeout: 180_000 }, () => {
  let server: PostgresServer;
  let restores = 0;
  beforeAll(async () => {
    server = await startPostgres();
    await server.sql('postgres', "CREATE ROLE reader LOGIN PASSWORD 'read-only'");
    await server.sql('postgres', 'CREATE DATABASE crm');
    await server.sql(
      'crm',
      `CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, filler text);
       INSERT INTO account SELECT g, 100, repeat(md5(g::text), 20) FROM generate_series(1, ${BIG}) g;
       CREATE TABLE transfer (id serial PRIMARY KEY, amount int);
       INSERT INTO transfer (amount) SELECT g FROM generate_series(1, 1000) g`,
    );
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  const addressOf = (database: string, user?: string, password?: string) => ({
    name: 'crm',
    url: server.url(database, user, password),
    workspace: '/',
  });
  const dump = async (between?: () => Promise<void>) => dumpToMemory(postgresql, addressOf('crm'), between);
  const request = (mayEndSessions = false) => ({
    restoreId: `s${restores++}`,
    tables: undefined,
    mayEndSessions,
  });
  const fingerprint = async () =>
    server.sql(
      'crm',
      'SELECT count(*)::text AS n, sum(balance)::text AS sum, min(filler) AS filler FROM account',
    );
  const beside = async () =>
    (await server.sql('postgres', 'SELECT datname FROM pg_database'))
      .map(({ datname }) => String(datname))
      .filter((name) => /_(new|old)_/.test(name));

  /** Builds beside the live database; nothing is switched. */
  async function built(source: DumpSource, mayEndSessions = false) {
    const target = await postgresql.openTarget(addressOf('crm'), undefined, {});
    const { ticket, notices } = await target.plan(source, request(mayEndSessions), {});
    await target.build(source, ticket, {});
    return { target, ticket, notices };
  }
  const again = async (): Promise<RestoreTarget> => postgresql.openTarget(addressOf('crm'), undefined, {});

  it('comes back together with another of the same server and a long name like it', async () => {
    const names = ['eu', 'us'].map((end) => `acme_customer_relationship_management_production_${end}`) as [
      string,
      string,
    ];
    for (const name of names) {
      await server.sql('postgres', `CREATE DATABASE ${name}`);
      await server.sql(
        name,
        `CREATE TABLE t_${name.slice(-2)} (id int); INSERT INTO t_${name.slice(-2)} VALUES (1)`,
      );
    }
    await expectBothComeBack({
      names,
      url: (name) => server.url(name),
      change: async () => {
        for (const name of names) await server.sql(name, `UPDATE t_${name.slice(-2)} SET id = 2`);
      },
      content: async (name) =>
        JSON.stringify(
          await server.sql(
            name,
            `SELECT tablename, query_to_xml('SELECT * FROM ' || tablename, true, true, '')::text AS rows
             FROM pg_tables WHERE schemaname = 'public'`,
          ),
        ),
    });
  });

  it('reads one moment while others write', async () => {
    const writer = await server.session('crm');
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted) {
        await writer.query(`BEGIN; UPDATE account SET balance = balance - 1 WHERE id = ${2 + Math.floor(Math.random() * (BIG - 1))};
          UPDATE account SET balance = balance + 1 WHERE id = 1; INSERT INTO transfer (amount) VALUES (1); COMMIT`);
      }
    })();
    const source = await dump(async () => wait(200));
    stop.abort();
    await writing;
    await writer.end();
    const lines = source.text('tables/public.account').trimEnd().split('\n');
    const sum = lines.reduce((all, line) => all + Number(line.split('\t')[1]), 0);
    expect(lines).toHaveLength(BIG);
    // Every transaction takes from one account what it gives to another.
    expect(sum).toBe(100 * BIG);
    // A sequence is never behind its rows.
    const ids = source
      .text('tables/public.transfer')
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split('\t')[0]));
    const [sequence] = (source.info.details['sequences'] as { lastValue: string }[]).filter(Boolean);
    expect(Number(sequence!.lastValue)).toBeGreaterThanOrEqual(Math.max(...ids));
    await server.sql('crm', `UPDATE account SET balance = 100`);
  });

  it('keeps TRUNCATE and changes of type waiting while it reads', async () => {
    const other = await server.session('crm');
    const changes: Promise<unknown>[] = [];
    const source = await dump(async () => {
      changes.push(other.query('TRUNCATE account; ALTER TABLE transfer ALTER amount TYPE text'));
      await wait(300);
    });
    await Promise.all(changes);
    await other.end();
    expect(source.tables.map(({ name, rows }) => [name, rows > 999])).toEqual([
      ['account', true],
      ['transfer', true],
    ]);
    expect(source.text('schema/pre-data.sql')).toContain('amount integer');
    // And what they did is undone by a restore.
    const { target, ticket } = await built(source);
    await target.switch(ticket);
    await target.clear(ticket);
    await target[Symbol.asyncDispose]();
    expect(await fingerprint()).toMatchObject([{ n: String(BIG) }]);
  });

  it('says that tables are altered when a lock does not come', async () => {
    const other = await server.session('crm');
    await other.query('BEGIN; LOCK TABLE transfer IN ACCESS EXCLUSIVE MODE');
    await expect(dump()).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining('locked') as string,
    });
    await other.query('ROLLBACK');
    await other.end();
  });

  it('ends with one sentence when the server dies while it is read', async () => {
    await using connection = await postgresql.connect(addressOf('crm'), {});
    await using snapshot = await connection.snapshot({});
    let crashed: Promise<void> | undefined;
    const { sink } = memorySink('crm', () => (crashed ??= server.crash()));
    await expect(snapshot.dump(sink, {})).rejects.toMatchObject({ code: 'connection-lost' });
    await server.start();
  });

  it('leaves the old database when the server dies while one is built, and what was built can be cleared', async () => {
    const source = await dump();
    const before = await fingerprint();
    const target = await again();
    const { ticket } = await target.plan(source, request(), {});
    let crashed = false;
    const dying: DumpSource = {
      ...source,
      async *read(path) {
        for await (const block of source.read(path)) {
          if (path.endsWith('account') && !crashed) {
            crashed = true;
            await server.crash();
          }
          yield block;
        }
      },
    };
    await expect(target.build(dying, ticket, {})).rejects.toMatchObject({ code: 'connection-lost' });
    await target[Symbol.asyncDispose]();
    await server.start();
    expect(await fingerprint()).toEqual(before);
    await using later = await again();
    await later.switchBack(ticket);
    await later.clear(ticket);
    await later.clear(ticket);
    expect(await beside()).toEqual([]);
    expect(await fingerprint()).toEqual(before);
  });

  it('switches, switches back and clears in any process, as often as it is asked', async () => {
    const source = await dump();
    await server.sql('crm', 'UPDATE account SET balance = 7');
    const changed = await fingerprint();
    const { target, ticket } = await built(source);
    await target[Symbol.asyncDispose]();
    for (let round = 0; round < 2; round++) {
      await using one = await again();
      await one.switch(ticket);
      await one.switch(ticket);
      expect(await fingerprint()).toMatchObject([{ sum: String(100 * BIG) }]);
      await using other = await again();
      await other.switchBack(ticket);
      await other.switchBack(ticket);
      expect(await fingerprint()).toEqual(changed);
    }
    await using last = await again();
    await last.switch(ticket);
    await last.clear(ticket);
    await last.clear(ticket);
    await last.switch(ticket).catch(() => undefined);
    expect(await beside()).toEqual([]);
    expect(await fingerprint()).toMatchObject([{ sum: String(100 * BIG) }]);
  });

  it('tells of other sessions, and ends them only with consent', async () => {
    const source = await dump();
    const other = await server.session('crm');
    await using target = await again();
    await expect(target.plan(source, request(), {})).rejects.toMatchObject({
      code: 'in-use',
      message: expect.stringContaining('A test') as string,
    });
    expect((await other.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    // One that comes after the plan is not ended either.
    await other.end();
    const quiet = await built(source);
    const late = await server.session('crm');
    await expect(quiet.target.switch(quiet.ticket)).rejects.toMatchObject({ code: 'in-use' });
    expect((await late.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await quiet.target.clear(quiet.ticket);
    await quiet.target[Symbol.asyncDispose]();
    // With consent even a program that comes back at once is kept out.
    const stop = new AbortController();
    const pool = (async () => {
      while (!stop.signal.aborted) {
        const session = await server.session('crm').catch(() => undefined);
        await session?.query('SELECT pg_sleep(0.05)').catch(() => undefined);
        await session?.end().catch(() => undefined);
      }
    })();
    const { target: agreed, ticket, notices } = await built(source, true);
    expect(notices.join()).toMatch(/will be ended/);
    await agreed.switch(ticket);
    await agreed.clear(ticket);
    await agreed[Symbol.asyncDispose]();
    await expect(late.query('SELECT 1')).rejects.toThrow();
    stop.abort();
    await pool;
    expect(await fingerprint()).toMatchObject([{ n: String(BIG) }]);
  });

  it('refuses what was changed on the way into the database', async () => {
    const source = await dump();
    const before = await fingerprint();
    const forged: DumpSource = {
      ...source,
      async *read(path) {
        for await (const block of source.read(path)) {
          yield path.endsWith('account')
            ? Buffer.from(block.toString('latin1').replace('\t100\t', '\t101\t'))
            : block;
        }
      },
    };
    await using target = await again();
    const { ticket } = await target.plan(source, request(), {});
    await expect(target.build(forged, ticket, {})).rejects.toMatchObject({ code: 'check-failed' });
    await target.clear(ticket);
    expect(await fingerprint()).toEqual(before);
    expect(await beside()).toEqual([]);
  });

  it('stops when it is told to, and leaves nothing', async () => {
    const stopping = new AbortController();
    const source = await dump();
    await using connection = await postgresql.connect(addressOf('crm'), {});
    await using snapshot = await connection.snapshot({});
    const { sink } = memorySink('crm', async () => {
      stopping.abort();
      await wait(10);
    });
    await expect(snapshot.dump(sink, { signal: stopping.signal })).rejects.toBeInstanceOf(CancelledError);
    const halting = new AbortController();
    await using target = await again();
    const { ticket } = await target.plan(source, request(true), {});
    const task = { signal: halting.signal, progress: () => halting.abort() };
    await expect(target.build(source, ticket, task)).rejects.toBeInstanceOf(CancelledError);
    await target.clear(ticket);
    expect(await beside()).toEqual([]);
  });

  it('finds out before what the server cannot hold', async () => {
    const source = await dump();
    await using target = await again();
    const tried = async (details: object) =>
      target.plan(
        { ...source, info: { ...source.info, details: { ...source.info.details, ...details } } },
        request(),
        {},
      );
    await expect(tried({ version: 990001 })).rejects.toMatchObject({ code: 'cannot-hold' });
    await expect(tried({ collate: 'xx_XX.UTF-8' })).rejects.toMatchObject({ code: 'cannot-hold' });
    await expect(tried({ policyRoles: ['ghost'] })).rejects.toMatchObject({ code: 'cannot-hold' });
    await expect(
      tried({ extensions: [{ name: 'ghost', version: '1', schema: 'public' }] }),
    ).rejects.toMatchObject({
      code: 'cannot-hold',
      message: expect.stringContaining('ghost') as string,
    });
    const { notices } = await tried({ roles: ['gone'] });
    expect(notices.join()).toContain('gone');
  });

  it('gives what a missing role owned to whoever restores, and leaves its grants out', async () => {
    await server.sql(
      'crm',
      'CREATE ROLE leaving; ALTER TABLE transfer OWNER TO leaving; GRANT SELECT ON account TO leaving',
    );
    const source = await dump();
    await server.sql(
      'crm',
      'REASSIGN OWNED BY leaving TO CURRENT_USER; DROP OWNED BY leaving; DROP ROLE leaving',
    );
    const { target, ticket } = await built(source);
    await target.switch(ticket);
    await target.clear(ticket);
    await target[Symbol.asyncDispose]();
    expect(await server.sql('crm', "SELECT tableowner FROM pg_tables WHERE tablename = 'transfer'")).toEqual([
      { tableowner: 'root user' },
    ]);
  });

  it.each([
    ['a wrong password', () => server.url('crm', 'root user', 'not this one'), 'login-refused'],
    ['no such database', () => server.url('nowhere'), 'no-database'],
    ['no server', () => server.url('crm').replace(/:\d+\//, ':1/'), 'unreachable'],
    ['no user', () => 'postgresql://127.0.0.1/crm', 'invalid-address'],
  ])('tells in one sentence, without the password: %s', async (_what, url, code) => {
    const failure: unknown = await postgresql
      .connect({ name: 'crm', url: url(), workspace: '/' }, {})
      .catch((e: unknown) => e);
    expect(failure).toMatchObject({ code });
    const told = JSON.stringify([
      failure,
      String(failure),
      (failure as Error).cause,
      (failure as { hint: string }).hint,
    ]);
    for (const secret of [server.password, encodeURIComponent(server.password), 'not this one']) {
      expect(told).not.toContain(secret);
    }
  });

  it('names the table that may not be read, and never leaves out rows that policies hide', async () => {
    const reader = addressOf('crm', 'reader', 'read-only');
    await expect(dumpToMemory(postgresql, reader)).rejects.toMatchObject({
      code: 'missing-privilege',
      message: expect.stringContaining('account') as string,
    });
    {
      await using connection = await postgresql.connect(reader, {});
      const { checks } = await connection.describe({});
      expect(checks.find(({ name }) => name === 'privilege to read')).toMatchObject({ status: 'failed' });
    }
    await server.sql(
      'crm',
      `GRANT pg_read_all_data TO reader; ALTER TABLE transfer ENABLE ROW LEVEL SECURITY;
      CREATE POLICY few ON transfer TO reader USING (id = 1)`,
    );
    await expect(dumpToMemory(postgresql, reader)).rejects.toMatchObject({
      code: 'missing-privilege',
      message: expect.stringContaining('polic') as string,
      hint: expect.stringContaining('BYPASSRLS') as string,
    });
    await server.sql('crm', 'ALTER ROLE reader BYPASSRLS');
    const source = await dumpToMemory(postgresql, reader);
    expect(source.tables.find(({ name }) => name === 'transfer')?.rows).toBeGreaterThan(999);
    await using connection = await postgresql.connect(reader, {});
    const { product, checks } = await connection.describe({});
    expect(product).toMatch(/^PostgreSQL \d/);
    expect(checks.filter(({ status }) => status === 'failed')).toEqual([]);
    await server.sql('crm', 'DROP POLICY few ON transfer; ALTER TABLE transfer DISABLE ROW LEVEL SECURITY');
  });

  it.skipIf(process.platform !== 'linux')(
    'shows its password in no argument list, nor to other users',
    async () => {
      const seen: string[] = [];
      const stop = new AbortController();
      const watching = (async () => {
        while (!stop.signal.aborted) {
          for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
            try {
              seen.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
            } catch {
              // It has ended.
            }
          }
          await wait(2);
        }
      })();
      const source = await dump(async () => wait(50));
      stop.abort();
      await watching;
      expect(seen.some((line) => line.includes('pg_dump'))).toBe(true);
      for (const secret of [server.password, encodeURIComponent(server.password)]) {
        expect(seen.filter((line) => line.includes(secret))).toEqual([]);
        expect(JSON.stringify(source.info)).not.toContain(secret);
      }
    },
  );
});
