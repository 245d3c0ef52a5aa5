import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { withHistory } from '../../../../src/core/history.ts';
import { fileHistory } from '../../../../src/core/history/file-history.ts';
import { lineOrigins } from '../../../../src/core/history/line-origins.ts';
import { HistoryRepository } from '../../../../src/core/history/repository.ts';
import { searchText } from '../../../../src/core/history/search-text.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { buildVault, unable } from '../../../build/vault.ts';
import { git } from '../../../build/git.ts';
import { add, at, buildHistory, mirrored } from '../../../build/history.ts';
import { makeTree, temporaryFolder, treeOf } from '../../../build/tree.ts';

const lines = (...numbers: number[]): string => numbers.map((number) => `line ${number}\n`).join('');
const oneToTwenty = Array.from({ length: 20 }, (_, number) => number + 1);

describe('the history of a set', () => {
  test('has one commit a backup, with its time, kind and label, and its text', async () => {
    const { built, records, repository } = await buildHistory({ 'a.txt': 'one\n', 'b/c.txt': 'two\n' });
    await using _built = built;
    await add(built, records, { 'a.txt': 'one\nmore\n' }, 'Before “php rebuild.php”\nand more');
    await withHistory(repository, built.vault, records, {}, async () => Promise.resolve());
    expect(await mirrored(repository, records)).toEqual([
      { [at('a.txt')]: 'one\n', [at('b/c.txt')]: 'two\n' },
      { [at('a.txt')]: 'one\nmore\n' },
    ]);
    const log = await repository.run(['log', '--format=%s|%at|%D', '--decorate=full', 'refs/heads/backups']);
    const [latest, first] = records;
    expect(log.trim().split('\n')).toEqual([
      `incremental: Before “php rebuild.php” and more|${Date.UTC(2026, 0, 1, 12, 1) / 1000}|HEAD -> refs/heads/backups, tag: refs/tags/${latest!.id}`,
      `full|${Date.UTC(2026, 0, 1, 12) / 1000}|tag: refs/tags/${first!.id}`,
    ]);
  });

  test('is made on first need, for its owner only, and written no second time', async () => {
    const { built, records, repository } = await buildHistory({ 'a.txt': 'one\n' });
    await using _built = built;
    expect(existsSync(repository.directory)).toBe(false);
    const open = async (): Promise<void> =>
      withHistory(repository, built.vault, records, {}, async () => Promise.resolve());
    await open();
    for (const path of [repository.directory, repository.gitDirectory]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
    const packs = (): string[] => readdirSync(join(repository.gitDirectory, 'objects/pack')).sort();
    const before = packs();
    await open();
    expect(packs()).toEqual(before);
  });

  test('keeps every name and gives none of them a meaning', async () => {
    const names = [
      'quote"back\\slash',
      'new\nline\ttab',
      '中文/ünï.php',
      'latin-\udce9.txt',
      'private-\uf7e9-\uf700.txt',
      '.git/config',
      'sub/.gitattributes',
      '.GITMODULES',
      '*?[glob].txt',
      ':(top)magic',
      ' space ',
      '-S',
    ];
    const content = Object.fromEntries(names.map((name) => [name, `${JSON.stringify(name)}\n`]));
    const { built, records, repository } = await buildHistory(content, {
      ...content,
      ...Object.fromEntries(names.map((name) => [name, `${JSON.stringify(name)}\nchanged\n`])),
      'sub/.gitattributes': '* -diff binary\n',
    });
    await using _built = built;
    await withHistory(repository, built.vault, records, {}, async (history) => {
      for (const name of names) {
        const versions = await fileHistory(history, at(name), {});
        const told = versions.map(({ record, change, path }) => [record.id, change, path]);
        expect(told, name).toEqual([
          [records[0]!.id, 'modified', at(name)],
          [records[1]!.id, 'added', at(name)],
        ]);
        expect(versions[1]?.added, name).toBe(1);
      }
    });
  });

  test('keeps what is in a folder that got another mode', async () => {
    await using built = await buildVault();
    await using folder = temporaryFolder();
    const directory = join(folder.path, 'workspace');
    const roots = [{ name: 'workspace', directory, include: [], exclude: [] }];
    const records: BackupRecord[] = [];
    makeTree(directory, treeOf({ 'a/b/c.txt': 'deep\n', d: 'beside\n' }));
    for (const path of ['a', '', 'a/b']) {
      records.unshift(await backUp(built.vault, { name: 'test', roots, databases: [] }, { kind: 'auto' }));
      chmodSync(join(directory, path), 0o710);
    }
    const repository = new HistoryRepository(join(folder.path, 'history'));
    await withHistory(repository, built.vault, records, {}, async () => Promise.resolve());
    const all = { [at('a/b/c.txt')]: 'deep\n', [at('d')]: 'beside\n' };
    expect(await mirrored(repository, records)).toEqual([all, all, all]);
  });

  test('has links, programs, and a folder where a file was, as real backups hold them', async () => {
    await using built = await buildVault();
    await using folder = temporaryFolder();
    const directory = join(folder.path, 'workspace');
    const roots = [{ name: 'workspace', directory, include: [], exclude: [] }];
    const records: BackupRecord[] = [];
    for (const tree of [
      treeOf({
        'a/b.txt': 'deep\n',
        c: 'a file\n',
        'run.sh': '#!/bin/sh\n',
        'empty/': '',
        to: { link: 'c' },
      }),
      treeOf({
        a: 'now a file\n',
        'c/d/e.txt': 'now a folder\n',
        'run.sh': { link: 'a' },
        to: 'now a file\n',
      }),
    ]) {
      rmSync(directory, { recursive: true, force: true });
      makeTree(directory, tree);
      if (records.length === 0) chmodSync(join(directory, 'run.sh'), 0o755);
      records.unshift(await backUp(built.vault, { name: 'test', roots, databases: [] }, { kind: 'auto' }));
    }
    const repository = new HistoryRepository(join(folder.path, 'history'));
    await withHistory(repository, built.vault, records, {}, async () => Promise.resolve());
    expect(await mirrored(repository, records)).toEqual([
      { [at('a/b.txt')]: 'deep\n', [at('c')]: 'a file\n', [at('run.sh')]: '#!/bin/sh\n', [at('to')]: 'c' },
      {
        [at('a')]: 'now a file\n',
        [at('c/d/e.txt')]: 'now a folder\n',
        [at('run.sh')]: 'a',
        [at('to')]: 'now a file\n',
      },
    ]);
    const modes = git(
      repository.gitDirectory,
      'log',
      '--raw',
      '--no-abbrev',
      '--reverse',
      '--',
      at('run.sh'),
      at('to'),
    );
    expect([...modes.matchAll(/^:(\d+ \d+) .* (\w)\t/gm)].map(([, mode, status]) => [mode, status])).toEqual([
      ['000000 100755', 'A'],
      ['000000 120000', 'A'],
      ['100755 120000', 'T'],
      ['120000 100644', 'T'],
    ]);
  });

  test('follows a file through renames, and says how many lines each version changed', async () => {
    const { built, records, repository } = await buildHistory(
      { 'old.php': lines(...oneToTwenty), 'x.txt': 'x\n' },
      { 'old.php': lines(...oneToTwenty), 'x.txt': 'y\n' },
      { 'new/name.php': lines(...oneToTwenty, 21), 'x.txt': 'y\n' },
      { 'new/name.php': lines(...oneToTwenty.slice(1), 21), 'x.txt': 'y\n' },
      { 'x.txt': 'y\n' },
    );
    await using _built = built;
    await withHistory(repository, built.vault, records, {}, async (history) => {
      const versions = await fileHistory(history, at('new/name.php'), {});
      expect(
        versions.map(({ record, change, oldPath, added, deleted }) => {
          return [records.indexOf(record), change, oldPath, added, deleted];
        }),
      ).toEqual([
        [0, 'deleted', undefined, 0, 20],
        [1, 'modified', undefined, 0, 1],
        [2, 'renamed', at('old.php'), 1, 0],
        [4, 'added', undefined, 20, 0],
      ]);
      expect(await fileHistory(history, at('never.php'), {})).toEqual([]);
    });
  });

  /** A file as such projects have them: most of it is what each of them begins with. */
  const licensed = (name: string, ...body: readonly string[]): string =>
    `${lines(...oneToTwenty)}class ${name} {\n${body.join('\n')}\n}\n`;

  test.each([
    {
      name: 'a file that is much like another one, which stays',
      of: 'Invoice.php',
      contents: [
        { 'Account.php': licensed('Account', 'a') },
        { 'Account.php': licensed('Account', 'b') },
        { 'Account.php': licensed('Account', 'b'), 'Invoice.php': licensed('Invoice', 'a') },
        { 'Account.php': licensed('Account', 'b'), 'Invoice.php': licensed('Invoice', 'b') },
      ],
      versions: ['3 modified Invoice.php', '2 added Invoice.php'],
    },
    {
      name: 'an exact copy',
      of: 'copy.php',
      contents: [{ 'a.php': 'one\n' }, { 'a.php': 'two\n' }, { 'a.php': 'two\n', 'copy.php': 'two\n' }],
      versions: ['2 added copy.php'],
    },
    {
      name: 'a file that was deleted, and came again as a copy',
      of: 'config.php',
      contents: [
        { 'config.php': 'old 1\n', 'new.php': licensed('New') },
        { 'config.php': 'old 2\n', 'new.php': licensed('New') },
        { 'new.php': licensed('New') },
        { 'config.php': licensed('New'), 'new.php': licensed('New') },
        { 'config.php': licensed('New', 'x'), 'new.php': licensed('New') },
      ],
      versions: [
        '4 modified config.php',
        '3 added config.php',
        '2 deleted config.php',
        '1 modified config.php',
        '0 added config.php',
      ],
    },
    {
      name: 'a file that took the place of one that was deleted',
      of: 'config.php',
      contents: [
        { 'config.php': 'old\n', 'new.php': licensed('New') },
        { 'new.php': licensed('New', 'x') },
        { 'config.php': licensed('New', 'y') },
      ],
      versions: [
        '2 renamed config.php',
        '1 deleted config.php',
        '1 modified new.php',
        '0 added config.php',
        '0 added new.php',
      ],
    },
    {
      name: 'a file that went and came back',
      of: 'a.php',
      contents: [
        { 'a.php': licensed('A', '1') },
        { 'b.php': licensed('A', '2') },
        { 'b.php': licensed('A', '3') },
        { 'a.php': licensed('A', '3') },
      ],
      versions: ['3 renamed a.php', '2 modified b.php', '1 renamed b.php', '0 added a.php'],
    },
    {
      name: 'a file that came where an empty one went',
      of: 'new/index.html',
      contents: [{ 'old/index.html': '' }, { 'new/index.html': '' }],
      versions: ['1 added new/index.html'],
    },
  ])('tells the versions of $name', async ({ of, contents, versions }) => {
    const { built, records, repository } = await buildHistory(...contents);
    await using _built = built;
    await withHistory(repository, built.vault, records, {}, async (history) => {
      const told = await fileHistory(history, at(of), {});
      expect(
        told.map(({ record, change, path }) => {
          return `${records.length - 1 - records.indexOf(record)} ${change} ${path.slice(at('').length)}`;
        }),
      ).toEqual(versions);
    });
  });

  test('does not take for deleted what a backup could not read', async () => {
    const there = { 'a/x.php': 'needle\n', 'a/y.php': 'one\n', 'z.php': 'z\n' };
    const { built, records, repository } = await buildHistory(
      there,
      { 'z.php': 'z\n', 'new.php': 'needle\n' },
      { ...there, 'a/y.php': 'one\nmore\n' },
      { 'z.php': 'z\n' },
      { 'z.php': 'changed\n' },
      { 'z.php': 'changed\n', 'a/x.php': 'needle\n' },
    );
    await using _built = built;
    const partial = records.map((record, number) => {
      return number === 4 || number === 2 ? unable(record, at('a')) : record;
    });
    const told = async (path: string): Promise<unknown> =>
      withHistory(repository, built.vault, partial, {}, async (history) => {
        const versions = await fileHistory(history, at(path), {});
        return versions.map(({ record, change }) => `${6 - partial.indexOf(record)} ${change}`);
      });
    expect(await told('a/x.php')).toEqual(['6 added', '5 deleted', '1 added']);
    expect(await told('a/y.php')).toEqual(['5 deleted', '3 modified', '1 added']);
    expect(await told('new.php')).toEqual(['3 deleted', '2 added']);
    await withHistory(repository, built.vault, partial, {}, async (history) => {
      const query = { text: 'needle', regex: false, ignoreCase: false, paths: [at('a')] };
      const found = await searchText(history, query, {});
      expect(found.map(({ record, change }) => `${6 - partial.indexOf(record)} ${change}`)).toEqual([
        '6 added',
        '5 deleted',
        '1 added',
      ]);
      const origins = await lineOrigins(history, partial[3]!.id, at('a/y.php'), {});
      expect(origins.map(({ record }) => 6 - partial.indexOf(record))).toEqual([1, 3]);
    });
  });

  test('has no file whose name hides another', async () => {
    const mean = `\u0001${'0123456789'.repeat(4)}`;
    const { built, records, repository } = await buildHistory({ [mean]: 'needle\n', 'z.txt': 'needle\n' });
    await using _built = built;
    await withHistory(repository, built.vault, records, {}, async (history) => {
      const query = { text: 'needle', regex: false, ignoreCase: false, paths: [] };
      const found = await searchText(history, query, {});
      expect(found.map(({ path }) => path)).toEqual([at(mean), at('z.txt')]);
    });
  });

  test('knows of what is no text or is large only that it changed', async () => {
    const large = 'x'.repeat(1024 * 1024 + 1);
    const { built, records, repository } = await buildHistory(
      { 'a.png': 'secret\0one', 'large.txt': large },
      { 'a.png': 'secret\0two', 'large.txt': `${large}y` },
    );
    await using _built = built;
    await withHistory(repository, built.vault, records, {}, async (history) => {
      for (const name of ['a.png', 'large.txt']) {
        const versions = await fileHistory(history, at(name), {});
        expect(versions.map(({ change, added }) => [change, added])).toEqual([
          ['modified', undefined],
          ['added', undefined],
        ]);
        expect(await lineOrigins(history, records[0]!.id, at(name), {})).toEqual([]);
      }
    });
    expect(await mirrored(repository, records)).toEqual([
      { [at('a.png')]: 'no text', [at('large.txt')]: 'no text' },
      { [at('a.png')]: 'no text', [at('large.txt')]: 'no text' },
    ]);
  });

  test('says of every line in which backup it was changed', async () => {
    const { built, records, repository } = await buildHistory(
      { 'a.php': lines(1, 2, 3, 4) },
      { 'a.php': lines(1, 22, 3, 4) },
      { 'a.php': lines(1, 22, 3, 4, 5, 6) },
    );
    await using _built = built;
    await withHistory(repository, built.vault, records, {}, async (history) => {
      const origins = await lineOrigins(history, records[0]!.id, at('a.php'), {});
      expect(origins.map(({ line, count, record }) => [line, count, records.indexOf(record)])).toEqual([
        [1, 1, 2],
        [2, 1, 1],
        [3, 2, 2],
        [5, 2, 0],
      ]);
      const before = await lineOrigins(history, records[2]!.id, at('a.php'), {});
      expect(before.map(({ line, count }) => [line, count])).toEqual([[1, 4]]);
      expect(await lineOrigins(history, records[0]!.id, at('b.php'), {})).toEqual([]);
    });
  });

  test('finds the backups that brought a text or took it away', async () => {
    const { built, records, repository } = await buildHistory(
      { 'a.php': 'nothing\n', 'b.php': 'nothing\n' },
      { 'a.php': 'nothing\nneedle --here\n', 'b.php': 'nothing\n' },
      { 'a.php': 'nothing\nNeedle --here\n', 'b.php': 'nothing\n', 'sub/c.php': 'needle --here\n' },
      { 'a.php': 'nothing\nNeedle --here\n' },
      { 'renamed.php': 'nothing\nNeedle --here\n' },
      { 'again.php': 'nothing\nNeedle --here\nNeedle\n' },
    );
    await using _built = built;
    await withHistory(repository, built.vault, records, {}, async (history) => {
      const search = async (text: string, options: object = {}): Promise<unknown[]> => {
        const query = { text, regex: false, ignoreCase: false, paths: [], ...options };
        const found = await searchText(history, query, {});
        // The last two only rename.
        return found.map(({ record, change, path }) => [records.indexOf(record) - 2, change, path]);
      };
      const [renamed] = await searchText(
        history,
        { text: 'Needle', regex: false, ignoreCase: false, paths: [] },
        {},
      );
      expect([records.indexOf(renamed!.record), renamed?.change, renamed?.path, renamed?.oldPath]).toEqual([
        0,
        'renamed',
        at('again.php'),
        at('renamed.php'),
      ]);
      expect(await search('needle --here')).toEqual([
        [0, 'deleted', at('sub/c.php')],
        [1, 'modified', at('a.php')],
        [1, 'added', at('sub/c.php')],
        [2, 'modified', at('a.php')],
      ]);
      // Where only one path is looked at, what leaves it is gone.
      expect(await search('needle --here', { ignoreCase: true, paths: [at('a.php')] })).toEqual([
        [-1, 'deleted', at('a.php')],
        [2, 'modified', at('a.php')],
      ]);
      expect(await search('^[Nn]eed.e', { regex: true, paths: [at('sub')] })).toEqual([
        [0, 'deleted', at('sub/c.php')],
        [1, 'added', at('sub/c.php')],
      ]);
      expect(await search('--here')).toHaveLength(3);
      expect(await search('in no backup')).toEqual([]);
    });
    const { ino } = statSync(repository.gitDirectory);
    const query = { text: '[', regex: true, ignoreCase: false, paths: [] };
    const searching = withHistory(repository, built.vault, records, {}, async (history) =>
      searchText(history, query, {}),
    );
    await expect(searching).rejects.toMatchObject({ code: 'invalid-pattern' });
    // Nothing is wrong with the repository, so it stays.
    expect(statSync(repository.gitDirectory).ino).toBe(ino);
  });
});
