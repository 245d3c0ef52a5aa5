import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderSchema, schemaFile } from '../../../../scripts/schema.mjs';

it('the JSON schema of the set file is the one its definition gives (else run scripts/schema.mjs)', async () => {
  expect(readFileSync(schemaFile, 'utf8')).toBe(await renderSchema());
});

it('every key of the JSON schema tells an editor what it is', () => {
  const undescribed: string[] = [];
  function visit(node: unknown, path: string): void {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries((node as { properties?: object }).properties ?? {})) {
      if (typeof (value as { description?: unknown }).description !== 'string')
        undescribed.push(`${path}.${key}`);
      visit(value, `${path}.${key}`);
    }
    visit((node as { items?: unknown }).items, path);
  }
  visit(JSON.parse(readFileSync(schemaFile, 'utf8')), '');
  expect(undescribed).toEqual([]);
});
