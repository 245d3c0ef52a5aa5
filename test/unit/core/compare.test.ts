import { execFileSync } from 'node:child_process';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backUp } from '../../../src/core/backup.ts';
import { type EntryChange, hasSameContent, pairRenames } from '../../../src/core/compare/change.ts';
import { countLines, readText } from '../../../src/core/compare/content.ts';
import { compareWithLive } from '../../../src/core/compare/live.ts';
import { compareBackups, compareRecords } from '../../../src/core/compare.ts';
import type { Problem } from '../../../src/core/problem.ts';
import { comparePaths } from '../../../src/core/vault/order.ts';
import type { BackupRecord } from '../../../src/core/vault/record.ts';
import type { Vault } from '../../../src/core/vault/vault.ts';
import { bareRecord } from '../../build/bare-record.ts';
import { editTree, randomEdits } from '../../build/edit-tree.ts';
import { asOrdinaryUser } from '../../build/ordinary-user.ts';
import { randomTree } from '../../build/random-tree.ts';
import { snapshotTree, type TreeSnapshot } from '../../build/snapshot-tree.ts';
import { makeTree, setModified, temporaryFolder, treeOf } from '../../build/tree.ts';
import { buildVault, storeBackup } from '../../build/vault.ts';

afterEach(() => {
  vi.useRealTimers();
});

async function take(vault: Vault, directory: string): Promise<BackupRecord> {
  const roots = [{ name: 'workspace', directory, include: [], exclude: [] }];
  const record = await backUp(vault, { name: 'crm', roots, databases: [] }, { kind: 'auto' });
  vault.forgetIndex();
  return record;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** What changed between two snapshots, found without any of the product's comparing. */
function changesBetween(before: TreeSnapshot, after: TreeSnapshot): Record<string, string> {
  const changes = bareRecord<string>();
  for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, fresh] = [before[path], after[path]];
    if (old === fresh) continue;
    const full = path === '.' ? 'files/workspace' : `files/workspace/${path}`;
    changes[full] = old === undefined ? 'added' : fresh === undefined ? 'deleted' : 'modified';
  }
  return changes;
}

function byPath(changes: readonly EntryChange[]): Record<string, string> {
  const record = bareRecord<string>();
  for (const { path, change } of changes) record[path] = change;
  return record;
}

function unexpected(path: string, message: string): never {
  throw new Error(`${path}: ${message}`);
}

describe('comparing', () => {
  it('finds exactly what differs between two backups, and between one and the live folder', async () => {
    await fc.assert(
      fc.asyncProperty(randomTree(), randomEdits(), fc.boolean(), async (tree, edits, rested) => {
        await using folder = temporaryFolder();
        await using built = await buildVault();
        makeTree(folder.path, tree);
        writeFileSync(join(folder.path, 'there-before'), '');
        if (rested) vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
        const before = snapshotTree(folder.path, { times: false });
        const first = await take(built.vault, folder.path);
        editTree(folder.path, edits);
        // The edits may delete all there is, and nothing is no backup.
        writeFileSync(join(folder.path, 'there-after'), '');
        const after = snapshotTree(folder.path, { times: false });
        const expected = changesBetween(before, after);

        const problems: Problem[] = [];
        const roots = [{ name: 'workspace', directory: folder.path, include: [], exclude: [] }];
        const live = await all(compareWithLive(built.vault, first, roots, [], (one) => problems.push(one)));
        expect(byPath(live)).toEqual(expected);
        expect(problems).toEqual([]);

        const second = await take(built.vault, folder.path);
        const stored = await all(compareBackups(built.vault, first, second));
        expect(byPath(stored)).toEqual(expected);
        const paths = stored.map(({ path }) => path);
        expect(paths).toEqual([...paths].sort(comparePaths));
        vi.useRealTimers();
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  it('looks only at and below the paths it was given', async () => {
    await using folder = temporaryFolder();
    await using built = await buildVault();
    makeTree(folder.path, treeOf({ 'a/x': '1', 'a/y/z': '1', 'a!': '1', 'b/x': '1' }));
    const first = await take(built.vault, folder.path);
    makeTree(folder.path, treeOf({ 'a/x': '2', 'a/y/z': '2', 'a!': '2', 'b/x': '2' }));
    const second = await take(built.vault, folder.path);
    const roots = [{ name: 'workspace', directory: folder.path, include: [], exclude: [] }];
    for (const [paths, expected] of [
      [['files/workspace/a'], ['a/x', 'a/y/z']],
      [
        ['files/workspace/b/x', 'files/workspace/a/y', 'files/workspace/b'],
        ['a/y/z', 'b/x'],
      ],
      [['files/workspace/a/y/z'], ['a/y/z']],
      [['files/other'], []],
      [['files'], ['a/x', 'a/y/z', 'a!', 'b/x']],
    ] as const) {
      const names = expected.map((path) => `files/workspace/${path}`);
      const stored = await all(compareBackups(built.vault, first, second, paths));
      expect(stored.map(({ path }) => path)).toEqual(names);
      const live = await all(compareWithLive(built.vault, first, roots, paths, () => undefined));
      expect(live.map(({ path }) => path)).toEqual(names);
    }
  });

  it('does not take a new time for a change, but does take a new mode for one', async () => {
    await using folder = temporaryFolder();
    await using built = await buildVault();
    makeTree(folder.path, treeOf({ time: 'x', mode: 'x' }));
    const first = await take(built.vault, folder.path);
    setModified(join(folder.path, 'time'), 1_000_000_000_000_000_000n);
    chmodSync(join(folder.path, 'mode'), 0o600);
    const second = await take(built.vault, folder.path);
    const [change, ...others] = await all(compareBackups(built.vault, first, second));
    expect(others).toEqual([]);
    expect(change).toMatchObject({ path: 'files/workspace/mode', change: 'modified' });
    expect(countLines(await readText(built.vault, change!, unexpected))).toEqual({
      binary: false,
      added: 0,
      deleted: 0,
    });
  });

  it('reads nothing of what two backups have in common', async () => {
    await using built = await buildVault();
    const many = Object.fromEntries(
      Array.from({ length: 12_000 }, (_, at) => [`d${at % 50}/f${at}`, 'same']),
    );
    const first = await storeBackup(built.vault, many);
    const second = await storeBackup(built.vault, { ...many, 'd7/f7': 'changed' }, { base: first });
    const read = vi.spyOn(built.vault.reader, 'readChunk');
    expect(byPath(await all(compareBackups(built.vault, first, second)))).toEqual({
      'files/workspace/d7/f7': 'modified',
    });
    expect(first.manifest[0]!.chunks.length / 32).toBeGreaterThan(8);
    // The chunk with the file, on both sides; that of one side may serve as the other's dictionary.
    expect(new Set(read.mock.calls.map(([id]) => id.toString('hex'))).size).toBe(2);
  });

  it('counts the lines of text, and none of what is binary', async () => {
    await using folder = temporaryFolder();
    await using built = await buildVault();
    makeTree(
      folder.path,
      treeOf({ text: 'a\nb\nc\n', data: Buffer.of(1, 0, 2), gone: 'x\ny', to: { link: 'text' } }),
    );
    const first = await take(built.vault, folder.path);
    makeTree(folder.path, treeOf({ text: 'a\nB\nc\nd\n', data: Buffer.of(1, 0, 3), fresh: 'one\n' }));
    const second = await take(built.vault, folder.path);
    const counts: Record<string, unknown> = {};
    for await (const change of compareBackups(built.vault, first, second)) {
      counts[change.path.slice('files/workspace/'.length)] = countLines(
        await readText(built.vault, change, unexpected),
      );
    }
    expect(counts).toEqual({
      data: { binary: true, added: null, deleted: null },
      fresh: { binary: false, added: 1, deleted: 0 },
      text: { binary: false, added: 2, deleted: 1 },
    });
    const removed = await all(compareBackups(built.vault, first, { manifest: [] }, ['files/workspace/gone']));
    expect(countLines(await readText(built.vault, removed[0]!, unexpected))).toEqual({
      binary: false,
      added: 0,
      deleted: 2,
    });
  });

  it('finds what was renamed by its content, the same name first', async () => {
    await using folder = temporaryFolder();
    await using built = await buildVault();
    makeTree(folder.path, treeOf({ 'old/a': 'same', 'old/b': 'same', 'old/c': 'other', empty: '' }));
    const first = await take(built.vault, folder.path);
    await using moved = temporaryFolder();
    makeTree(moved.path, treeOf({ 'new/b': 'same', 'new/z': 'same', 'new/c': 'edited', void: '' }));
    const second = await take(built.vault, moved.path);
    const changes = pairRenames(await all(compareBackups(built.vault, first, second)));
    const files = changes.filter(({ before, after }) => (after ?? before)?.type === 'file');
    expect(files.map(({ path, change, oldPath }) => [change, oldPath, path])).toEqual([
      ['deleted', undefined, 'files/workspace/empty'],
      ['renamed', 'files/workspace/old/b', 'files/workspace/new/b'],
      ['added', undefined, 'files/workspace/new/c'],
      ['renamed', 'files/workspace/old/a', 'files/workspace/new/z'],
      ['deleted', undefined, 'files/workspace/old/c'],
      ['added', undefined, 'files/workspace/void'],
    ]);
  });

  it('tells of a live file it may not read, and takes its content for unchanged', async () => {
    await using folder = temporaryFolder();
    await using built = await buildVault();
    chmodSync(folder.path, 0o755);
    makeTree(folder.path, treeOf({ secret: 'x', open: 'x' }));
    const record = await take(built.vault, folder.path);
    chmodSync(join(folder.path, 'secret'), 0);
    const roots = [{ name: 'workspace', directory: folder.path, include: [], exclude: [] }];
    const problems: Problem[] = [];
    // The vault's own files belong to the user who made them, so only its index is read beforehand.
    await all(built.vault.entries(record));
    const changes = compareWithLive(built.vault, record, roots, [], (problem) => problems.push(problem));
    const found = await asOrdinaryUser(() => all(changes));
    expect(byPath(found)).toEqual({ 'files/workspace/secret': 'modified' });
    expect(problems.map(({ path, code }) => [path, code])).toEqual([
      ['files/workspace/secret', 'permission-denied'],
    ]);
    expect(hasSameContent(found[0]!.before!, found[0]!.after!)).toBe(true);
  });

  it('takes what stands in a folder that cannot be read for unchanged, and says so', async () => {
    await using folder = temporaryFolder();
    await using built = await buildVault();
    chmodSync(folder.path, 0o755);
    const [main, store] = [join(folder.path, 'main'), join(folder.path, 'store')];
    makeTree(main, treeOf({ 'closed/a': 'x', 'closed/in/b': 'x', 'closed.txt': 'x', gone: 'x' }));
    makeTree(store, treeOf({ 'c/d': 'x' }));
    const roots = [
      { name: 'main', directory: main, include: [], exclude: [] },
      { name: 'store', directory: store, include: [], exclude: [] },
    ];
    const record = await backUp(built.vault, { name: 'crm', roots, databases: [] }, { kind: 'auto' });
    built.vault.forgetIndex();
    rmSync(join(main, 'gone'));
    rmSync(join(main, 'closed.txt'));
    renameSync(store, join(folder.path, 'unmounted'));
    chmodSync(join(main, 'closed'), 0);
    // As root nothing is closed, and the vault's own files belong to the user who made them.
    await all(built.vault.entries(record));
    for (const [paths, changed, unread] of [
      [
        [],
        ['files/main/closed modified', 'files/main/closed.txt deleted', 'files/main/gone deleted'],
        ['files/main/closed', 'files/store'],
      ],
      [['files/main/closed/in/b', 'files/store/c'], [], ['files/main/closed', 'files/store']],
    ] as const) {
      const problems: string[] = [];
      const live = compareWithLive(built.vault, record, roots, paths, ({ path }) => problems.push(path));
      const found = await asOrdinaryUser(() => all(live));
      const told = found
        .filter(({ path }) => path !== 'files/main')
        .map(({ path, change }) => `${path} ${change}`);
      expect(told).toEqual(changed);
      expect(problems).toEqual(unread);
    }
  });

  it('tells what a backup could not read from what was deleted', async () => {
    await using built = await buildVault();
    const [at, message] = ['files/workspace', 'The system denied permission to read it.'];
    const first = await storeBackup(built.vault, { 'a/x': '1', 'a/y': '1', b: '1', c: '1' });
    const stored = await storeBackup(built.vault, { c: '2' }, { base: first });
    const problem = { code: 'permission-denied', path: `${at}/a`, message, incomplete: true } as const;
    const second = { ...stored, problems: [problem] };
    const told = async (from: BackupRecord, to: BackupRecord): Promise<unknown> => {
      const problems: Problem[] = [];
      const changes = await all(compareRecords(built.vault, from, to, [], (one) => void problems.push(one)));
      return [byPath(changes), problems.map(({ path, incomplete }) => [path, incomplete])];
    };
    const unread = [[`${at}/a`, true]];
    expect(await told(first, second)).toEqual([{ [`${at}/b`]: 'deleted', [`${at}/c`]: 'modified' }, unread]);
    expect(await told(second, first)).toEqual([
      {
        [`${at}/a/x`]: 'added',
        [`${at}/a/y`]: 'added',
        [`${at}/b`]: 'added',
        [`${at}/c`]: 'modified',
      },
      unread,
    ]);
  });

  it('names what cannot be read when its lines are to be compared, and goes on', async () => {
    await using folder = temporaryFolder();
    await using built = await buildVault();
    chmodSync(folder.path, 0o755);
    makeTree(folder.path, treeOf({ secret: 'x', gone: 'x' }));
    const record = await take(built.vault, folder.path);
    makeTree(folder.path, treeOf({ secret: 'longer', gone: 'longer', fresh: 'new', pipe: 'new' }));
    for (const name of ['secret', 'fresh']) chmodSync(join(folder.path, name), 0);
    const roots = [{ name: 'workspace', directory: folder.path, include: [], exclude: [] }];
    await all(built.vault.entries(record));
    const changes = await all(compareWithLive(built.vault, record, roots, [], () => undefined));
    execFileSync('chmod', ['-R', 'a+rX', join(built.directory, '..')]);
    for (const name of ['gone', 'pipe']) rmSync(join(folder.path, name));
    execFileSync('mkfifo', [join(folder.path, 'pipe')]);
    const problems: string[] = [];
    const counts = await asOrdinaryUser(async () => {
      const counted = [];
      for (const change of changes) {
        if (change.path.endsWith('workspace')) continue;
        const text = await readText(built.vault, change, (path) => problems.push(path));
        counted.push([change.path.slice('files/workspace/'.length), change.change, countLines(text)]);
      }
      return counted;
    });
    const unknown = { binary: false, added: null, deleted: null };
    expect(counts).toEqual([
      ['fresh', 'added', unknown],
      ['gone', 'modified', unknown],
      ['pipe', 'added', unknown],
      ['secret', 'modified', unknown],
    ]);
    expect(problems).toEqual(['fresh', 'gone', 'pipe', 'secret'].map((name) => `files/workspace/${name}`));
  });
});
