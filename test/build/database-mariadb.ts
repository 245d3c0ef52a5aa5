import { mysql } from '../../src/core/database/mysql/engine.ts';
import { quoteName } from '../../src/core/database/mysql/quote.ts';
import { join } from 'node:path';
import type { TriedDatabase } from './database-conformance.ts';
import { type MariaDbServer, ROOT_PASSWORD } from './mariadb-server.ts';

let opened = 0;

/** A fresh database on a MariaDB server. */
export async function openMariaDb(server: MariaDbServer): Promise<TriedDatabase> {
  const name = `tried${String(opened++)}`;
  await server.run(undefined, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  const address = (database: string) => ({ name: 'crm', url: server.url(database), workspace: '/' });
  return {
    engine: mysql,
    address: address(name),
    other: `${name}_other`,
    secret: ROOT_PASSWORD,
    nowhere: address('nowhere'),
    run: async (sql, database = name) => server.script(database, sql),
    rows: async (table, database = name) => rowsOf(server, database, table),
    objects: async (database = name) => (await server.schema(database)).replaceAll(`\`${database}\`.`, ''),
    async surroundings() {
      const databases = await server.rows(undefined, 'SHOW DATABASES');
      return databases
        .flat()
        .filter((database) => database !== name)
        .join('\n');
    },
    async load(folder) {
      const database = `${name}_loaded`;
      await server.run(undefined, `CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
      await server.load(database, join(folder, 'database.sql'));
      return database;
    },
    async startWriter() {
      const writer = await server.session(name);
      const stop = new AbortController();
      const writing = (async () => {
        for (let from = 1; !stop.signal.aborted; from = (from % 200) + 1) {
          await writer.wire.query('BEGIN');
          await writer.wire.query(`UPDATE account SET amount = amount - 1 WHERE id = ${String(from)}`);
          await writer.wire.query(`UPDATE account SET amount = amount + 1 WHERE id = ${String(201 - from)}`);
          await writer.wire.query('COMMIT');
        }
      })();
      return {
        async [Symbol.asyncDispose]() {
          stop.abort();
          await writing;
          await writer.wire.close();
        },
      };
    },
    dialect,
    async [Symbol.asyncDispose]() {
      for (const [database] of await server.rows(undefined, `SHOW DATABASES LIKE '${name}%'`))
        if (database === name || database?.startsWith(`${name}_`) === true)
          await server.run(undefined, `DROP DATABASE ${database}`);
    },
  };
}

/** Rows with every value’s type and bytes. */
async function rowsOf(server: MariaDbServer, database: string, table: string): Promise<string> {
  const columns = await server.rows(database, `SHOW COLUMNS FROM ${table}`);
  const values = columns.map(([column, type]) => {
    const name = quoteName(column ?? '');
    if (/^float|^double/.test(type ?? '')) return `CAST(${name} AS DOUBLE)`;
    return /char|text|blob|binary|bit|enum|set|geometry|point/.test(type ?? '') ? `HEX(${name})` : name;
  });
  const rows = await server.rows(database, `SELECT ${values.join(', ')} FROM ${table} ORDER BY 1`);
  return rows
    .map((row) => row.map((value, column) => `${columns[column]?.[1] ?? ''}=${value ?? 'NULL'}`).join('\t'))
    .join('\n');
}

const dialect: TriedDatabase['dialect'] = {
  everyType: `SET sql_mode = '', time_zone = '+02:00';
CREATE TABLE every_type (id INT PRIMARY KEY, i BIGINT UNSIGNED, t TINYINT, z INT(6) ZEROFILL, d DECIMAL(65,30), f FLOAT,
  f2 FLOAT(7,2), g DOUBLE, b BIT(64), y YEAR, da DATE, ti TIME(6), dt DATETIME(6), ts TIMESTAMP(3) NULL,
  l TEXT CHARACTER SET latin1, u VARCHAR(50) CHARACTER SET utf8mb3, m LONGTEXT CHARACTER SET utf8mb4,
  w VARCHAR(20) CHARACTER SET ucs2, s VARCHAR(20) CHARACTER SET sjis, e ENUM('ä','b','') CHARACTER SET latin1,
  st SET('a','ü'), j JSON, bi BINARY(4), lo LONGBLOB, ge GEOMETRY, i6 INET6, uu UUID);
INSERT INTO every_type VALUES
  (1, 18446744073709551615, -128, 42, 12345678901234567890123456789012345.123456789012345678901234567891, 1234567.75,
   12345.67, 1.7976931348623157e308, x'FFFFFFFFFFFFFFFF', 2155, '0000-00-00', '-838:59:59', '0000-00-00', '2038-01-19 03:14:07',
   'Tab\\t, line\\n, return\\r, back\\\\slash, \\\\N, ''quotes"', 'ü€', '😀\\0\\Z', '漢', '漢字', 'ä', 'a,ü', '{"a": 1.0}', x'00',
   x'000A0D5C0927FF', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326), '::1', '123e4567-e89b-12d3-a456-426614174000'),
  (2, 0, 127, 0, -0.000000000000000000000000000001, 3.4e38, -0.01, 5e-324, 0, '0000', '2020-00-00', '00:00:00.000001',
   '9999-12-31 23:59:59.999999', '1970-01-02', '', '', '', '', '', '', '', '[]', x'FFFFFFFF', '', POINT(1, 2), NULL, NULL);
INSERT INTO every_type (id) VALUES (3);
INSERT INTO every_type (id, f, f2, g) VALUES (4, -0e0, -0e0, -0e0);
`,
  everyObject: `CREATE TABLE \`select\` (\`from\` INT AUTO_INCREMENT PRIMARY KEY, \`größe ☃\` VARCHAR(20) DEFAULT 'ü' COMMENT 'a;b');
INSERT INTO \`select\` (\`größe ☃\`) VALUES ('a'), (NULL), ('c');
CREATE TABLE \`a/b.c%d\` (id INT, parent INT, v INT AS (id * 2) VIRTUAL, UNIQUE KEY (id), CHECK (id > 0), CONSTRAINT up FOREIGN KEY (parent) REFERENCES \`select\` (\`from\`) ON DELETE CASCADE);
INSERT INTO \`a/b.c%d\` (id, parent) VALUES (1, 2), (3, NULL);
CREATE TABLE hen (id INT PRIMARY KEY, egg INT);
CREATE TABLE egg (id INT PRIMARY KEY, hen INT, CONSTRAINT laid FOREIGN KEY (hen) REFERENCES hen (id));
ALTER TABLE hen ADD CONSTRAINT hatched FOREIGN KEY (egg) REFERENCES egg (id);
CREATE TABLE parts (id INT, y INT, PRIMARY KEY (id, y)) PARTITION BY HASH (y) PARTITIONS 3;
INSERT INTO parts VALUES (1, 1), (2, 2), (3, 3);
CREATE SEQUENCE numbering START WITH 5 INCREMENT BY 10;
CREATE TABLE constructor (\`__proto__\` INT PRIMARY KEY, \`toString\` TEXT);
INSERT INTO constructor VALUES (1, 'one'), (2, NULL);
CREATE TABLE \`__proto__\` (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 70;
INSERT INTO \`__proto__\` VALUES (NULL), (NULL);
DELETE FROM \`__proto__\` WHERE id = 71;
CREATE SEQUENCE \`valueOf\` START WITH 30;
CREATE VIEW \`a view\` AS SELECT 'é' AS one, \`from\` FROM \`select\`;
CREATE VIEW \`A first\` AS SELECT * FROM \`a view\`;
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2;
CREATE TRIGGER fires BEFORE INSERT ON \`select\` FOR EACH ROW SET NEW.\`größe ☃\` = UPPER(NEW.\`größe ☃\`);
CREATE TRIGGER after_it BEFORE INSERT ON \`select\` FOR EACH ROW SET NEW.\`größe ☃\` = CONCAT(NEW.\`größe ☃\`, 'x');
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO DELETE FROM egg;
DELIMITER ;;
CREATE PROCEDURE \`say "it"\`(IN who VARCHAR(20)) BEGIN SELECT who; SELECT ';'; END;;
DELIMITER ;
`,
  someTables: ['`select`', '`a/b.c%d`', 'parts', 'constructor', '`__proto__`'],
  many: (rows) => `CREATE TABLE many (id INT PRIMARY KEY, value TEXT);
INSERT INTO many SELECT seq, CONCAT('value ', REPEAT(MD5(seq), 3)) FROM seq_1_to_${String(rows)};
`,
  accounts: `CREATE TABLE account (id INT PRIMARY KEY, amount INT);
INSERT INTO account SELECT seq, 1000 FROM seq_1_to_200;
`,
};
