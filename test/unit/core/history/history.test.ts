import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { dropForgottenHistory, historyOf, withHistory } from '../../../../src/core/history.ts';
import { fileHistory } from '../../../../src/core/history/file-history.ts';
import { lineOrigins } from '../../../../src/core/history/line-origins.ts';
import { toMirrorPath } from '../../../../src/core/history/mirror-path.ts';
import { HistoryRepository } from '../../../../src/core/history/repository.ts';
import { searchText } from '../../../../src/core/history/search-text.ts';
import { processSurroundings } from '../../../../src/core/surroundings.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { type BuiltVault, buildVault, type Content, storeBackup } from '../../../build/vault.ts';
import { git } from '../../../build/git.ts';
import { makeTree, temporaryFolder, treeOf } from '../../../build/tree.ts';

const at = (path: string): string => `files/workspace/${path}`;

/** A vault with one backup for each content, and the place for its history. */
async function buildHistory(
  ...contents: readonly Content[]
): Promise<{ built: BuiltVault; records: BackupRecord[]; repository: HistoryRepository }> {
  const built = await buildVault();
  const records: BackupRecord[] = [];
  for (const content of contents) await add(built, records, content);
  return { built, records, repository: new HistoryRepository(join(built.directory, '../history')) };
}

/** Takes one more backup; `records` is newest first. */
async function add(
  built: BuiltVault,
  records: BackupRecord[],
  content: Content,
  label?: string,
): Promise<void> {
  const createdAt = new Date(Date.UTC(2026, 0, 1, 12, records.length)).toISOString();
  const base = records[0];
  const options = { base, createdAt, ...(label === undefined ? {} : { label }) };
  records.unshift(await storeBackup(built.vault, content, options));
}

/** What git has for each backup, oldest first: its files with their text. */
async function mirrored(repository: HistoryRepository, records: readonly BackupRecord[]): Promise<unknown[]> {
  const trees = records.toReversed().map(async ({ id }) => {
    const told = await repository.run(['ls-tree', '-r', '-z', `refs/tags/${id}`]);
    const lines = told.split('\0').filter((line) => line !== '');
    const files = lines.map(async (line) => {
      const [, blob = '', path = ''] = /^\d+ blob (\w+)\t(.*)$/s.exec(line) ?? [];
      const text = await repository.run(['cat-file', 'blob', blob]);
      return [path, text.startsWith('\0') ? 'no text' : text] as const;
    });
    return Object.fromEntries(await Promise.all(files));
  });
  return Promise.all(trees);
}

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

  test('leaves forgotten backups out, with their text, and takes them in again', async () => {
    const { built, records, repository } = await buildHistory(
      { 'a.txt': 'one\n' },
      { 'a.txt': 'two\n', 'secret.txt': 'only here\n' },
      { 'a.txt': 'three\n' },
    );
    await using _built = built;
    const open = async (kept: readonly BackupRecord[]): Promise<void> =>
      withHistory(repository, built.vault, kept, {}, async () => Promise.resolve());
    await open(records);
    const blob = git(repository.gitDirectory, 'rev-parse', `${records[1]!.id}:${at('secret.txt')}`);
    const kept = [records[0]!, records[2]!];
    await open(kept);
    expect(await mirrored(repository, kept)).toEqual([
      { [at('a.txt')]: 'one\n' },
      { [at('a.txt')]: 'three\n' },
    ]);
    expect(git(repository.gitDirectory, 'rev-list', '--count', 'backups')).toBe('2');
    expect(() => git(repository.gitDirectory, 'cat-file', '-e', blob)).toThrow();
    await open(records);
    expect(await mirrored(repository, records)).toHaveLength(3);
    expect(git(repository.gitDirectory, 'cat-file', '-p', blob)).toBe('only here');
    await open([]);
    expect(git(repository.gitDirectory, 'for-each-ref')).toBe('');
  });

  test('holds after every change of the list of backups exactly what these hold', async () => {
    await using built = await buildVault();
    const repository = new HistoryRepository(join(built.directory, '../history'));
    const all: BackupRecord[] = [];
    const contents = new Map<string, Content>();
    let kept: BackupRecord[] = [];
    const name = fc.constantFrom('a', 'a/b', 'a/b/c', 'd', 'e/.git/f');
    const files = fc.dictionary(name, fc.constantFrom('one\n', 'two\n', 'bin\0', ''), { maxKeys: 4 });
    const step = fc.record({
      content: files,
      keep: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(step, async ({ content, keep }) => {
        const paths = Object.keys(content);
        fc.pre(!paths.some((path) => paths.some((other) => other.startsWith(`${path}/`))));
        await add(built, all, content);
        contents.set(all[0]!.id, content);
        kept = all.slice(0, 12).filter((_, number) => number === 0 || keep[number] === true);
        await withHistory(repository, built.vault, kept, {}, async () => Promise.resolve());
        const wanted = kept.toReversed().map(({ id }) => {
          const entries = Object.entries(contents.get(id)!);
          return Object.fromEntries(
            entries.map(([path, text]) => [
              toMirrorPath(at(path)),
              String(text).includes('\0') ? 'no text' : String(text),
            ]),
          );
        });
        expect(await mirrored(repository, kept)).toEqual(wanted);
        expect(git(repository.gitDirectory, 'rev-list', '--count', 'backups')).toBe(String(kept.length));
      }),
      { numRuns: 12, endOnFailure: true },
    );
    expect(git(repository.gitDirectory, 'fsck', '--strict')).not.toMatch(/error|missing|corrupt/);
  }, 60_000);

  test('does not keep the text of a backup that was forgotten and pruned', async () => {
    const { built, records } = await buildHistory({ 'a.txt': 'one\n' }, { 'secret.txt': 'only here\n' });
    await using _built = built;
    const surroundings = {
      ...processSurroundings(),
      env: { CRM_BACKUP_CACHE: join(built.directory, '../cache') },
    };
    const repository = historyOf(surroundings, built.vault, 'test');
    await dropForgottenHistory(surroundings, built.vault, ['test'], {});
    expect(await repository.exists()).toBe(false);
    await withHistory(repository, built.vault, records, {}, async () => Promise.resolve());
    const blob = git(repository.gitDirectory, 'rev-parse', `${records[0]!.id}:${at('secret.txt')}`);
    await built.vault.forget(records[0]!.id);
    await add(built, records, { 'a.txt': 'not mirrored by this\n' });
    await dropForgottenHistory(surroundings, built.vault, [], {});
    expect(() => git(repository.gitDirectory, 'cat-file', '-e', blob)).toThrow();
    expect(git(repository.gitDirectory, 'rev-list', '--count', 'backups')).toBe('1');
    for (const { id } of (await built.vault.records()).records) await built.vault.forget(id);
    await dropForgottenHistory(surroundings, built.vault, ['test'], {});
    expect(git(repository.gitDirectory, 'count-objects', '-v')).toMatch(/^count: 0$[^]*^in-pack: 0$/m);
    vi.stubEnv('PATH', built.directory);
    try {
      await dropForgottenHistory(surroundings, built.vault, ['test'], {});
      expect(await repository.exists()).toBe(false);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('is written anew when it was deleted, damaged, or its writer was killed', async () => {
    const { built, records, repository } = await buildHistory({ 'a.txt': 'one\n' }, { 'a.txt': 'two\n' });
    await using _built = built;
    const both = [{ [at('a.txt')]: 'one\n' }, { [at('a.txt')]: 'two\n' }];
    const check = async (): Promise<void> => {
      const versions = await withHistory(repository, built.vault, records, {}, async (history) =>
        fileHistory(history, at('a.txt'), {}),
      );
      expect(versions).toHaveLength(2);
      expect(await mirrored(repository, records)).toEqual(both);
    };
    await check();
    await repository.remove();
    await check();
    const packs = join(repository.gitDirectory, 'objects/pack');
    for (const name of readdirSync(packs)) {
      if (name.endsWith('.pack')) truncateSync(join(packs, name), 10);
    }
    await check();
    writeFileSync(join(packs, 'tmp_pack_Ab12'), 'left by a kill');
    writeFileSync(join(repository.gitDirectory, 'refs/heads/backups.lock'), '');
    await add(built, records, { 'a.txt': 'three\n' });
    both.push({ [at('a.txt')]: 'three\n' });
    await withHistory(repository, built.vault, records, {}, async () => Promise.resolve());
    expect(await mirrored(repository, records)).toEqual(both);
    expect(readdirSync(packs)).not.toContain('tmp_pack_Ab12');
  });

  test('is whole after being cancelled at any step', async () => {
    const contents = Array.from({ length: 6 }, (_, number) => ({
      'a.txt': lines(number),
      [`b${number}.bin`]: Buffer.alloc(300_000, `${number}`),
    }));
    const { built, records, repository } = await buildHistory(...contents);
    await using _built = built;
    for (let stopAt = 0; stopAt < 6; stopAt++) {
      const controller = new AbortController();
      const progress = ({ done }: { done: number }): void => {
        if (done === 2 * stopAt + 1) controller.abort();
      };
      const opening = withHistory(
        repository,
        built.vault,
        records.slice(stopAt % 3),
        { signal: controller.signal, progress },
        async () => Promise.resolve(),
      );
      await opening.catch((error: unknown) => expect(error).toMatchObject({ code: 'cancelled' }));
    }
    await withHistory(repository, built.vault, records, {}, async () => Promise.resolve());
    const found = (await mirrored(repository, records)) as Record<string, string>[];
    expect(found.map((files) => files[at('a.txt')])).toEqual(
      oneToTwenty.slice(0, 6).map((n) => lines(n - 1)),
    );
    expect(git(repository.gitDirectory, 'fsck', '--strict')).not.toMatch(/error|missing|corrupt/);
  });

  test('is read and written by several at once', async () => {
    const { built, records, repository } = await buildHistory({ 'a.txt': 'one\n' }, { 'a.txt': 'two\n' });
    await using _built = built;
    const all = await Promise.all(
      [records, records.slice(1), records, records.slice(1)].map(async (kept) =>
        withHistory(repository, built.vault, kept, {}, async (history) =>
          fileHistory(history, at('a.txt'), {}),
        ),
      ),
    );
    expect(all.map((versions) => versions.length)).toEqual([2, 1, 2, 1]);
  });

  test('says that git is missing', async () => {
    const { built, records, repository } = await buildHistory({ 'a.txt': 'one\n' });
    await using _built = built;
    vi.stubEnv('PATH', built.directory);
    try {
      const opening = withHistory(repository, built.vault, records, {}, async () => Promise.resolve());
      await expect(opening).rejects.toMatchObject({ code: 'no-git', message: 'git was not found.' });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('does not depend on the user’s configuration of git', async () => {
    const { built, records, repository } = await buildHistory({ 'a.txt': 'one\n' }, { 'a.txt': 'two\n' });
    await using _built = built;
    const home = join(built.directory, '..');
    writeFileSync(
      join(home, '.gitconfig'),
      '[diff]\n\texternal = false\n[log]\n\tshowSignature = true\n[core]\n\tquotePath = false\n[safe]\n\tbareRepository = explicit\n',
    );
    vi.stubEnv('HOME', home);
    try {
      const versions = await withHistory(repository, built.vault, records, {}, async (history) =>
        fileHistory(history, at('a.txt'), {}),
      );
      expect(versions.map(({ added, deleted }) => [added, deleted])).toEqual([
        [1, 1],
        [1, 0],
      ]);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(readFileSync(join(repository.gitDirectory, 'HEAD'), 'utf8')).toContain('refs/heads/backups');
  });
});
