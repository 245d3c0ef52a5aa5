import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tablePath } from '../../../../src/core/database/table-path.ts';
import { checkRestorePath } from '../../../../src/core/path/restore-path.ts';

describe('the path of a table', () => {
  it('reads as the table is called', () => {
    expect(tablePath('public', 'customer')).toBe('tables/public.customer');
    expect(tablePath('Verkauf', 'Übersicht (alt)')).toBe('tables/Verkauf.Übersicht (alt)');
  });

  it('is another one for every table, and one that stays in its folder', () => {
    const name = fc.string({ minLength: 1, unit: 'binary' });
    fc.assert(
      fc.property(name, name, name, name, (schemaA, nameA, schemaB, nameB) => {
        const a = tablePath(schemaA, nameA);
        const isSame = schemaA === schemaB && nameA === nameB;
        expect(a === tablePath(schemaB, nameB)).toBe(isSame);
        expect(a.split('/')).toHaveLength(2);
        expect(checkRestorePath(a, 'linux')?.hostile ?? false).toBe(false);
      }),
    );
    expect(tablePath('a.b', 'c')).not.toBe(tablePath('a', 'b.c'));
    expect(tablePath('a', '../../etc')).toBe('tables/a...%2F..%2Fetc');
  });
});
