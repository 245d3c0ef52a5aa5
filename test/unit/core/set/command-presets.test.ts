import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, type ParseError } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { presets } from '../../../../src/core/set/command-presets.ts';
import { parseSetFile } from '../../../../src/core/set/parse.ts';

const root = join(import.meta.dirname, '../../../..');

describe('the presets of databases by command', () => {
  it.each(presets)('of $label is a set file that is valid', ({ dump, restore, env }) => {
    const databases = [{ name: 'legacy', command: { dump, restore, env } }];
    const text = JSON.stringify({ version: 1, sets: [{ name: 'crm', databases }] });
    expect(() => parseSetFile(text)).not.toThrow();
  });

  it('are documented as they are', () => {
    const text = readFileSync(join(root, 'docs/databases.md'), 'utf8');
    const documented = [...text.matchAll(/```jsonc\n("command": \{[^`]*?\n\})\n```/g)].map(
      ([, block = '']) => {
        const errors: ParseError[] = [];
        const { command } = parse(`{${block}}`, errors) as { command: object };
        expect(errors).toEqual([]);
        return command;
      },
    );
    expect(documented).toEqual(presets.map(({ dump, restore, env }) => ({ dump, restore, env })));
  });

  it('have no password in an argument', () => {
    for (const { dump, restore } of presets)
      expect(dump + restore).not.toMatch(/\$\{|[a-z]+:\/\/[^ ]*:[^ ]*@/);
  });
});
