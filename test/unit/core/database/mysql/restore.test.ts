import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RestoreTarget } from '../../../../../src/core/database/engine.ts';
import { DatabaseError } from '../../../../../src/core/database/error.ts';
import { mysql } from '../../../../../src/core/database/mysql/engine.ts';
import { type KeptDump, keepDump } from '../../../../build/kept-dump.ts';
import { hasMariaDb, isMySql, type MariaDbServer, startMariaDb } from '../../../../build/mariadb-server.ts';

let server: MariaDbServer;
let restores = 0;

const PASSWORD = 'pa:ss/w@rd%';
const address = (user?: string) => ({
  name: 'crm',
  url: user === undefined ? server.url('crm') : server.url('crm', user, PASSWORD),
  workspace: '/',
});

const GRANTS = [
  "GRANT ALTER ROUTINE, EXECUTE ON FUNCTION crm.rated TO clerk@'%' WITH GRANT OPTION",
  'GRANT EXECUTE ON FUNCTION crm.rated TO clerks',
  'GRANT EXECUTE ON FUNCTION crm.rated TO PUBLIC',
];

interface Options {
  readonly user?: string;
  readonly tables?: readonly string[];
  readonly mayEndSessions?: boolean;
}

async function planned(dump: KeptDump, { user, tables, mayEndSessions = false }: Options = {}) {
  const target = await mysql.openTarget(address(user), undefined, {});
  const restoreId = `r${String(restores++)}`;
  return { target, plan: await target.plan(dump, { restoreId, tables, mayEndSessions }, {}) };
}

async function restored(dump: KeptDump, options: Options = {}) {
  const { target, plan } = await planned(dump, options);
  await target.build(dump, plan.ticket, {});
  await target.switch(plan.ticket);
  await target.clear(plan.ticket);
  await target[Symbol.asyncDispose]();
  return plan;
}

/** All of the live database, what refers to it from another one, and who may run its routines, as text. */
async function state() {
  const dump = await keepDump(mysql, address());
  const entries = [...dump.objects, ...dump.tables].map(({ path }) => [path, dump.content(path).toString()]);
  const [orders] = await server.rows('shop', 'SHOW CREATE TABLE orders');
  const granted = await server.rows(
    undefined,
    "SELECT User, Routine_type, Routine_name, Proc_priv FROM mysql.procs_priv WHERE Db = 'crm' ORDER BY 1, 2, 3",
  );
  const grants = ['grants', granted.join('\n')];
  return { entries: [...entries, grants, [...(orders ?? [])]], info: dump.info, dump };
}

const databases = async () => (await server.rows(undefined, "SHOW DATABASES LIKE 'crm%'")).flat();

describe.skipIf(!hasMariaDb)('restoring to MariaDB', () => {
  beforeAll(async () => {
    server = await startMariaDb(['--local-infile=1', '--max-allowed-packet=16M']);
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  beforeEach(async () => {
    await server.run(undefined, 'DROP DATABASE IF EXISTS shop');
    for (const [name] of await server.rows(undefined, "SHOW DATABASES LIKE 'crm\\_backup%'"))
      await server.run(undefined, `DROP DATABASE ${name ?? ''}`);
    await server.run(
      undefined,
      'DROP DATABASE IF EXISTS crm',
      'CREATE DATABASE crm CHARACTER SET utf8mb4',
      'CREATE TABLE crm.account (id INT PRIMARY KEY, name VARCHAR(50))',
      `CREATE TABLE crm.contact (id INT AUTO_INCREMENT PRIMARY KEY, account INT,
         CONSTRAINT works_for FOREIGN KEY (account) REFERENCES account (id) ON DELETE CASCADE)`,
      'INSERT INTO crm.account VALUES (1, "one"), (2, "two")',
      'INSERT INTO crm.contact VALUES (1, 1), (2, 2)',
      'CREATE TRIGGER crm.upper_case BEFORE INSERT ON crm.account FOR EACH ROW SET NEW.name = UPPER(NEW.name)',
      'CREATE VIEW crm.names AS SELECT name FROM crm.account',
      'CREATE PROCEDURE crm.count_all() SELECT COUNT(*) FROM account',
      "CREATE OR REPLACE USER clerk@'%'",
      'CREATE FUNCTION crm.rated(x INT) RETURNS INT DETERMINISTIC RETURN x',
      'CREATE OR REPLACE ROLE clerks',
      "GRANT EXECUTE ON PROCEDURE crm.count_all TO clerk@'%'",
      ...GRANTS,
      'CREATE DATABASE shop',
      `CREATE TABLE shop.orders (id INT PRIMARY KEY, account INT, contact INT, KEY (account), KEY (contact),
         CONSTRAINT ordered_by FOREIGN KEY (account) REFERENCES crm.account (id) ON DELETE CASCADE,
         CONSTRAINT handled_by FOREIGN KEY (contact) REFERENCES crm.contact (id))`,
      'INSERT INTO shop.orders VALUES (1, 1, NULL)',
    );
  });

  /** What the administrator has made, other accounts of MySQL may not replace. */
  const mayReplaceAll = async () => {
    if (isMySql) await server.run(undefined, "GRANT SYSTEM_USER ON *.* TO plain@'127.0.0.1'");
  };

  const changes = [
    'SET foreign_key_checks = 0',
    'DELETE FROM crm.account',
    'DROP TRIGGER crm.upper_case',
    'CREATE TRIGGER crm.lower_case BEFORE INSERT ON crm.account FOR EACH ROW SET NEW.name = LOWER(NEW.name)',
    'CREATE OR REPLACE VIEW crm.names AS SELECT id FROM crm.account',
    'CREATE TABLE crm.later (id INT)',
    'DROP FUNCTION crm.rated',
    'CREATE FUNCTION crm.rated(x INT) RETURNS INT DETERMINISTIC RETURN x * 2',
    ...GRANTS,
    'CREATE PROCEDURE crm.newer() SELECT 1',
    "GRANT EXECUTE ON PROCEDURE crm.newer TO clerk@'%'",
    'ALTER DATABASE crm CHARACTER SET latin1',
  ];

  it('puts the old database back after the switch, triggers and views included', async () => {
    const before = await state();
    await server.run(undefined, ...changes);
    const changed = await state();
    const { target, plan } = await planned(before.dump);
    expect(plan.notices.join()).toMatch(/Rights to run “newer” .* the backup does not have them/);
    await target.build(before.dump, plan.ticket, {});
    expect((await state()).entries).toEqual(changed.entries);
    await target.switch(plan.ticket);
    expect(await state()).toMatchObject({ entries: before.entries, info: before.info });
    await target.switchBack(plan.ticket);
    expect(await state()).toMatchObject({ entries: changed.entries, info: changed.info });
    await target.switch(plan.ticket);
    await target.switch(plan.ticket);
    await target.clear(plan.ticket);
    await target.clear(plan.ticket);
    expect(await state()).toMatchObject({ entries: before.entries, info: before.info });
    expect(await databases()).toEqual(['crm']);
    await target[Symbol.asyncDispose]();
  });

  it(
    'finishes or undoes a switch that lost its connection at any statement',
    { timeout: 240_000 },
    async () => {
      const before = await state();
      await server.run(undefined, ...changes);
      const changed = await state();
      for (let statement = 1; ; statement += 4) {
        let ended = false;
        for (const recover of ['switch', 'switchBack'] as const) {
          const { target, plan } = await planned(before.dump);
          await target.build(before.dump, plan.ticket, {});
          ended = await cutAt(statement, (cut) => cut.switch(plan.ticket));
          await using other = await mysql.openTarget(address(), undefined, {});
          await other[recover](plan.ticket);
          const expected = recover === 'switch' ? before : changed;
          expect((await state()).entries, `${recover} after ${String(statement)}`).toEqual(expected.entries);
          if (recover === 'switch') await other.switchBack(plan.ticket);
          await other.clear(plan.ticket);
          expect(await databases()).toEqual(['crm']);
          await target[Symbol.asyncDispose]();
        }
        if (ended) break;
      }
    },
  );

  it('takes a switch back though taking it back lost its connection at any statement before', async () => {
    const before = await state();
    await server.run(undefined, ...changes);
    const changed = await state();
    const { target, plan } = await planned(before.dump);
    await target.build(before.dump, plan.ticket, {});
    for (let statement = 1, ended = false; !ended; statement += 3) {
      await target.switch(plan.ticket);
      ended = await cutAt(statement, (cut) => cut.switchBack(plan.ticket));
      await using other = await mysql.openTarget(address(), undefined, {});
      await other.switchBack(plan.ticket);
      expect((await state()).entries, `after ${String(statement)}`).toEqual(changed.entries);
    }
    await target.clear(plan.ticket);
    await target[Symbol.asyncDispose]();
  });

  it('recovers when the server itself is killed during the switch', { timeout: 120_000 }, async () => {
    const before = await state();
    await server.run(undefined, ...changes);
    for (const delayMs of [5, 40, 90]) {
      const { target, plan } = await planned(before.dump);
      await target.build(before.dump, plan.ticket, {});
      const switching = target.switch(plan.ticket).catch((error: unknown) => error);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await server.kill();
      await switching;
      await server.start();
      await using other = await mysql.openTarget(address(), undefined, {});
      await other.switch(plan.ticket);
      expect((await state()).entries).toEqual(before.entries);
      await other.clear(plan.ticket);
      await target[Symbol.asyncDispose]();
    }
  });

  it('leaves the live database alone when the server dies while it is built', async () => {
    const before = await state();
    const { target, plan } = await planned(before.dump);
    const slow: KeptDump = {
      ...before.dump,
      async *read(path) {
        if (path.startsWith('tables/')) await server.kill();
        yield* before.dump.read(path);
      },
    };
    await expect(target.build(slow, plan.ticket, {})).rejects.toMatchObject({ code: 'connection-lost' });
    await server.start();
    await target.clear(plan.ticket);
    expect((await state()).entries).toEqual(before.entries);
    expect(await databases()).toEqual(['crm']);
    await target[Symbol.asyncDispose]();
  });

  it('refuses what was loaded differently', async () => {
    const { dump } = await state();
    const { target, plan } = await planned(dump);
    const wrong: KeptDump = {
      ...dump,
      tables: dump.tables.map((table) => ({ ...table, checksum: 'crc32:00000000' })),
    };
    await expect(target.build(wrong, plan.ticket, {})).rejects.toMatchObject({ code: 'check-failed' });
    await target.clear(plan.ticket);
    expect(await databases()).toEqual(['crm']);
    await target[Symbol.asyncDispose]();
  });

  it('restores single tables, and foreign keys of others still refer to them', async () => {
    const before = await state();
    await server.run(undefined, 'SET foreign_key_checks = 0', 'DELETE FROM crm.account WHERE id = 1');
    const plan = await restored(before.dump, { tables: ['tables/crm.account'] });
    expect(plan.notices.join()).toContain('works_for');
    expect((await state()).entries).toEqual(before.entries);
    await expect(server.run('crm', 'INSERT INTO contact VALUES (9, 9)')).rejects.toThrow('foreign key');
    await server.run('crm', 'INSERT INTO contact VALUES (9, 1)', 'DELETE FROM account');
    expect(await server.rows('crm', 'SELECT * FROM contact')).toEqual([]);
    await restored(before.dump, { tables: ['tables/crm.contact'] });
    await restored(before.dump, { tables: ['tables/crm.account', 'tables/crm.contact'] });
    expect((await state()).entries).toEqual(before.entries);
  });

  it('is still referred to by foreign keys of other databases', async () => {
    const before = await state();
    const plan = await restored(before.dump);
    expect(plan.notices.join()).toMatch(/“shop\.orders” .*“handled_by”.*“shop\.orders” .*“ordered_by”/);
    await expect(server.run('shop', 'INSERT INTO orders VALUES (2, 9, NULL)')).rejects.toThrow('foreign key');
    await server.run(
      'shop',
      'INSERT INTO orders VALUES (2, 2, NULL)',
      'DELETE FROM crm.account WHERE id = 2',
    );
    expect(await server.rows('shop', 'SELECT id FROM orders')).toEqual([['1']]);
    // They may refer to a database that is gone, too.
    await server.run(undefined, 'SET foreign_key_checks = 0', 'DROP DATABASE crm');
    const { target, plan: again } = await planned(before.dump);
    await target.build(before.dump, again.ticket, {});
    const dangling = await server.rows('shop', 'SHOW CREATE TABLE orders');
    await target.switch(again.ticket);
    expect((await state()).entries).toEqual(before.entries);
    await target.switchBack(again.ticket);
    await target.clear(again.ticket);
    expect(await server.rows('shop', 'SHOW CREATE TABLE orders')).toEqual(dangling);
    expect(await databases()).toEqual([]);
    await target[Symbol.asyncDispose]();
  });

  it('is not replaced by an account that may not alter what refers to it', async () => {
    await server.run(
      undefined,
      `CREATE OR REPLACE USER plain@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`,
      "GRANT ALL ON crm.* TO plain@'127.0.0.1'",
      "GRANT ALL ON `crm\\_backup\\_%`.* TO plain@'127.0.0.1'",
      "GRANT SELECT ON mysql.proc TO plain@'127.0.0.1'",
      "GRANT SELECT ON shop.orders TO plain@'127.0.0.1'",
    );
    const before = await state();
    const refused = planned(before.dump, { user: 'plain' });
    await expect(refused).rejects.toMatchObject({
      code: 'missing-privilege',
      hint: expect.stringContaining('GRANT ALTER, LOCK TABLES ON `shop`.*') as string,
    });
    await server.run(
      undefined,
      "GRANT ALTER ON shop.orders TO plain@'127.0.0.1'",
      "GRANT LOCK TABLES ON shop.* TO plain@'127.0.0.1'",
      "GRANT SELECT ON mysql.procs_priv TO plain@'127.0.0.1'",
    );
    await mayReplaceAll();
    const { dump, entries } = await state();
    const { notices } = await restored(dump, { user: 'plain' });
    expect(notices.join()).toMatch(/Rights to run .*“count_all”.* may not grant them again/);
    const { entries: after } = await state();
    expect(after.at(-1)).toEqual(entries.at(-1));
  });

  it('may have tables, aliases and variables called like itself', async () => {
    await server.run(
      'crm',
      'CREATE TABLE crm (id INT PRIMARY KEY, made DATE)',
      "INSERT INTO crm VALUES (1, '2026-01-01'), (2, '2020-01-01')",
      'CREATE FUNCTION crm(x INT) RETURNS INT DETERMINISTIC RETURN x + 1',
      `CREATE VIEW by_itself AS SELECT crm.id, crm.crm(crm.id) AS more, EXTRACT(YEAR FROM crm.made) AS year, a.name
         FROM crm.crm JOIN crm.account a ON a.id = crm.id WHERE EXISTS (SELECT 1 FROM crm.contact crm WHERE crm.id = a.id)`,
      `CREATE TRIGGER crm.on_itself AFTER INSERT ON crm.crm FOR EACH ROW
         UPDATE crm.account, crm.crm SET account.name = 'new' WHERE crm.id = account.id AND crm.id = NEW.id`,
      `CREATE FUNCTION of_itself() RETURNS INT READS SQL DATA BEGIN
         ${
           isMySql
             ? `DECLARE kept INT;
                SET kept = (SELECT MAX(crm.id) FROM crm.crm);`
             : `DECLARE kept TYPE OF crm.id;
                FOR crm IN (SELECT MAX(crm.id) AS id FROM crm.crm) DO SET kept = crm.id; END FOR;`
         }
         RETURN kept + (SELECT SUM(crm.id) FROM crm.crm);
       END`,
    );
    const before = await state();
    await server.run('crm', 'DROP VIEW by_itself', 'DROP FUNCTION of_itself', 'DELETE FROM crm');
    await restored(before.dump);
    expect((await state()).entries).toEqual(before.entries);
    await using target = await mysql.openTarget(address(), 'crm_other', {});
    const request = { restoreId: 'other', tables: undefined, mayEndSessions: false };
    const { ticket } = await target.plan(before.dump, request, {});
    await target.build(before.dump, ticket, {});
    await target.switch(ticket);
    await target.clear(ticket);
    await server.run(undefined, 'SET foreign_key_checks = 0', 'DROP DATABASE crm');
    await server.run('crm_other', "INSERT INTO crm VALUES (3, '2026-01-01')");
    expect(await server.rows('crm_other', 'SELECT * FROM by_itself ORDER BY id')).toEqual([
      ['1', '2', '2026', 'one'],
      ['2', '3', '2020', 'two'],
    ]);
    expect(await server.rows('crm_other', 'SELECT of_itself()')).toEqual([['9']]);
    await server.run(undefined, 'DROP DATABASE crm_other');
  });

  it('may come from a backup that does not say in which order triggers fire', async () => {
    const before = await state();
    const older: KeptDump = {
      ...before.dump,
      async *read(path) {
        const text = before.dump.content(path).toString();
        yield await Promise.resolve(Buffer.from(text.replace('"order":1,', '')));
      },
    };
    await server.run('crm', 'DROP TRIGGER upper_case');
    await restored(older);
    expect((await state()).entries).toEqual(before.entries);
  });

  it('says which table is not in the backup', async () => {
    const { dump } = await state();
    await expect(planned(dump, { tables: ['tables/crm.nothing'] })).rejects.toMatchObject({
      code: 'not-in-backup',
    });
  });

  it('gives objects of lost definers to whoever restores, without SUPER', async () => {
    await server.run(
      'crm',
      'CREATE DEFINER = gone@nowhere VIEW lost AS SELECT 1 AS one',
      'CREATE DEFINER = gone@nowhere TRIGGER lost BEFORE INSERT ON contact FOR EACH ROW SET NEW.id = NEW.id',
      'CREATE DEFINER = gone@nowhere FUNCTION lost() RETURNS INT DETERMINISTIC RETURN 1',
      `CREATE OR REPLACE USER plain@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`,
      "GRANT ALL ON crm.* TO plain@'127.0.0.1'",
    );
    const { dump } = await state();
    const unreadable = planned(dump, { user: 'plain' });
    await expect(unreadable).rejects.toMatchObject({ hint: expect.stringContaining('mysql.proc') as string });
    await server.run(undefined, 'GRANT SELECT ON mysql.proc TO plain@`127.0.0.1`');
    const refused = planned(dump, { user: 'plain' });
    await expect(refused).rejects.toMatchObject({
      code: 'missing-privilege',
      hint: expect.stringContaining('GRANT ALL ON `crm\\_backup\\_%`.*') as string,
    });
    await server.run(undefined, "GRANT ALL ON `crm\\_backup\\_%`.* TO plain@'127.0.0.1'");
    if (isMySql) {
      const before = await state();
      await expect(restored(dump, { user: 'plain' })).rejects.toMatchObject({
        code: 'missing-privilege',
        hint: expect.stringContaining('SYSTEM_USER') as string,
      });
      expect(await state()).toMatchObject({ entries: before.entries, info: before.info });
    }
    await mayReplaceAll();
    const { notices } = await restored(dump, { user: 'plain' });
    expect(notices.join()).toContain('gone@nowhere');
    expect(notices.join()).toMatch(/Rights to run .*“count_all”.* mysql\.procs_priv/);
    const shown = await server.rows('crm', 'SHOW CREATE VIEW lost');
    expect(shown[0]?.[1]).toContain('DEFINER=`plain`@`127.0.0.1`');
    expect(await server.rows('crm', 'SELECT lost()')).toEqual([['1']]);
  });

  it('puts back objects of accounts that may not be named, without SUPER', async () => {
    const { dump } = await state();
    await server.run(
      'crm',
      'CREATE DEFINER = gone@nowhere VIEW theirs AS SELECT 1 AS one',
      'CREATE DEFINER = gone@nowhere TRIGGER theirs BEFORE INSERT ON contact FOR EACH ROW SET NEW.id = NEW.id + 1000',
      `CREATE OR REPLACE USER plain@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`,
      "GRANT ALL ON crm.* TO plain@'127.0.0.1'",
      "GRANT ALL ON `crm\\_backup\\_%`.* TO plain@'127.0.0.1'",
      "GRANT SELECT ON mysql.proc TO plain@'127.0.0.1'",
      "GRANT SELECT ON shop.orders TO plain@'127.0.0.1'",
      "GRANT ALTER ON shop.orders TO plain@'127.0.0.1'",
      "GRANT LOCK TABLES ON shop.* TO plain@'127.0.0.1'",
    );
    await mayReplaceAll();
    const { target, plan } = await planned(dump, { user: 'plain' });
    expect(plan.notices.join()).not.toContain('gone@nowhere');
    await target.build(dump, plan.ticket, {});
    await target.switch(plan.ticket);
    await target.switchBack(plan.ticket);
    await target.clear(plan.ticket);
    await target[Symbol.asyncDispose]();
    expect(await server.rows('crm', 'SELECT one FROM theirs')).toEqual([['1']]);
    await server.run('crm', 'INSERT INTO contact (id) VALUES (5)');
    expect(await server.rows('crm', 'SELECT id FROM contact WHERE id > 1000')).toEqual([['1005']]);
  });

  it('refuses collations the server lacks before it touches anything, or maps them with consent', async () => {
    const { dump } = await state();
    const path = 'schema/tables/account.sql';
    const others = ['utf8mb4_0900_ai_ci', 'utf8mb4_uca1400_ai_ci'] as const;
    const [lacking, nearest] = isMySql ? [others[1], others[0]] : others;
    const foreign: KeptDump = {
      ...dump,
      info: { ...dump.info, collation: lacking },
      async *read(read) {
        const text = dump.content(read).toString();
        yield await Promise.resolve(
          Buffer.from(read === path ? text.replaceAll(/utf8mb4_\w+_ci/g, lacking) : text),
        );
      },
    };
    await expect(planned(foreign)).rejects.toMatchObject({ code: 'cannot-hold' });
    expect(await databases()).toEqual(['crm']);
    const willing = { ...address(), url: `${address().url}?collations=nearest` };
    await using target = await mysql.openTarget(willing, undefined, {});
    const plan = await target.plan(
      foreign,
      { restoreId: 'map', tables: undefined, mayEndSessions: false },
      {},
    );
    expect(plan.notices.join()).toContain(nearest);
    await target.build(foreign, plan.ticket, {});
    await target.switch(plan.ticket);
    await target.clear(plan.ticket);
    const rows = await server.rows('crm', 'SELECT COUNT(*) FROM account');
    expect(rows).toEqual([['2']]);
  });

  it('tells of sessions that hold tables, and ends them with consent only', { timeout: 60_000 }, async () => {
    const { dump } = await state();
    const other = await server.session('crm');
    await other.wire.query('BEGIN');
    await other.wire.query('SELECT * FROM account');
    const { target, plan } = await planned(dump);
    await target.build(dump, plan.ticket, {});
    await expect(target.switch(plan.ticket)).rejects.toMatchObject({ code: 'in-use' });
    await target.clear(plan.ticket);
    expect((await state()).entries).toHaveLength(10);
    await restored(dump, { mayEndSessions: true });
    await expect(other.wire.query('SELECT 1')).rejects.toThrow();
    await target[Symbol.asyncDispose]();
  });

  it('takes rows larger than a packet, or says that it cannot', { timeout: 120_000 }, async () => {
    await server.run(
      'crm',
      'CREATE TABLE big (id INT PRIMARY KEY, a LONGTEXT, b LONGBLOB)',
      "INSERT INTO big VALUES (1, REPEAT('0123456789', 1000000), NULL)",
      "UPDATE big SET b = REPEAT('abcdefghij', 1000000)",
    );
    const { dump } = await state();
    const sums = await server.rows('crm', 'CHECKSUM TABLE big');
    await restored(dump, { tables: ['tables/crm.big'] });
    expect(await server.rows('crm', 'CHECKSUM TABLE big')).toEqual(sums);
    await server.run(undefined, 'SET GLOBAL local_infile = 0');
    const refused = restored(dump, { tables: ['tables/crm.big'] });
    await expect(refused).rejects.toMatchObject({ code: 'cannot-hold' });
    await server.run(undefined, 'SET GLOBAL local_infile = 1');
    expect(await server.rows('crm', 'CHECKSUM TABLE big')).toEqual(sums);
  });
});

/** Runs what loses its connection at its n-th statement; returns whether it ended before that. */
async function cutAt(statement: number, run: (target: RestoreTarget) => Promise<void>): Promise<boolean> {
  const { Wire } = await import('../../../../../src/core/database/mysql/wire.ts');
  const query = Object.getOwnPropertyDescriptor(Wire.prototype, 'query')
    ?.value as typeof Wire.prototype.query;
  let count = -1;
  let cut = false;
  const target = await mysql.openTarget(address(), undefined, {});
  count = 0;
  Wire.prototype.query = async function (text) {
    if (++count === statement) {
      cut = true;
      this.destroy();
    }
    return query.call(this, text);
  };
  try {
    await run(target);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
  } finally {
    Wire.prototype.query = query;
    await target[Symbol.asyncDispose]();
  }
  return !cut;
}
