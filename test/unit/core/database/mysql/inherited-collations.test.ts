import { describe, expect, it } from 'vitest';
import { withoutInheritedCollations } from '../../../../../src/core/database/mysql/inherited-collations.ts';

describe('collations that columns have from their table', () => {
  const table = (columns: string, options = 'DEFAULT CHARSET=latin1 COLLATE=latin1_german1_ci') =>
    `CREATE TABLE \`t\` (\n  ${columns},\n  KEY \`k\` (\`COLLATE\`)\n) ENGINE=InnoDB ${options} COMMENT='COLLATE=x (y'`;

  it.each([
    ['`a` char(3) COLLATE latin1_german1_ci DEFAULT NULL', '`a` char(3) DEFAULT NULL'],
    [
      "`COLLATE` enum('COLLATE latin1_german1_ci') COLLATE latin1_german1_ci COMMENT 'COLLATE latin1_german1_ci', `b` text COLLATE latin1_german1_ci",
      "`COLLATE` enum('COLLATE latin1_german1_ci') COMMENT 'COLLATE latin1_german1_ci', `b` text",
    ],
  ])('are not told: %s', (shown, kept) => {
    expect(withoutInheritedCollations(table(shown))).toBe(table(kept));
  });

  it.each([
    '`a` char(3) COLLATE latin1_bin',
    '`a` char(3) CHARACTER SET latin1 COLLATE latin1_german1_ci',
    "`a` int GENERATED ALWAYS AS ((_latin1'x' COLLATE latin1_german1_ci)) VIRTUAL",
  ])('are told where they are its own: %s', (shown) => {
    expect(withoutInheritedCollations(table(shown))).toBe(table(shown));
    const without = table(shown, 'DEFAULT CHARSET=latin1');
    expect(withoutInheritedCollations(without)).toBe(without);
  });
});
