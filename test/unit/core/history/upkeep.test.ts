import { execFileSync } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { dropForgottenHistory, historyOf, withHistory } from '../../../../src/core/history.ts';
import { fileHistory } from '../../../../src/core/history/file-history.ts';
import { fileVersions } from '../../../../src/core/history/file-versions.ts';
import { toMirrorPath } from '../../../../src/core/history/mirror-path.ts';
import { HistoryRepository } from '../../../../src/core/history/repository.ts';
import { searchText, type TextMatch, type TextQuery } from '../../../../src/core/history/search-text.ts';
import { processSurroundings } from '../../../../src/core/surroundings.ts';
import { unreadBecause } from '../../../../src/core/unread.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { type BuiltVault, buildVault, type Content, objectsIn, unable } from '../../../build/vault.ts';
import { git } from '../../../build/git.ts';
import { add, at, buildHistory, mirrored } from '../../../build/history.ts';
import { temporaryFolder } from '../../../build/tree.ts';

/** What is found of a text. */
async function searchIn(
  repository: HistoryRepository,
  { vault }: BuiltVault,
  records: readonly BackupRecord[],
  query: Partial<TextQuery>,
): Promise<TextMatch[]> {
  const whole = { text: '', regex: false, ignoreCase: false, paths: [], ...query };
  return withHistory(repository, vault, records, {}, async (history) => searchText(history, whole, {}));
}

/** Has a line of shell run before each git, which is `$git` there, until it is disposed of; it counts how often. */
function tapGit(line: string): AsyncDisposable & { readonly runs: () => number } {
  const folder = temporaryFolder();
  const real = execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const log = join(folder.path, 'log');
  const script = ['#!/bin/sh', `git='${real}'`, `echo >> '${log}'`, line, 'exec "$git" "$@"', ''].join('\n');
  writeFileSync(join(folder.path, 'git'), script, { mode: 0o755 });
  vi.stubEnv('PATH', `${folder.path}:${process.env['PATH']}`);
  return {
    runs: () => (existsSync(log) ? statSync(log).size : 0),
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A history whose vault can lose a pack. */
interface Damaged {
  readonly built: BuiltVault;
  /** Newest first. */
  readonly records: readonly BackupRecord[];
  readonly repository: HistoryRepository;
  /** The pack. */
  readonly file: string;
  /** Where it can be put. */
  readonly aside: string;
}

describe('the history of a set, kept up with its backups,', () => {
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

  test('holds after every change of the list of backups what these hold, and what one could not read as it was', async () => {
    await using built = await buildVault();
    const repository = new HistoryRepository(join(built.directory, '../history'));
    const all: BackupRecord[] = [];
    const contents = new Map<string, Content>();
    let kept: BackupRecord[] = [];
    const name = fc.constantFrom('a', 'a/b', 'a/b/c', 'd', 'e/.git/f');
    const files = fc.dictionary(name, fc.constantFrom('one\n', 'two\n', 'bin\0', ''), { maxKeys: 4 });
    const step = fc.record({
      content: files,
      unread: fc.option(fc.constantFrom('', 'a', 'a/b', 'd', 'e'), { nil: undefined }),
      keep: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
    });
    /** What each of the backups has, and what stays of the one before because it could not be read. */
    const wanted = (): unknown[] => {
      let before: Readonly<Record<string, string>> = {};
      return kept.toReversed().map((record) => {
        const held = Object.keys(contents.get(record.id)!);
        const stays = Object.keys(before).filter((path) => {
          const isInTheWay = held.some(
            (other) => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`),
          );
          return !isInTheWay && unreadBecause(record, at(path)) !== undefined;
        });
        before = {
          ...Object.fromEntries(stays.map((path) => [path, before[path]!])),
          ...Object.fromEntries(
            Object.entries(contents.get(record.id)!).map(([path, text]) => [
              path,
              String(text).includes('\0') ? 'no text' : String(text),
            ]),
          ),
        };
        return Object.fromEntries(
          Object.entries(before).map(([path, text]) => [toMirrorPath(at(path)), text]),
        );
      });
    };
    await fc.assert(
      fc.asyncProperty(step, async ({ content, unread, keep }) => {
        const paths = Object.keys(content);
        fc.pre(!paths.some((path) => paths.some((other) => other.startsWith(`${path}/`))));
        await add(built, all, content);
        if (unread !== undefined) all[0] = unable(all[0]!, at(unread).replace(/\/$/, ''));
        contents.set(all[0]!.id, content);
        kept = all.slice(0, 12).filter((_, number) => number === 0 || keep[number] === true);
        await withHistory(repository, built.vault, kept, {}, async () => Promise.resolve());
        expect(await mirrored(repository, kept)).toEqual(wanted());
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

  describe('where the vault has lost something,', () => {
    /** Backups, of which the one before the last changed the text; its pack can be taken away. */
    async function build(): Promise<Damaged> {
      const { built, records, repository } = await buildHistory({ 'a.txt': 'one\n', 'b.txt': 'b\n' });
      const before = objectsIn(built, 'packs');
      await add(built, records, { 'a.txt': 'one\nneedle\n', 'b.txt': 'b\n' });
      const pack = objectsIn(built, 'packs').find((name) => !before.includes(name))!;
      await add(built, records, { 'a.txt': 'one\nneedle\n', 'b.txt': 'b\nc\n' });
      const file = join(built.directory, pack);
      return { built, records, repository, file, aside: join(built.directory, '../aside') };
    }

    async function search({ built, repository }: Damaged, kept: readonly BackupRecord[]): Promise<unknown> {
      const vault = await built.reopen();
      const unread: string[] = [];
      const query = { text: 'needle', regex: false, ignoreCase: false, paths: [] };
      const found = await withHistory(repository, vault, kept, {}, async (history) =>
        searchText(history, query, {}, ({ id }) => unread.push(id)),
      );
      return { found: found.map(({ record }) => record.id), unread };
    }

    async function versions(
      { built, repository }: Damaged,
      kept: readonly BackupRecord[],
      name: string,
    ): Promise<unknown> {
      const vault = await built.reopen();
      const unread: string[] = [];
      const told = await fileVersions(repository, vault, kept, at(name), {}, ({ id }) => unread.push(id));
      return { versions: told.versions.map(({ record }) => record.id), unread: [...new Set(unread)] };
    }

    test('tells so, and has it again as soon as it is back', async () => {
      const damaged = await build();
      await using _built = damaged.built;
      const { records, file, aside } = damaged;
      const [last, lost, first] = records.map(({ id }) => id);
      renameSync(file, aside);
      for (let time = 0; time < 2; time++) {
        // The last has the text as it was before.
        expect(await search(damaged, records)).toEqual({ found: [], unread: [last, lost] });
        expect(await versions(damaged, records, 'b.txt')).toEqual({
          versions: [last, first],
          unread: [lost],
        });
      }
      renameSync(aside, file);
      expect(await search(damaged, records)).toEqual({ found: [lost], unread: [] });
      expect(await versions(damaged, records, 'b.txt')).toEqual({ versions: [last, first], unread: [] });
      expect(await versions(damaged, records, 'a.txt')).toEqual({ versions: [lost, first], unread: [] });
      expect(git(damaged.repository.gitDirectory, 'for-each-ref', 'refs/lost')).toBe('');
    });

    test('has it again also when the backup it was lost of is forgotten meanwhile', async () => {
      const damaged = await build();
      await using _built = damaged.built;
      const { records, file, aside } = damaged;
      const kept = records.filter((_, number) => number !== 1);
      renameSync(file, aside);
      await search(damaged, records);
      expect(await search(damaged, kept)).toEqual({ found: [], unread: [kept[0]!.id] });
      renameSync(aside, file);
      expect(await search(damaged, kept)).toEqual({ found: [kept[0]!.id], unread: [] });
    });

    test('fails while the vault cannot be read, and keeps nothing of that', async () => {
      const damaged = await build();
      await using _built = damaged.built;
      const { built, records, repository, aside } = damaged;
      const vault = await built.reopen();
      // Its list of entries is read then, its contents are not.
      const progress = (): void => {
        if (existsSync(built.directory)) renameSync(built.directory, aside);
      };
      const opening = withHistory(repository, vault, records.slice(2), { progress }, async () =>
        Promise.resolve(),
      );
      await expect(opening).rejects.toMatchObject({ code: 'unreachable' });
      renameSync(aside, built.directory);
      expect(await search(damaged, records)).toEqual({ found: [records[1]!.id], unread: [] });
    });
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

  test('is not written anew for a git that was killed, which found nothing for nobody', async () => {
    const { built, records, repository } = await buildHistory({ 'a.txt': 'needle\n' });
    await using _built = built;
    const search = async (): Promise<number> =>
      (await searchIn(repository, built, records, { text: 'needle' })).length;
    expect(await search()).toBe(1);
    const { ino } = statSync(repository.gitDirectory);
    await using _tapped = tapGit('case $1 in log) "$git" "$@" | head -c 50; kill -9 $$;; esac');
    await expect(search()).rejects.toMatchObject({
      code: 'git-failed',
      message: expect.stringContaining('git was ended') as string,
    });
    expect(statSync(repository.gitDirectory).ino).toBe(ino);
  });

  test('takes few processes of git, however many backups were forgotten', async () => {
    const contents = Array.from({ length: 8 }, (_, number) => ({ 'a.txt': `${number}\n` }));
    const { built, records, repository } = await buildHistory(...contents);
    await using _built = built;
    const open = async (kept: readonly BackupRecord[]): Promise<void> =>
      withHistory(repository, built.vault, kept, {}, async () => Promise.resolve());
    await using tapped = tapGit('');
    const count = async (kept: readonly BackupRecord[]): Promise<number> => {
      await open(records);
      const before = tapped.runs();
      await open(kept);
      return tapped.runs() - before;
    };
    expect(await count(records.slice(0, 1))).toBe(await count(records.slice(0, 7)));
  });

  test('is searched for any text, also one that looks like an option of git', async () => {
    const texts = [
      '--template=x',
      '--upload-pack',
      'x --receive-pack y',
      '-c',
      '--exec-path=/',
      'Überweisung',
    ];
    const { built, records, repository } = await buildHistory({ 'a.txt': `${texts.join('\n')}\n` });
    await using _built = built;
    await searchIn(repository, built, records, { text: 'x' });
    const { ino } = statSync(repository.gitDirectory);
    for (const text of texts)
      expect(await searchIn(repository, built, records, { text }), text).toHaveLength(1);
    for (const query of [
      { text: 'ÜBERWEISUNG', ignoreCase: true },
      { text: '^.berweisung$', regex: true },
      { text: '^überweisung$', regex: true, ignoreCase: true },
    ])
      expect(await searchIn(repository, built, records, query), query.text).toHaveLength(1);
    expect(statSync(repository.gitDirectory).ino).toBe(ino);
  });

  test('says so where it cannot be kept, and what can be told without it is told', async () => {
    const { built, records } = await buildHistory({ 'a.txt': 'one\n' }, { 'a.txt': 'two\n' });
    await using _built = built;
    const file = join(built.directory, '../file');
    writeFileSync(file, '');
    const repository = new HistoryRepository(join(file, 'history'));
    await expect(searchIn(repository, built, records, { text: 'one' })).rejects.toMatchObject({
      name: 'HistoryError',
      code: 'unusable',
    });
    const { versions, hint } = await fileVersions(repository, built.vault, records, at('a.txt'), {});
    expect([versions.length, hint?.code]).toEqual([2, 'unusable']);
    await expect(repository.scratch()).rejects.toMatchObject({ code: 'unusable' });
  });

  test('is whole after being cancelled at any step', async () => {
    const contents = Array.from({ length: 6 }, (_, number) => ({
      'a.txt': `line ${number}\n`,
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
    expect(found.map((files) => files[at('a.txt')])).toEqual(contents.map((content) => content['a.txt']));
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
