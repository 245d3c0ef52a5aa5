import { describe, expect, it } from 'vitest';
import { deferKeys, referencedColumns } from '../../../../../src/core/database/mysql/deferred-keys.ts';

const table = (lines: readonly string[], options = ') ENGINE=InnoDB DEFAULT CHARSET=utf8mb4'): string =>
  ['CREATE TABLE `t` (', lines.map((line) => `  ${line}`).join(',\n'), options].join('\n');

const COLUMNS = [
  '`id` int(11) NOT NULL',
  "`a` text COMMENT 'KEY `x` (`a`),'",
  '`b``,c` int(11) DEFAULT NULL',
];
const KEYS = ['KEY `by a` (`a`(10),`id`) USING BTREE', "KEY `b` (`b``,c` DESC) COMMENT 'one, two'"];

describe('keys that are made when the rows are there', () => {
  it('are the plain ones of InnoDB, in their order', () => {
    const kept = [...COLUMNS, 'PRIMARY KEY (`id`)', 'UNIQUE KEY `u` (`a`(5))'];
    const full = 'FULLTEXT KEY `f` (`a`)';
    const check = 'CONSTRAINT `c` CHECK (`id` > 0)';
    expect(deferKeys(table([...kept, ...KEYS, full, check]), [])).toEqual({
      statement: table([...kept, full, check]),
      keys: KEYS,
    });
  });

  it('are only those behind the last that a foreign key, a counter or its own kind needs', () => {
    const foreign = 'CONSTRAINT `f` FOREIGN KEY (`b``,c`) REFERENCES `o` (`id`)';
    const last = 'KEY `last` (`id`)';
    expect(deferKeys(table([...COLUMNS, ...KEYS, last, foreign]), [])).toEqual({
      statement: table([...COLUMNS, ...KEYS, foreign]),
      keys: [last],
    });
    const counted = ['`n` bigint(20) NOT NULL AUTO_INCREMENT', '`m` int(11)', 'KEY `n` (`n`)'];
    expect(deferKeys(table(counted), []).keys).toEqual([]);
    const shape = [...COLUMNS, KEYS[0]!, 'SPATIAL KEY `s` (`g`)', KEYS[1]!];
    expect(deferKeys(table(shape), []).keys).toEqual([KEYS[1]]);
    const others = referencedColumns(['x CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `d`.`t` (`a`, `id`)']);
    expect(deferKeys(table([...COLUMNS, ...KEYS]), others.get('`t`') ?? []).keys).toEqual([KEYS[1]]);
  });

  it('are none of tables without them or of other engines', () => {
    const plain = table(COLUMNS);
    expect(deferKeys(plain, [])).toEqual({ statement: plain, keys: [] });
    const other = table([...COLUMNS, ...KEYS], ') ENGINE=MyISAM');
    expect(deferKeys(other, [])).toEqual({ statement: other, keys: [] });
    expect(deferKeys('CREATE SEQUENCE `s`', [])).toEqual({ statement: 'CREATE SEQUENCE `s`', keys: [] });
  });
});
