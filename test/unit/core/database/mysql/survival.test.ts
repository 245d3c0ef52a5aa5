import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp } from '../../../../../src/core/backup.ts';
import { mysql } from '../../../../../src/core/database/mysql/engine.ts';
import { restore as restoreAll } from '../../../../../src/core/restore/restore.ts';
import { type KeptDump, keepDump } from '../../../../build/kept-dump.ts';
import { hasMariaDb, isMySql, type MariaDbServer, startMariaDb } from '../../../../build/mariadb-server.ts';
import { mayMountDisks, smallDisk } from '../../../../build/small-disk.ts';
import { chunksApart, damageFrameOf } from '../../../../build/damage.ts';
import { noiseOf } from '../../../../build/random-tree.ts';
import { temporaryFolder } from '../../../../build/tree.ts';
import { expectBothComeBack } from '../../../../build/two-databases.ts';
import { buildVault } from '../../../../build/vault.ts';

/** A server set so that an ordinary session would lose, change or refuse something. */
const HOSTILE = [
  '--local-infile=1',
  '--max-allowed-packet=16M',
  `--sql-mode=TRADITIONAL,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,${isMySql ? '' : 'EMPTY_STRING_IS_NULL,'}REAL_AS_FLOAT,IGNORE_SPACE`,
  '--transaction-isolation=READ-COMMITTED',
  '--character-set-server=latin1',
  '--default-storage-engine=MyISAM',
  '--default-time-zone=+05:30',
  '--explicit-defaults-for-timestamp=0',
  '--autocommit=0',
  '--loose-max-statement-time=2',
  '--group-concat-max-len=4',
  '--loose-sql-safe-updates=1',
  '--net-write-timeout=2',
  '--net-read-timeout=2',
  '--loose-idle-write-transaction-timeout=1',
  '--loose-idle-readonly-transaction-timeout=1',
  '--loose-idle-transaction-timeout=1',
  '--div-precision-increment=0',
  '--loose-max-session-mem-used=1073741824',
];

let server: MariaDbServer;
let restores = 0;

const address = (database: string, user?: string, password?: string) => ({
  name: 'crm',
  url: server.url(database, user, password),
  workspace: '/',
});

async function restore(dump: KeptDump, database: string): Promise<readonly string[]> {
  await using target = await mysql.openTarget(address('crm'), database, {});
  const restoreId = `s${String(restores++)}`;
  const { ticket, notices } = await target.plan(
    dump,
    { restoreId, tables: undefined, mayEndSessions: false },
    {},
  );
  await target.build(dump, ticket, {});
  await target.switch(ticket);
  await target.clear(ticket);
  return notices;
}

const sums = async (database: string, ...tables: readonly string[]) =>
  (await server.rows(database, `CHECKSUM TABLE ${tables.join(', ')}`)).map(([, sum]) => sum);

describe.skipIf(!hasMariaDb)('MariaDB in adversity', { timeout: 180_000 }, () => {
  beforeAll(async () => {
    server = await startMariaDb(HOSTILE);
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  it('is read and restored exactly whatever the server’s settings are', async () => {
    await server.run(
      undefined,
      'CREATE DATABASE crm CHARACTER SET utf8mb4',
      'USE crm',
      `CREATE TABLE zero (id INT AUTO_INCREMENT PRIMARY KEY, d DATE NOT NULL DEFAULT '0000-00-00',
         dt DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00', ts TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00',
         e VARCHAR(10) NOT NULL DEFAULT '', c CHAR(10), en ENUM('a', 'b'), n TINYINT UNSIGNED) ENGINE=InnoDB`,
      "INSERT INTO zero VALUES (0, '2020-02-30', '2020-00-00', '2020-01-01 03:00:00', '', 'pad', 'b', 255)",
      `INSERT INTO zero (c) SELECT CONCAT('\\\\', seq) FROM seq_1_to_3000`,
      'CREATE VIEW joined AS SELECT CONCAT(c, e) AS both_of FROM zero',
      'CREATE TRIGGER zeroes BEFORE INSERT ON zero FOR EACH ROW SET NEW.n = 7',
      'COMMIT',
    );
    const before = await server.schema('crm');
    const dump = await keepDump(mysql, address('crm'), {
      // Longer than idle transactions live here.
      meanwhile: async () => new Promise((resolve) => setTimeout(resolve, 2500)),
    });
    expect(dump.problems).toEqual([]);
    await restore(dump, 'crm_copy');
    expect(await sums('crm_copy', 'zero')).toEqual(await sums('crm', 'zero'));
    expect((await server.schema('crm_copy')).replaceAll('crm_copy', 'crm')).toBe(before);
    await server.run('crm', 'DELETE FROM zero WHERE id > 5', 'COMMIT');
    await restore(dump, 'crm');
    expect(await sums('crm', 'zero')).toEqual(await sums('crm_copy', 'zero'));
    expect(await server.schema('crm')).toBe(before);
  });

  it('is of one moment although transactions are READ COMMITTED by default', async () => {
    await server.run(
      undefined,
      'CREATE DATABASE moving',
      'CREATE TABLE moving.one (id INT PRIMARY KEY, amount INT) ENGINE=InnoDB',
      'CREATE TABLE moving.two (id INT PRIMARY KEY, amount INT) ENGINE=InnoDB',
      'INSERT INTO moving.one SELECT seq, 10 FROM moving.seq_1_to_500',
      'INSERT INTO moving.two SELECT seq, 10 FROM moving.seq_1_to_500',
      'COMMIT',
    );
    const dump = await keepDump(mysql, address('moving'), {
      meanwhile: async () =>
        server.run(
          'moving',
          'UPDATE one SET amount = 0 WHERE id > 0',
          'UPDATE two SET amount = 20 WHERE id > 0',
          'COMMIT',
        ),
    });
    for (const name of ['one', 'two'])
      expect(dump.content(`tables/moving.${name}`).toString()).toMatch(/^1\t10\n/);
  });

  it('keeps values of 20 MB that fit into no packet, in every form', async () => {
    await server.run(undefined, 'SET GLOBAL max_allowed_packet = 268435456');
    await server.run(
      undefined,
      'CREATE DATABASE large CHARACTER SET utf8mb4',
      'USE large',
      `CREATE TABLE document (id INT PRIMARY KEY, u LONGTEXT, l LONGTEXT CHARACTER SET latin1,
         s LONGTEXT CHARACTER SET sjis, w LONGTEXT CHARACTER SET utf16, b LONGBLOB, j JSON) ENGINE=InnoDB`,
      "INSERT INTO document (id, u) VALUES (1, REPEAT('ü\\t😀', 3000000))",
      "INSERT INTO document (id, l) VALUES (2, REPEAT('ü\\n', 10500000))",
      "INSERT INTO document (id, s) VALUES (3, REPEAT('漢\\\\', 7000000))",
      "INSERT INTO document (id, w) VALUES (4, REPEAT('é', 10500000))",
      "INSERT INTO document (id, b) VALUES (5, REPEAT(x'00FF0A5C', 5250000))",
      `INSERT INTO document (id, j) VALUES (6, CONCAT('["', REPEAT('x', 21000000), '"]'))`,
      'COMMIT',
      'SET GLOBAL max_allowed_packet = 16777216',
    );
    if (isMySql) {
      // It reads such a JSON value as an empty text, with a warning.
      await expect(keepDump(mysql, address('large'))).rejects.toMatchObject({
        code: 'read-failed',
        hint: expect.stringContaining('max_allowed_packet') as string,
      });
      await server.run('large', 'DELETE FROM document WHERE id = 6', 'COMMIT');
    }
    const before = await sums('large', 'document');
    const dump = await keepDump(mysql, address('large'));
    await restore(dump, 'large_copy');
    expect(await sums('large_copy', 'document')).toEqual(before);
    await server.run(undefined, 'DROP DATABASE large', 'DROP DATABASE large_copy');
  });

  it('keeps keys in their order, and foreign keys that need them in force', async () => {
    await server.run(
      undefined,
      'CREATE DATABASE keyed',
      'USE keyed',
      ...(isMySql ? ['SET SESSION restrict_fk_on_non_standard_key = OFF'] : []),
      `CREATE TABLE parent (id INT PRIMARY KEY, code INT, a INT, t TEXT, KEY before_code (a), KEY by_code (code, a),
         KEY by_text (t(5)), KEY by_a (a DESC), FULLTEXT KEY words (t)) ENGINE=InnoDB`,
      `CREATE TABLE child (n INT AUTO_INCREMENT, code INT, note INT, KEY counted (n), KEY noted (note),
         CONSTRAINT known FOREIGN KEY (code) REFERENCES parent (code)) ENGINE=InnoDB`,
      'INSERT INTO parent SELECT seq, seq * 2, seq % 7, CONCAT("text ", seq) FROM seq_1_to_500',
      'INSERT INTO child (code, note) SELECT seq * 2, seq FROM seq_1_to_500',
      'COMMIT',
    );
    const before = await server.schema('keyed');
    const dump = await keepDump(mysql, address('keyed'));
    await restore(dump, 'keyed_copy');
    expect((await server.schema('keyed_copy')).replaceAll('keyed_copy', 'keyed')).toBe(before);
    await expect(server.run('keyed_copy', 'INSERT INTO child (code) VALUES (3)')).rejects.toThrow(
      'foreign key',
    );
    await expect(server.run('keyed_copy', 'DELETE FROM parent WHERE id = 1')).rejects.toThrow('foreign key');
    await restore(dump, 'keyed');
    expect(await server.schema('keyed')).toBe(before);
    await expect(server.run('keyed', 'INSERT INTO child (code) VALUES (3)')).rejects.toThrow('foreign key');
  });

  it.skipIf(isMySql)(
    'says that the former rows of versioned tables are left out, and keeps the present ones',
    async () => {
      await server.run(
        undefined,
        'CREATE DATABASE history',
        'USE history',
        'CREATE TABLE deal (id INT PRIMARY KEY, stage VARCHAR(10)) ENGINE=InnoDB WITH SYSTEM VERSIONING',
        `CREATE TABLE price (id INT PRIMARY KEY, net INT, since TIMESTAMP(6) GENERATED ALWAYS AS ROW START,
         till TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (since, till)) ENGINE=InnoDB WITH SYSTEM VERSIONING`,
        "INSERT INTO deal VALUES (1, 'open')",
        'INSERT INTO price (id, net) VALUES (1, 10)',
        'COMMIT',
        "UPDATE deal SET stage = 'won' WHERE id = 1",
        'COMMIT',
      );
      const dump = await keepDump(mysql, address('history'));
      expect(dump.problems.map(({ code, path, incomplete }) => [code, path, incomplete])).toEqual([
        ['database-incomplete', 'tables/history.deal', true],
      ]);
      await restore(dump, 'history_copy');
      expect(await server.rows('history_copy', 'SELECT id, stage FROM deal')).toEqual([['1', 'won']]);
      expect(await server.rows('history_copy', 'SELECT id, net FROM price')).toEqual([['1', '10']]);
    },
  );

  it('comes back together with another of the same server, each with what is its own', async () => {
    await server.run(
      undefined,
      'CREATE DATABASE shop_a',
      'CREATE DATABASE shop_b',
      'CREATE TABLE shop_a.customer (id INT PRIMARY KEY) ENGINE=InnoDB',
      'CREATE TABLE shop_b.invoice (id INT PRIMARY KEY) ENGINE=InnoDB',
      'INSERT INTO shop_a.customer VALUES (1)',
      'INSERT INTO shop_b.invoice VALUES (2)',
      'COMMIT',
    );
    await expectBothComeBack({
      names: ['shop_a', 'shop_b'],
      url: (name) => server.url(name),
      change: async () => {
        await server.run('shop_a', 'UPDATE customer SET id = 10 WHERE id = 1', 'COMMIT');
        await server.run('shop_b', 'UPDATE invoice SET id = 20 WHERE id = 2', 'COMMIT');
      },
      content: async (name) => {
        const tables = (await server.rows(name, 'SHOW TABLES')).flat();
        const rows = tables.map(async (table) => server.rows(name, `SELECT * FROM ${String(table)}`));
        return JSON.stringify([tables, await Promise.all(rows)]);
      },
    });
  });

  it.each(['old', 'new'] as const)(
    'gets back only what is missing when it is kept as it is, and keeps what was mended by hand (%s)',
    async (live) => {
      const name = `kept_${live}`;
      const text = async (view: string) =>
        JSON.stringify(await server.rows(name, `SELECT * FROM ${view} ORDER BY 1`));
      await server.run(
        undefined,
        `CREATE DATABASE ${name}`,
        `USE ${name}`,
        'CREATE TABLE word (id INT PRIMARY KEY, word TEXT) ENGINE=InnoDB',
        "INSERT INTO word VALUES (1, 'first')",
        'CREATE VIEW mended AS SELECT id FROM word',
        'CREATE VIEW missing AS SELECT word FROM word',
        'CREATE TRIGGER mended BEFORE INSERT ON word FOR EACH ROW SET NEW.word = 1',
        'COMMIT',
      );
      const dump = await keepDump(mysql, address(name));
      await using target = await mysql.openTarget(address(name), undefined, {});
      const request = { restoreId: `kept${live}`, tables: undefined, mayEndSessions: false };
      const { ticket } = await target.plan(dump, request, {});
      await target.build(dump, ticket, {});
      await target.switch(ticket);
      if (live === 'old') await target.switchBack(ticket);
      await server.run(
        undefined,
        `USE ${name}`,
        'DROP VIEW missing',
        "CREATE OR REPLACE VIEW mended AS SELECT 'by hand' AS id",
        'DROP TRIGGER mended',
        'CREATE TRIGGER mended BEFORE INSERT ON word FOR EACH ROW SET NEW.word = 2',
      );
      await target.keepLive(ticket);
      expect(await text('mended')).toContain('by hand');
      expect(await text('missing')).toContain('first');
      await server.run(name, "INSERT INTO word VALUES (2, '')", 'COMMIT');
      expect((await server.rows(name, 'SELECT word FROM word WHERE id = 2')).flat()).toEqual(['2']);
    },
  );

  it('is not removed where somebody has made it when a restore to it was interrupted', async () => {
    await server.run(undefined, 'CREATE DATABASE word', 'CREATE TABLE word.word (id INT)');
    const dump = await keepDump(mysql, address('word'));
    await using target = await mysql.openTarget(address('word'), 'made', {});
    const { ticket } = await target.plan(
      dump,
      { restoreId: 'made', tables: undefined, mayEndSessions: false },
      {},
    );
    await target.build(dump, ticket, {});
    await target.switch(ticket);
    await target.switchBack(ticket);
    await server.run(undefined, 'CREATE DATABASE made', 'CREATE TABLE made.by_hand (id INT)');
    await target.keepLive(ticket);
    expect((await server.rows('made', 'SHOW TABLES')).flat()).toEqual(['by_hand']);
  });

  it('is left out where a table is damaged in the vault, but not its other tables', async () => {
    await using built = await buildVault();
    await using folder = temporaryFolder();
    await server.run(
      undefined,
      'CREATE DATABASE damaged',
      'USE damaged',
      'CREATE TABLE large (id INT PRIMARY KEY, noise LONGBLOB) ENGINE=InnoDB',
      `INSERT INTO large VALUES (1, x'${noiseOf(1, 4_000_000).toString('hex')}')`,
      'CREATE TABLE small (id INT PRIMARY KEY) ENGINE=InnoDB',
      'INSERT INTO small VALUES (1)',
      'COMMIT',
    );
    const crm = { name: 'crm', address: async () => Promise.resolve(address('damaged')) };
    const set = { name: 'test', roots: [], databases: [crm] };
    const record = await backUp(built.vault, set, { kind: 'full' });
    const [large, small] = ['large', 'small'].map((name) => `databases/crm/tables/damaged.${name}`);
    const content = new Map<string, Buffer>();
    for await (const { path, chunks } of built.vault.entries(record, 'databases/crm'))
      content.set(path, chunks);
    const [apart] = await chunksApart(built.vault, content.get(large!)!, content.get(small!)!);
    await damageFrameOf(built.vault, apart!);
    await server.run('damaged', 'DELETE FROM large WHERE id = 1', 'DELETE FROM small WHERE id = 1', 'COMMIT');
    const restored = async (options: object) =>
      restoreAll(built.vault, record, {
        home: join(folder.path, 'home'),
        set,
        safetyBackup: false,
        ...options,
      });
    const all = async () =>
      (await server.rows('damaged', 'SELECT id FROM small UNION ALL SELECT id FROM large')).flat();
    await expect(restored({})).rejects.toMatchObject({ code: 'damaged' });
    const to = join(folder.path, 'to');
    await expect(restored({ to })).rejects.toMatchObject({ code: 'damaged' });
    const whole = await restored({ skipDamaged: true });
    expect(whole).toMatchObject({ skipped: 1, plan: { tables: [] } });
    expect(whole.problems).toMatchObject([
      { path: 'databases/crm', message: expect.stringContaining('“damaged.large”') as string },
    ]);
    expect(await all()).toEqual([]);
    const single = await restored({ paths: [large, small], skipDamaged: true });
    expect(single.problems).toMatchObject([{ code: 'damaged', path: large }]);
    expect(await all()).toEqual(['1']);
  });

  it.skipIf(isMySql)('keeps former rows that are in no backup until they may be lost', async () => {
    await using built = await buildVault();
    await using folder = temporaryFolder();
    await server.run(
      undefined,
      'CREATE DATABASE kept',
      'USE kept',
      'CREATE TABLE plain (id INT PRIMARY KEY) ENGINE=InnoDB',
      'CREATE TABLE deal (id INT PRIMARY KEY) ENGINE=InnoDB WITH SYSTEM VERSIONING',
      'INSERT INTO deal VALUES (1)',
      'COMMIT',
    );
    const crm = { name: 'crm', address: async () => Promise.resolve(address('kept')) };
    const set = { name: 'test', roots: [], databases: [crm] };
    const record = await backUp(built.vault, set, { kind: 'full' });
    expect(record).toMatchObject({ status: 'complete', problems: [] });
    const restored = async (options: object = {}) =>
      restoreAll(built.vault, record, { home: join(folder.path, 'home'), set, ...options });
    const all = async () => (await server.rows('kept', 'SELECT id FROM deal FOR SYSTEM_TIME ALL')).flat();
    // As long as there are none, nothing can be lost.
    expect((await restored()).safetyBackup).not.toBeNull();
    await server.run('kept', 'UPDATE deal SET id = 2 WHERE id = 1', 'COMMIT');
    await expect(restored()).rejects.toMatchObject({
      code: 'no-safety-backup',
      message: expect.stringContaining('“deal”') as string,
    });
    await expect(restored({ paths: ['databases/crm/tables/kept.deal'] })).rejects.toMatchObject({
      code: 'no-safety-backup',
    });
    await restored({ paths: ['databases/crm/tables/kept.plain'] });
    expect((await all()).sort()).toEqual(['1', '2']);
    const { plan } = await restored({ safetyBackup: false });
    expect(plan.tables[0]?.notices.join()).toContain('“deal”');
    expect(await all()).toEqual(['1']);
  });
});

// What a new MySQL server writes is larger than the disk.
describe.skipIf(!hasMariaDb || isMySql || !mayMountDisks())(
  'MariaDB on a disk that fills up',
  { timeout: 120_000 },
  () => {
    it('leaves the live database, says that there is no space, and clears what was built', async () => {
      using disk = smallDisk(150_000_000);
      const before = process.env['TMPDIR'];
      process.env['TMPDIR'] = disk?.path;
      await using small = await startMariaDb(['--local-infile=1', '--innodb-log-file-size=4M']);
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
      const live = { name: 'crm', url: small.url('crm'), workspace: '/' };
      await small.run(
        undefined,
        'CREATE DATABASE crm',
        'CREATE TABLE crm.big (id INT PRIMARY KEY, t TEXT) ENGINE=InnoDB',
        "INSERT INTO crm.big SELECT seq, REPEAT('x', 1000) FROM crm.seq_1_to_20000",
      );
      const sum = await small.rows('crm', 'CHECKSUM TABLE big');
      const dump = await keepDump(mysql, live);
      await using target = await mysql.openTarget(live, undefined, {});
      const { ticket } = await target.plan(
        dump,
        { restoreId: 'full', tables: undefined, mayEndSessions: false },
        {},
      );
      const filled = disk!.fill(8_000_000);
      const failure = await target.build(dump, ticket, {}).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'no-space' });
      await target.clear(ticket);
      filled[Symbol.dispose]();
      expect(await small.rows('crm', 'CHECKSUM TABLE big')).toEqual(sum);
      expect((await small.rows(undefined, "SHOW DATABASES LIKE 'crm%'")).flat()).toEqual(['crm']);
    });
  },
);
