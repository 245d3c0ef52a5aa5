import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renameSchema } from '../../../../../src/core/database/mysql/rename-schema.ts';
import {
  findDefiner,
  findNeeds,
  qualifyReferences,
  replaceCollations,
  withoutDefiner,
} from '../../../../../src/core/database/mysql/statement.ts';

/** Puts arbitrary texts together. */
const sql = (pieces: TemplateStringsArray, ...values: readonly fc.Arbitrary<string>[]) =>
  fc.tuple(...values).map((found) => String.raw({ raw: pieces }, ...found));

/** Statements in which `§` stands for a database, and tables, aliases and columns may be called like it. */
const { statement: anyStatement } = fc.letrec<
  Record<'expression' | 'source' | 'tables' | 'query' | 'statement', string>
>((tie) => {
  const [expression, source, tables, query] = (['expression', 'source', 'tables', 'query'] as const).map(
    tie,
  ) as [fc.Arbitrary<string>, fc.Arbitrary<string>, fc.Arbitrary<string>, fc.Arbitrary<string>];
  const name = fc.constantFrom('crm', '`crm`', 't', '`from`');
  const table = sql`${fc.constantFrom('', '§.', '§ . ')}${name}`;
  const column = fc.oneof(name, sql`${name}.${name}`, sql`§.${name}.${name}`);
  const alias = fc.oneof(fc.constant(''), sql` AS ${name}`, sql` ${name}`);
  const join = fc.oneof(
    sql` JOIN ${source} ON ${expression}`,
    sql` LEFT JOIN ${source} USING (${name}, a)`,
    sql` STRAIGHT_JOIN ${source}`,
    sql`, ${source}`,
  );
  return {
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      column,
      fc.constantFrom('1.5', '@crm', 'NEXT VALUE FOR §.s', 'NEXTVAL(§.s)'),
      sql`${expression} + ${column}`,
      sql`§.${name}(${expression}, ${expression})`,
      sql`REPLACE(${expression}, ${column}, 1)`,
      sql`EXTRACT(YEAR FROM ${expression})`,
      sql`TRIM(LEADING ${expression} FROM ${column})`,
      sql`(${expression} OR ${column} IN (${query}))`,
    ),
    source: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      sql`${table}${alias}`,
      sql`(${tables})`,
      sql`(${query}) ${name}`,
    ),
    tables: sql`${source}${fc.array(join, { maxLength: 2 }).map((joins) => joins.join(''))}`,
    query: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      sql`SELECT ${column}, ${name}.* FROM ${table}`,
      sql`SELECT STRAIGHT_JOIN ${expression}, ${column} AS ${name} FROM ${tables} WHERE ${expression}`,
      sql`SELECT ${expression} FROM ${tables} GROUP BY ${column}, ${column} ORDER BY ${expression}, ${column}`,
    ),
    statement: fc
      .array(
        fc.oneof(
          sql`${query};`,
          sql`INSERT IGNORE INTO ${table} (${column}) ${query} ON DUPLICATE KEY UPDATE ${column} = ${expression};`,
          sql`REPLACE ${table} SET ${column} = ${expression}, ${column} = 1;`,
          sql`UPDATE ${tables} SET ${column} = ${expression}, ${column} = 1 WHERE ${column};`,
          sql`DELETE ${table}, ${table} FROM ${tables} WHERE ${expression};`,
          sql`CALL §.${name}(${expression}); SET ${name} = ${column};`,
          sql`IF ${expression} THEN TRUNCATE TABLE ${table}; ELSE SELECT ${column} INTO ${name} FROM ${table}; END IF;`,
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((statements) => statements.join(' ')),
  };
});

describe('definers', () => {
  it.each([
    ['CREATE DEFINER=`a`@`%` PROCEDURE `p`() SELECT 1', 'a@%', 'CREATE PROCEDURE `p`() SELECT 1'],
    [
      'CREATE ALGORITHM=MERGE DEFINER=`x``y`@`h` SQL SECURITY INVOKER VIEW v AS SELECT 1',
      'x`y@h',
      'CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW v AS SELECT 1',
    ],
    ['CREATE DEFINER="q"@"h" TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 1', undefined, undefined],
    [
      "CREATE DEFINER='q'@'h' EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
      'q@h',
      'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1',
    ],
    [
      'CREATE DEFINER=`role` FUNCTION f() RETURNS INT RETURN 1',
      'role',
      'CREATE FUNCTION f() RETURNS INT RETURN 1',
    ],
    [
      'CREATE /* DEFINER=`c`@`c` */ DEFINER = root@localhost VIEW v AS SELECT 1',
      'root@localhost',
      'CREATE /* DEFINER=`c`@`c` */ VIEW v AS SELECT 1',
    ],
  ])('are found and taken off: %s', (statement, account, rest) => {
    expect(findDefiner(statement)?.account).toBe(account ?? 'q@h');
    expect(withoutDefiner(statement)).toBe(
      rest ?? 'CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 1',
    );
  });

  it('in the body are text', () => {
    const statement = "CREATE PROCEDURE p() COMMENT 'DEFINER=`a`@`b`' SELECT 'CREATE DEFINER=`a`@`b` VIEW'";
    expect(findDefiner(statement)).toBeUndefined();
    expect(withoutDefiner(statement)).toBe(statement);
  });
});

describe('names of databases', () => {
  it('are replaced where they qualify a name, not in texts, comments or elsewhere', () => {
    const statement =
      "SELECT `crm`.`t`.`crm`, x.crm.y, @crm.z, 'crm.t' -- crm.t\n, /* crm.t */ crm FROM crm . t, crm.u";
    expect(renameSchema(statement, 'crm', 'new`one')).toBe(
      "SELECT `new``one`.`t`.`crm`, x.crm.y, @crm.z, 'crm.t' -- crm.t\n, /* crm.t */ crm FROM `new``one` . t, `new``one`.u",
    );
  });

  it.each([
    'select `crm`.`id` AS `id` from (`crm` join `§`.`o` on(`crm`.`id` = `o`.`id` and `§`.`f`(`crm`.`id`))), `§`.`q`',
    'select extract(year from `crm`.`d`), trim(leading "x" from `crm`.`n`), nextval(`§`.`s`) from `crm`',
    'SELECT STRAIGHT_JOIN crm.a, crm.* FROM §.crm STRAIGHT_JOIN §.t ON crm.a = §.t.a WHERE crm.b IN (SELECT a FROM §.t)',
    'CREATE TRIGGER §.x BEFORE UPDATE ON §.crm FOR EACH ROW INSERT INTO §.log (a) VALUES (§.crm(NEW.a))',
    'INSERT IGNORE §.t SELECT crm.a FROM t JOIN crm ON crm.a = t.a ON DUPLICATE KEY UPDATE crm.a = 1, §.t.b = crm.b',
    'BEGIN FOR crm IN (SELECT a FROM §.t) DO UPDATE §.t, §.u SET t.a = crm.a; DELETE §.t FROM §.t USING §.u; END',
    'CREATE PROCEDURE §.p(a TYPE OF crm.id) BEGIN DECLARE r ROW TYPE OF §.t; SELECT a INTO crm.b FROM §.t; CALL §.q; END',
    'CREATE VIEW v AS SELECT NEXT VALUE FOR §.s, replace(crm.a, 1, 2) FROM (§.t, (§.u JOIN (SELECT 1 FROM §.crm) crm USING (a)))',
    'DROP TABLE IF EXISTS §.t, §.u; GRANT SELECT ON §.* TO crm',
  ])('are told from tables and aliases called like them: %s', (statement) => {
    expect(renameSchema(statement.replaceAll('§', 'crm'), 'crm', 'new')).toBe(
      statement.replaceAll('`§`', '`new`').replaceAll('§', '`new`'),
    );
  });

  it('are found in any statement, however tables and columns are called', () => {
    fc.assert(
      fc.property(anyStatement, (statement) => {
        const named = `BEGIN DECLARE crm INT; ${statement} END`;
        expect(renameSchema(named.replaceAll('§', 'crm'), 'crm', 'new')).toBe(named.replaceAll('§', '`new`'));
      }),
    );
  });

  it('qualify what foreign keys refer to', () => {
    const statement =
      'FOREIGN KEY (`a`) REFERENCES `b` (`id`), FOREIGN KEY (`c`) REFERENCES `d` (`id`), REFERENCES `x`.`d` (`id`)';
    expect(qualifyReferences(statement, 'live', new Set(['b']))).toBe(
      'FOREIGN KEY (`a`) REFERENCES `b` (`id`), FOREIGN KEY (`c`) REFERENCES `live`.`d` (`id`), REFERENCES `x`.`d` (`id`)',
    );
  });
});

describe('needs of a table', () => {
  const statement =
    "CREATE TABLE `t` (`a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci DEFAULT 'COLLATE x' COMMENT 'ENGINE=y') ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin /*!50100 PARTITION BY KEY (a) */";

  it('are its collations, charsets and engine', () => {
    expect(findNeeds(statement)).toEqual({
      collations: ['utf8mb4_0900_ai_ci', 'latin1_bin'],
      charsets: ['utf8mb4', 'latin1'],
      engines: ['InnoDB'],
    });
  });

  it('can be met by other collations', () => {
    const replaced = replaceCollations(statement, {
      utf8mb4_0900_ai_ci: 'utf8mb4_bin',
      latin1_bin: 'latin1_german1_ci',
    });
    expect(findNeeds(replaced).collations).toEqual(['utf8mb4_bin', 'latin1_german1_ci']);
    expect(replaced).toContain("'COLLATE x'");
  });
});

it('any text is taken apart without an end that is not there', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(renameSchema(text, '\u0001', 'b')).toBe(text);
      findDefiner(text);
      findNeeds(text);
    }),
  );
});
