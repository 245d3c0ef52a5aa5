import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { EntryChange } from '../../../../src/core/compare/change.ts';
import { formatPatch } from '../../../../src/core/compare/patch.ts';
import { readText } from '../../../../src/core/compare/content.ts';
import { compareBackups } from '../../../../src/core/compare.ts';
import { findRenames, renameCandidates } from '../../../../src/core/history/renames.ts';
import { HistoryRepository } from '../../../../src/core/history/repository.ts';
import { type BuiltVault, buildVault, type Content, storeBackup } from '../../../build/vault.ts';

const at = (path: string): string => `files/workspace/${path}`;
const text = (name: string): string =>
  Array.from({ length: 30 }, (_, number) => `${name} line ${number}\n`).join('');

async function differences(built: BuiltVault, before: Content, after: Content): Promise<EntryChange[]> {
  const base = await storeBackup(built.vault, before);
  const latest = await storeBackup(built.vault, after, { base });
  const changes: EntryChange[] = [];
  for await (const change of compareBackups(built.vault, base, latest)) changes.push(change);
  return changes;
}

function told(changes: readonly EntryChange[]): unknown[] {
  return changes.map(({ change, path, oldPath, similarity }) => [change, path, oldPath, similarity]);
}

describe('renames', () => {
  test('are found though the content changed, whatever the names', async () => {
    await using built = await buildVault();
    const repository = new HistoryRepository(join(built.directory, '../history'));
    const changes = await differences(
      built,
      { 'a.php': text('a'), 'same.txt': 'same\n', 'gone.txt': text('gone'), 'kept.txt': 'kept\n' },
      {
        'neu/.git\udce9\n“a”.php': `${text('a')}more\n`,
        'moved.txt': 'same\n',
        'new.txt': text('new'),
        'kept.txt': 'kept!\n',
      },
    );
    const found = await findRenames(repository, built.vault, changes, {});
    expect(told(found)).toEqual(
      [
        ['deleted', at('gone.txt'), undefined, undefined],
        ['modified', at('kept.txt'), undefined, undefined],
        ['renamed', at('moved.txt'), at('same.txt'), undefined],
        ['added', at('neu'), undefined, undefined],
        ['renamed', at('neu/.git\udce9\n“a”.php'), at('a.php'), expect.any(Number)],
        ['added', at('new.txt'), undefined, undefined],
      ].filter(([, path]) => found.some((change) => change.path === path)),
    );
    expect(found.filter(({ change }) => change === 'renamed')).toHaveLength(2);
    // Nothing of the contents stays behind.
    expect(readdirSync(repository.directory)).toEqual([]);
  });

  test('are told in a patch with how much stayed and what changed', async () => {
    await using built = await buildVault();
    const repository = new HistoryRepository(join(built.directory, '../history'));
    const left = ['compared-1-old', 'compared-1-new'].map((name) => join(repository.directory, name));
    for (const folder of left) mkdirSync(folder, { recursive: true });
    utimesSync(left[0]!, 1, 1);
    const changes = await differences(built, { 'a.php': text('a') }, { 'b.php': `${text('a')}more\n` });
    const [change] = await findRenames(repository, built.vault, changes, {});
    const patch = formatPatch(
      change!,
      await readText(built.vault, change!, (path) => expect.fail(path)),
    ).toString();
    expect(patch).toMatch(/\nsimilarity index 9\d%\nrename from files\/workspace\/a\.php\nrename to /);
    expect(patch).toContain('\n+more\n');
    expect(patch.match(/^[-+](?![-+])/gm)).toEqual(['+']);
    // What a killed process has left is removed in time.
    expect(readdirSync(repository.directory)).toEqual(['compared-1-new']);
  });

  test('need no git where nothing can be one', async () => {
    await using built = await buildVault();
    const repository = new HistoryRepository(join(built.directory, '../history'));
    const changes = await differences(
      built,
      { 'a.txt': 'one\n', 'b.txt': 'two\n', 'gone.txt': text('gone') },
      { 'a.txt': 'changed\n', 'c.txt': 'two\n', 'small.txt': 'too small to be it\n' },
    );
    vi.stubEnv('PATH', '');
    try {
      const found = await findRenames(repository, built.vault, changes, {});
      expect(found.find(({ path }) => path === at('c.txt'))).toMatchObject({ oldPath: at('b.txt') });
      expect(existsSync(repository.directory)).toBe(false);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('are looked for only among as many files as git itself compares', () => {
    const entry = { path: '', type: 'file', size: 100, mode: 0o644 } as const;
    const many = Array.from({ length: 1001 }, (_, number): EntryChange[] => [
      { path: `gone/${number}`, change: 'deleted', before: entry },
      { path: `new/${number}`, change: 'added', after: entry },
    ]).flat();
    expect(renameCandidates(many)).toEqual({ gone: [], fresh: [] });
    expect(renameCandidates(many.slice(0, 20))).toMatchObject({
      gone: { length: 10 },
      fresh: { length: 10 },
    });
  });

  test('of several comparisons at once do not meet', async () => {
    await using built = await buildVault();
    const repository = new HistoryRepository(join(built.directory, '../history'));
    const all = [];
    for (const name of ['a', 'b', 'c']) {
      all.push(await differences(built, { [name]: text(name) }, { [`${name}2`]: `${text(name)}more\n` }));
    }
    const found = await Promise.all(
      all.map(async (changes) => findRenames(repository, built.vault, changes, {})),
    );
    expect(found.flat().map(({ oldPath }) => oldPath)).toEqual([at('a'), at('b'), at('c')]);
  });
});
