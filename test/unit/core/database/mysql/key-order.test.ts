import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysql } from '../../../../../src/core/database/mysql/engine.ts';
import { KeyWatch } from '../../../../../src/core/database/mysql/key-watch.ts';
import { readLines } from '../../../../../src/core/database/mysql/read-lines.ts';
import { keepDump } from '../../../../build/kept-dump.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../../../build/mariadb-server.ts';

let server: MariaDbServer;

const address = () => ({ name: 'crm', url: server.url('crm'), workspace: '/' });

/** A value as the text protocol has it. */
function value(bytes: Uint8Array): Buffer {
  const { length } = bytes;
  if (length < 0xfb) return Buffer.concat([Buffer.of(length), bytes]);
  return Buffer.concat([Buffer.of(0xfc, length & 0xff, length >> 8), bytes]);
}

describe('rows of a key', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.uint8Array({ minLength: 250, maxLength: 252, max: 1 }),
  );

  it('are taken as long as they come in the order of their bytes, column by column', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(part, part, part), { minLength: 1, maxLength: 6 }),
        fc.constantFrom([1], [0, 1], [2, 0]),
        (rows, key) => {
          const columns = rows[0]!.map(() => ({ sorts: 'bytes' as const }));
          const watch = new KeyWatch(columns, key);
          const compare = (a: (typeof rows)[number], b: (typeof rows)[number]) =>
            key.map((column) => Buffer.compare(a[column], b[column])).find((order) => order !== 0) ?? 0;
          for (const [at, row] of rows.entries()) {
            const bytes = Buffer.concat([Buffer.from('before'), ...row.map(value)]);
            const isBehind = at === 0 || compare(rows[at - 1]!, row) <= 0;
            expect(watch.takes(bytes, 6)).toBe(isBehind);
          }
        },
      ),
    );
  });

  it('may have numbers in any order of their texts', () => {
    const watch = new KeyWatch([{ sorts: 'number' }, { sorts: 'bytes' }], [0, 1]);
    const takes = (number: string, text: string) =>
      watch.takes(Buffer.concat([value(Buffer.from(number)), value(Buffer.from(text))]), 0);
    expect([takes('-1', 'z'), takes('9', 'b'), takes('10', 'a'), takes('10', 'b')]).toEqual(
      Array(4).fill(true),
    );
    expect(takes('10', 'a')).toBe(false);
  });
});

describe.skipIf(!hasMariaDb)('a table of MariaDB with a key of text', () => {
  beforeAll(async () => {
    server = await startMariaDb();
    await server.run(
      undefined,
      'CREATE DATABASE crm CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci',
      'USE crm',
      'CREATE TABLE uuids (id CHAR(36) PRIMARY KEY, note TEXT)',
      "INSERT INTO uuids SELECT CONCAT(MD5(seq), '-', MD5(-seq) MOD 1000), REPEAT('x', 100) FROM seq_1_to_20000",
      // The index has the underscore behind all letters, and a dump before the small ones.
      'CREATE TABLE late (id VARCHAR(40) PRIMARY KEY, note TEXT)',
      "INSERT INTO late SELECT CONCAT('a', LPAD(seq, 8, '0')), REPEAT('x', 100) FROM seq_1_to_20000",
      "INSERT INTO late VALUES ('seed_will_id', ''), ('seeded', '')",
      "INSERT INTO late SELECT CONCAT('z', LPAD(seq, 8, '0')), REPEAT('x', 100) FROM seq_1_to_60000",
      'CREATE TABLE mixed (team INT, name VARCHAR(40), PRIMARY KEY (team, name))',
      'INSERT INTO mixed SELECT seq MOD 7, CONCAT(CHAR(65 + seq MOD 26 + 32 * (seq MOD 2)), seq) FROM seq_1_to_5000',
      'CREATE TABLE padded (id VARCHAR(10) PRIMARY KEY)',
      "INSERT INTO padded VALUES ('a'), ('a\\t'), ('a\\tb'), ('a!'), ('ö')",
      'CREATE TABLE narrow (id VARCHAR(10) CHARACTER SET latin1 PRIMARY KEY)',
      "INSERT INTO narrow VALUES ('a'), ('é'), ('z')",
      'COMMIT',
    );
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  const sorted = async () =>
    Number((await server.rows(undefined, "SHOW GLOBAL STATUS LIKE 'Sort_rows'"))[0]?.[1]);
  const keys = (lines: Buffer, columns: number) =>
    lines
      .toString('latin1')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t').slice(0, columns));

  it.each(['uuids', 'late', 'padded', 'narrow'])(
    'stands in a backup in the order of its bytes: %s',
    async (name) => {
      const dump = await keepDump(mysql, address());
      const ids = keys(dump.content(`tables/crm.${name}`), 1).map(([id = '']) => id.replace('\\t', '\t'));
      expect(ids).toEqual(ids.toSorted());
      const [[count] = []] = await server.rows('crm', `SELECT COUNT(*) FROM ${name}`);
      expect(new Set(ids).size).toBe(Number(count));
    },
  );

  it('does so where a number comes first', async () => {
    const dump = await keepDump(mysql, address());
    const rows = keys(dump.content('tables/crm.mixed'), 2);
    expect(rows).toHaveLength(5000);
    expect(rows).toEqual(
      rows.toSorted(([a, b = ''], [c, d = '']) => Number(a) - Number(c) || (b < d ? -1 : 1)),
    );
  });

  it('is not sorted by the server where its index has that order', async () => {
    await server.run('crm', 'CREATE DATABASE other', 'CREATE TABLE other.uuids AS SELECT * FROM uuids');
    await server.run('other', 'ALTER TABLE uuids ADD PRIMARY KEY (id)');
    const before = await sorted();
    await keepDump(mysql, { ...address(), url: server.url('other') });
    expect((await sorted()) - before).toBeLessThan(1000);
  });

  it('is read no further before the server has been told to stop, so that nothing else is stopped', async () => {
    const reader = await server.session('crm');
    const killer = await server.session();
    let stops = 0;
    const stop = async () => {
      await killer.wire.query('DO SLEEP(0.1)');
      await killer.wire.query(`KILL QUERY ${String(reader.id)}`);
      stops++;
    };
    const watch = { takes: () => false, stop };
    const write = () => undefined;
    expect(await readLines(reader.wire, [], 'SELECT id FROM padded', write, watch)).toBe(false);
    expect(stops).toBe(1);
    // What was stopped may have ended before.
    await reader.wire.query('DO 0').catch(() => undefined);
    expect(await reader.wire.query('SELECT 1 + 1')).toEqual([['2']]);
    await Promise.all([reader.wire.close(), killer.wire.close()]);
  });

  it('is of the moment of the backup, also where its reading begins anew', async () => {
    const dump = await keepDump(mysql, address(), {
      meanwhile: async () =>
        server.run(
          'crm',
          "INSERT INTO late VALUES ('b', 'later')",
          "DELETE FROM uuids WHERE id < '5'",
          'COMMIT',
        ),
    });
    expect(keys(dump.content('tables/crm.late'), 1)).toHaveLength(80_002);
    expect(keys(dump.content('tables/crm.uuids'), 1)).toHaveLength(20_000);
  });

  it('is found whole after a restore, whatever the order of its index', async () => {
    const dump = await keepDump(mysql, address());
    await using target = await mysql.openTarget(address(), 'crm_copy', {});
    const request = { restoreId: 'k1', tables: undefined, mayEndSessions: false };
    const { ticket } = await target.plan(dump, request, {});
    await target.build(dump, ticket, {});
    await target.switch(ticket);
    await target.clear(ticket);
    const copy = await keepDump(mysql, { ...address(), url: server.url('crm_copy') });
    const sums = ({ tables }: typeof dump) => tables.map(({ name, checksum }) => [name, checksum]);
    expect(sums(copy)).toEqual(sums(dump));
  });
});
