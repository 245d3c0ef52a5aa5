import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entryPath } from '../../../src/cli/entry-path.ts';
import { UsageError } from '../../../src/cli/usage.ts';
import { temporaryFolder } from '../../build/tree.ts';

const roots = [
  { name: 'workspace', directory: '/crm' },
  { name: 'data', directory: '/crm/data' },
];

describe('a path that a user gives', () => {
  it.each([
    ['files/workspace/a', '/elsewhere', 'files/workspace/a'],
    ['files/workspace//a/', '/elsewhere', 'files/workspace/a'],
    ['databases/crm', '/crm', 'databases/crm'],
    ['custom/a.php', '/crm', 'files/workspace/custom/a.php'],
    ['../b', '/crm/custom', 'files/workspace/b'],
    ['/crm', '/', 'files/workspace'],
    ['.', '/crm/custom', 'files/workspace/custom'],
    ['data/x', '/crm', 'files/data/x'],
    ['x', '/crm/data', 'files/data/x'],
    ['./files/x', '/crm', 'files/workspace/files/x'],
    ['"files/workspace/new\\nline"', '/', 'files/workspace/new\nline'],
    ['"caf\\xe9"', '/crm', 'files/workspace/caf\udce9'],
    ['..a', '/crm', 'files/workspace/..a'],
  ])('%s in %s is %s', (input, cwd, expected) => {
    expect(entryPath(input, roots, cwd)).toBe(expected);
  });

  it('is refused when no root has it', () => {
    for (const input of ['/etc/passwd', '../crmx/a', '..']) {
      expect(() => entryPath(input, roots, '/crm')).toThrow(UsageError);
    }
  });

  it('is found in a root that is reached through a link', async () => {
    await using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'real'));
    symlinkSync('real', join(folder.path, 'link'));
    const linked = [{ name: 'workspace', directory: join(folder.path, 'link') }];
    expect(entryPath('a', linked, join(folder.path, 'real'))).toBe('files/workspace/a');
    expect(entryPath('a', linked, join(folder.path, 'link'))).toBe('files/workspace/a');
  });
});
