import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findDefiner,
  findNeeds,
  qualifyReferences,
  renameSchema,
  replaceCollations,
  withoutDefiner,
} from '../../../../../src/core/database/mysql/statement.ts';

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
      "SELECT `crm`.`t`.`crm`, crm . t, x.crm.y, @crm.z, 'crm.t' -- crm.t\n, /* crm.t */ crm FROM crm.t";
    expect(renameSchema(statement, 'crm', 'new`one')).toBe(
      "SELECT `new``one`.`t`.`crm`, `new``one` . t, x.crm.y, @crm.z, 'crm.t' -- crm.t\n, /* crm.t */ crm FROM `new``one`.t",
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
