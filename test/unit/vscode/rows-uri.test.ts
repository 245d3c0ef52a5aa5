import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tablePath } from '../../../src/core/database/table-path.ts';
import { placeOfTable, rowsAddress, rowsTarget, tableName } from '../../../src/vscode/rows/rows-uri.ts';

test('an address names the rows it was made for, whatever they are called', () => {
  const version = fc.option(fc.string());
  const text = fc.string();
  const target = fc
    .record({ workspace: text, set: text, from: version, to: version, database: text, table: text })
    .filter(({ from, to }) => from !== null || to !== null);
  fc.assert(
    fc.property(target, text, (one, title) => {
      const { path, query } = rowsAddress(one, title);
      expect(rowsTarget(query)).toEqual(one);
      expect(path.slice(1)).not.toContain('/');
    }),
  );
});

test.each([
  '',
  'null',
  '[]',
  '["w","s",null,null,"d","t"]',
  '["w","s",1,"b","d","t"]',
  '{"set":"s"}',
  '["w"',
])('what is no address of rows names none: %s', (query) => expect(rowsTarget(query)).toBeUndefined());

test('a table is called by its name, with its schema where that is not the usual one', () => {
  const name = (schema: string, table: string, database = 'crm'): string =>
    tableName({ database, table: tablePath(schema, table) });
  expect(name('main', 'contact')).toBe('contact');
  expect(name('public', 'a/b: c')).toBe('a/b: c');
  expect(name('crm', 'contact')).toBe('contact');
  expect(name('audit', 'contact')).toBe('audit.contact');
  expect(name('main', '100 %')).toBe('100 %');
});

test('an entry of a backup is a table or none', () => {
  expect(placeOfTable('databases/crm/tables/main.a')).toEqual({ database: 'crm', table: 'tables/main.a' });
  for (const path of ['files/a/tables/b', 'databases/crm/schema.sql', 'databases/crm'])
    expect(placeOfTable(path)).toBeUndefined();
});
