import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysql } from '../../../../../src/core/database/mysql/engine.ts';
import { type KeptDump, keepDump } from '../../../../build/kept-dump.ts';
import { hasMariaDb, type MariaDbServer, realData, startMariaDb } from '../../../../build/mariadb-server.ts';

let server: MariaDbServer;
let restores = 0;

const address = (database: string) => ({ name: 'crm', url: server.url(database), workspace: '/' });

/** Restores a dump and returns what the target holds then. */
async function restore(dump: KeptDump, database: string): Promise<KeptDump> {
  await using target = await mysql.openTarget(address('crm'), database, {});
  const restoreId = `t${String(restores++)}`;
  const { ticket } = await target.plan(dump, { restoreId, tables: undefined, mayEndSessions: false }, {});
  await target.build(dump, ticket, {});
  await target.switch(ticket);
  await target.clear(ticket);
  return await keepDump(mysql, address(database));
}

/** Everything of a dump but the database’s own name. */
function contents(dump: KeptDump, database: string) {
  const named = (text: string) => text.replaceAll(`\`${database}\``, '`*`');
  return {
    tables: dump.tables.map(({ path, schema: _, ...table }) => ({
      ...table,
      path: path.replace(`tables/${database}.`, ''),
      lines: dump.content(path).toString('latin1'),
    })),
    objects: dump.objects.map(({ path }) => [path, named(dump.content(path).toString())]),
    info: { ...dump.info, database: '' },
  };
}

async function checksums(database: string) {
  const names = await server.rows(
    database,
    `SELECT TABLE_NAME FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY 1`,
  );
  const list = names.map(([name]) => `\`${(name ?? '').replaceAll('`', '``')}\``).join(', ');
  return (await server.rows(database, `CHECKSUM TABLE ${list}`)).map(([name, sum]) => [
    (name ?? '').replace(`${database}.`, ''),
    sum,
  ]);
}

describe.skipIf(!hasMariaDb)('a MariaDB database comes back as it was', () => {
  beforeAll(async () => {
    server = await startMariaDb(['--local-infile=1']);
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  const types = [
    'SET sql_mode = "", time_zone = "+02:00", NAMES utf8mb4',
    'CREATE DATABASE types CHARACTER SET latin1 COLLATE latin1_german1_ci',
    `CREATE TABLE types.numbers (i BIGINT UNSIGNED PRIMARY KEY, t TINYINT, z INT(6) ZEROFILL, d DECIMAL(65,30),
      f FLOAT, f2 FLOAT(7,2), g DOUBLE, g2 DOUBLE(20,3), b BIT(64), b1 BIT(1), y YEAR, o BOOLEAN)`,
    `INSERT INTO types.numbers VALUES
      (18446744073709551615, -128, 42, 12345678901234567890123456789012345.123456789012345678901234567891,
       1234567.75, 12345.67, 0.1, 123456789.125, x'FFFFFFFFFFFFFFFF', b'1', 2155, TRUE),
      (0, 127, NULL, -0.000000000000000000000000000001, 3.4e38, -0.01, 1.7976931348623157e308, -0.001, x'00', b'0', '0000', 0),
      (2, NULL, 0, NULL, 1e-38, NULL, -0e0, NULL, NULL, NULL, NULL, NULL), (3, NULL, NULL, NULL, -0e0, -0e0, -0e0, -0e0, NULL, NULL, NULL, NULL), (10, 0, 1, 0, 16777217, 1, 5e-324, 1, 0x7A, 1, 1901, 1)`,
    `CREATE TABLE types.moments (d DATE, t TIME(6), dt DATETIME(6), ts TIMESTAMP(3) NULL, n INT PRIMARY KEY)`,
    `INSERT INTO types.moments VALUES ('0000-00-00', '-838:59:59.000000', '0000-00-00 00:00:00', '2038-01-19 03:14:07', 1),
      ('2020-00-00', '00:00:00.000001', '9999-12-31 23:59:59.999999', NULL, 2), (NULL, NULL, NULL, '1970-01-02', 3)`,
    `CREATE TABLE types.texts (k VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,
       l TEXT CHARACTER SET latin1, u VARCHAR(50) CHARACTER SET utf8mb3, m LONGTEXT CHARACTER SET utf8mb4,
       w VARCHAR(20) CHARACTER SET ucs2, s VARCHAR(20) CHARACTER SET sjis, c VARCHAR(20) CHARACTER SET cp1251,
       e ENUM('ä','b\\'','') CHARACTER SET latin1, st SET('a','ü') CHARACTER SET utf8mb4, j JSON, PRIMARY KEY (k))`,
    `INSERT INTO types.texts VALUES
      ('a', 'Tab\\t, line\\n, return\\r, back\\\\slash, \\\\N, quote '' "', 'ü€', '😀\\0\\Z', '漢', '漢字', 'Ж', 'ä', 'a,ü', '{"a": 1.0}'),
      ('B', '', '', '', '', '', '', '', '', '[]'), ('é', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      ('ab', CONVERT(UNHEX('818D8F909DFF00') USING latin1), '\\\\N', '\\N', 'x', CONVERT(UNHEX('815F') USING sjis), 'x', 2, 2, '"😀"')`,
    `CREATE TABLE types.emoji_in_latin1 (id INT PRIMARY KEY, t TEXT) CHARACTER SET latin1`,
    `INSERT INTO types.emoji_in_latin1 VALUES (1, CONVERT(CAST('😀 naïve' AS BINARY) USING latin1))`,
    `CREATE TABLE types.bytes (b BINARY(4), v VARBINARY(300), l LONGBLOB, g GEOMETRY, p POINT NOT NULL, i6 INET6, u UUID,
       PRIMARY KEY (v))`,
    `INSERT INTO types.bytes VALUES (x'00', x'', x'', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326), POINT(1, 2), '::1', '123e4567-e89b-12d3-a456-426614174000'),
      (x'FF0A0D5C', x'00', REPEAT(x'000A0D5C09FF', 50000), NULL, POINT(-1.5, 0), NULL, NULL),
      (NULL, x'0001', NULL, NULL, POINT(0, 0), 'fe80::', NULL), (NULL, x'FF', x'27', NULL, POINT(0, 0), NULL, NULL)`,
    'CREATE TABLE types.`select` (`from` INT, `größe ☃` INT)',
    'INSERT INTO types.`select` VALUES (1, 2), (NULL, NULL), (1, 2)',
    'CREATE TABLE types.`a/b.c%``d` (`order` INT NOT NULL AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 77',
    'INSERT INTO types.`a/b.c%``d` VALUES (NULL), (0)',
    'CREATE TABLE types.zero (id INT AUTO_INCREMENT PRIMARY KEY)',
    'SET sql_mode = "NO_AUTO_VALUE_ON_ZERO"',
    'INSERT INTO types.zero VALUES (0), (-1)',
    'SET sql_mode = ""',
    'CREATE TABLE types.isam (id INT, t TEXT, FULLTEXT (t)) ENGINE=MyISAM COMMENT = ") ENGINE=x AUTO_INCREMENT=5 "',
    'INSERT INTO types.isam VALUES (2, "two"), (1, "one")',
    'CREATE TABLE types.generated (a INT, v INT AS (a * 2) VIRTUAL, s INT AS (a + 1) STORED, i INT INVISIBLE DEFAULT 7, KEY (s), CHECK (a > 0))',
    'INSERT INTO types.generated (a, i) VALUES (1, 5), (2, NULL)',
    'CREATE TABLE types.parts (id INT, y INT, PRIMARY KEY (id, y)) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)',
    'INSERT INTO types.parts VALUES (2, 5), (1, 50), (1, 4)',
    'CREATE TABLE types.hen (id INT PRIMARY KEY, egg INT)',
    'CREATE TABLE types.egg (id INT PRIMARY KEY, hen INT, CONSTRAINT laid FOREIGN KEY (hen) REFERENCES hen (id))',
    'ALTER TABLE types.hen ADD CONSTRAINT hatched FOREIGN KEY (egg) REFERENCES egg (id) ON DELETE CASCADE',
    'INSERT INTO types.hen VALUES (1, NULL)',
    'INSERT INTO types.egg VALUES (1, 1)',
    'UPDATE types.hen SET egg = 1',
    'CREATE SEQUENCE types.numbering START WITH 5 INCREMENT BY 10',
    'CREATE TABLE types.numbered (id INT DEFAULT NEXTVAL(types.numbering), n INT)',
    'INSERT INTO types.numbered (n) VALUES (1), (2)',
    'CREATE TABLE types.nothing (id INT PRIMARY KEY)',
  ];
  const objects = [
    'CREATE USER IF NOT EXISTS nobody@nowhere',
    'USE types',
    'SET sql_mode = "ANSI_QUOTES,PIPES_AS_CONCAT", NAMES utf8mb4',
    'CREATE VIEW "a view of a view" AS SELECT * FROM (SELECT 1 AS "one") x',
    'CREATE DEFINER = "nobody"@"nowhere" SQL SECURITY INVOKER VIEW z AS SELECT n FROM numbered',
    'CREATE VIEW a AS SELECT z.n, \'é😀\' AS "text" FROM z',
    'CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2',
    'CREATE PROCEDURE "say ""DEFINER=" (IN who VARCHAR(20)) COMMENT \'DEFINER=`x`@`y`\' SELECT "who" || \' said \'',
    'CREATE TRIGGER fires BEFORE INSERT ON zero FOR EACH ROW SET NEW.id = twice(NEW.id)',
    'CREATE TRIGGER fires_too BEFORE INSERT ON zero FOR EACH ROW SET NEW.id = NEW.id + 1',
    'SET NAMES latin1, time_zone = "+05:00", sql_mode = ""',
    "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO DELETE FROM nothing",
    "CREATE PROCEDURE old_client() SELECT 'ü'",
  ];

  it.each([1, 0])('types, names and objects, with local_infile = %i', async (infile) => {
    await server.run(
      undefined,
      'DROP DATABASE IF EXISTS types',
      `SET GLOBAL local_infile = ${String(infile)}`,
    );
    await server.run(undefined, ...types, ...objects);
    const before = await keepDump(mysql, address('types'));
    const sums = await checksums('types');
    const restored = await restore(before, `copy${String(infile)}`);
    expect(contents(restored, `copy${String(infile)}`)).toEqual(contents(before, 'types'));
    expect(await checksums(`copy${String(infile)}`)).toEqual(sums);
    await server.run('types', 'DELETE FROM texts', 'DROP TRIGGER fires', 'CREATE VIEW newer AS SELECT 1');
    expect(contents(await restore(before, 'types'), 'types')).toEqual(contents(before, 'types'));
    expect(await checksums('types')).toEqual(sums);
  });

  it('rows come in the order of the key, by bytes or numbers', async () => {
    const dump = await keepDump(mysql, address('types'));
    const keys = (name: string) =>
      dump
        .content(`tables/types.${name}`)
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')[0]);
    expect(keys('numbers')).toEqual(['0', '2', '3', '10', '18446744073709551615']);
    expect(keys('texts')).toEqual(['B', 'a', 'ab', 'é']);
    expect(dump.content('tables/types.numbers').toString()).toContain('\t1234567.75\t');
  });

  it.skipIf(realData('dolibarr') === undefined)(
    'Dolibarr 7 and 8, back and forth (real data beside the checkout)',
    { timeout: 300_000 },
    async () => {
      await server.run(undefined, 'SET GLOBAL local_infile = 1', 'CREATE DATABASE dolibarr');
      const take = async (version: string) => {
        await server.load('dolibarr', realData(`dolibarr/dolibarr-${version}.sql`) ?? '');
        return { dump: await keepDump(mysql, address('dolibarr')), sums: await checksums('dolibarr') };
      };
      const seven = await take('7.0.0');
      await server.run(undefined, 'DROP DATABASE dolibarr', 'CREATE DATABASE dolibarr');
      const eight = await take('8.0.0');
      for (const { dump, sums } of [seven, eight]) {
        expect(contents(await restore(dump, 'dolibarr'), 'dolibarr')).toEqual(contents(dump, 'dolibarr'));
        expect(await checksums('dolibarr')).toEqual(sums);
      }
    },
  );

  it.skipIf(realData('chinook') === undefined)('Chinook (real data beside the checkout)', async () => {
    await server.load(undefined, realData('chinook/Chinook_MySql.sql') ?? '');
    const before = await keepDump(mysql, address('Chinook'));
    const sums = await checksums('Chinook');
    expect(contents(await restore(before, 'Chinook'), 'Chinook')).toEqual(contents(before, 'Chinook'));
    expect(await checksums('Chinook')).toEqual(sums);
  });
});
