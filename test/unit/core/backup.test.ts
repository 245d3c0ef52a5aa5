import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backUp, type BackupOptions, type BackupSources } from '../../../src/core/backup.ts';
import { countProblems, MOST_PROBLEMS_OF_A_KIND, type Problem } from '../../../src/core/problem.ts';
import type { BackupRecord } from '../../../src/core/vault/record.ts';
import { editTree, randomEdits } from '../../build/edit-tree.ts';
import { randomTree } from '../../build/random-tree.ts';
import { snapshotBackup } from '../../build/snapshot-backup.ts';
import { snapshotTree, type TreeSnapshot } from '../../build/snapshot-tree.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../build/tree.ts';
import { buildVault, type BuiltVault } from '../../build/vault.ts';

let folder: TemporaryFolder;
let built: BuiltVault;
beforeEach(async () => {
  folder = temporaryFolder();
  built = await buildVault();
});
afterEach(async () => {
  vi.useRealTimers();
  await built[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function sourcesOf(directory: string): BackupSources {
  return { name: 'crm', roots: [{ name: 'workspace', directory, include: [], exclude: [] }], databases: [] };
}

async function take(options: BackupOptions, directory = folder.path): Promise<BackupRecord> {
  return backUp(built.vault, sourcesOf(directory), options);
}

/** Lets backups begin well after all files were touched: files that changed just before are never taken unread. */
function laterThanTheFiles(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
}

const kinds = fc.constantFrom('full', 'incremental', 'differential', 'auto');

describe('a backup', () => {
  it('holds exactly what was there, whatever its kind and whatever happened between', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomTree(),
        fc.array(fc.tuple(kinds, randomEdits()), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (tree, steps, rested) => {
          await using place = temporaryFolder();
          await using own = await buildVault();
          makeTree(place.path, tree);
          if (rested) laterThanTheFiles();
          const kept: { record: BackupRecord; snapshot: TreeSnapshot }[] = [];
          for (const [kind, edits] of steps) {
            // Edits may delete all there is, and nothing is no backup.
            writeFileSync(join(place.path, `step ${kept.length}`), '');
            const snapshot = snapshotTree(place.path);
            const record = await backUp(own.vault, sourcesOf(place.path), { kind });
            kept.push({ record, snapshot });
            editTree(place.path, edits);
          }
          vi.useRealTimers();
          const reopened = await own.reopen();
          for (const { record, snapshot } of kept) {
            expect(await snapshotBackup(reopened, record)).toEqual(snapshot);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('holds exactly what was there where a thread scans and reads ahead', async () => {
    const files: Record<string, Buffer | string> = { 'z/large.bin': randomBytes(1_500_000), 'y/empty': '' };
    for (let number = 0; number < 2500; number++) {
      files[`d${number % 40}/中文 ${number}.php`] = `<?php // ${'x'.repeat(number % 200)}${number}`;
      if (number % 100 === 0) files[`uploads/${number}.png`] = randomBytes(number * 300 + 1);
    }
    makeTree(folder.path, treeOf(files));
    symlinkSync('y', join(folder.path, 'd5/link'));
    laterThanTheFiles();
    const first = { tree: snapshotTree(folder.path), record: await take({ kind: 'full' }) };
    expect(first.record.bytes.read).toBe(first.record.bytes.source - 'y'.length);
    const same = await take({ kind: 'incremental' });
    expect(same.bytes.read).toBe(0);
    expect(same.files).toEqual({ ...first.record.files, added: 0, unchanged: first.record.files.total });
    expect(same.manifest).toEqual(first.record.manifest);
    writeFileSync(join(folder.path, 'd7/中文 7.php'), 'changed');
    writeFileSync(join(folder.path, 'd39/new'), 'new');
    rmSync(join(folder.path, 'd9'), { recursive: true });
    chmodSync(join(folder.path, 'd11/中文 11.php'), 0o600);
    const deleted = Object.keys(files).filter((path) => path.startsWith('d9/')).length;
    for (const kind of ['incremental', 'differential', 'full'] as const) {
      const tree = snapshotTree(folder.path);
      const record = await take({ kind });
      if (kind !== 'full') expect(record.files).toMatchObject({ added: 1, modified: 2, deleted });
      expect(await snapshotBackup(built.vault, record)).toEqual(tree);
    }
    expect(await snapshotBackup(built.vault, first.record)).toEqual(first.tree);
  });

  it('takes unchanged files from its base unread', async () => {
    makeTree(folder.path, treeOf({ 'a.php': 'one', 'b.php': 'two', 'uploads/c.bin': randomBytes(300_000) }));
    laterThanTheFiles();
    await take({ kind: 'full' });
    writeFileSync(join(folder.path, 'b.php'), 'changed');
    const next = await take({ kind: 'incremental' });
    expect(next.bytes.read).toBe('changed'.length);
    expect(next.files).toEqual({ total: 3, added: 0, modified: 1, deleted: 0, unchanged: 2 });
  });

  it('reads every byte again when it is full, and stores none twice', async () => {
    makeTree(folder.path, treeOf({ 'a.php': 'one', 'uploads/c.bin': randomBytes(3_000_000) }));
    laterThanTheFiles();
    const first = await take({ kind: 'full' });
    const second = await take({ kind: 'full' });
    expect(second.bytes.read).toBe(first.bytes.source);
    expect(second.bytes.new).toBe(0);
    expect(second.base).toBeUndefined();
  });

  it('tells an incremental against the latest backup and a differential against the latest full', async () => {
    makeTree(folder.path, treeOf({ a: '1' }));
    const full = await take({ kind: 'full' });
    writeFileSync(join(folder.path, 'b'), '2');
    const incremental = await take({ kind: 'incremental' });
    writeFileSync(join(folder.path, 'c'), '3');
    const next = await take({ kind: 'incremental' });
    const differential = await take({ kind: 'differential' });
    expect([incremental.base, next.base, differential.base]).toEqual([full.id, incremental.id, full.id]);
    expect(next.files.added).toBe(1);
    expect(differential.files.added).toBe(2);
  });

  it('keeps a changed file as its difference', async () => {
    const lines = Array.from({ length: 40_000 }, (_, at) => `${at};${randomBytes(24).toString('hex')}\n`);
    const file = join(folder.path, 'export.csv');
    writeFileSync(file, lines.join(''));
    const full = await take({ kind: 'full' });
    for (let at = 0; at < lines.length; at += 200) lines[at] = `${at};changed\n`;
    writeFileSync(file, lines.join(''));
    const incremental = await take({ kind: 'incremental' });
    expect(incremental.bytes.stored).toBeLessThan(full.bytes.stored / 50);
    expect(await snapshotBackup(built.vault, incremental)).toEqual(snapshotTree(folder.path));
  });

  it('stands alone in its data when it is full, even where only a difference was stored before', async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `${at};${randomBytes(24).toString('hex')}\n`);
    const file = join(folder.path, 'export.csv');
    writeFileSync(file, lines.join(''));
    await take({ kind: 'full' });
    lines[10_000] = 'changed\n';
    writeFileSync(file, lines.join(''));
    await take({ kind: 'incremental' });
    const full = await take({ kind: 'full' });
    const index = await built.vault.index();
    for await (const entry of built.vault.entries(full)) {
      for (let at = 0; at < entry.chunks.length; at += 32) {
        expect(index.isDelta(index.find(entry.chunks, at))).toBe(false);
      }
    }
  });

  it('stores again what the vault has lost', async () => {
    makeTree(folder.path, treeOf({ 'a.php': 'one', 'uploads/c.bin': randomBytes(300_000) }));
    laterThanTheFiles();
    await take({ kind: 'full' });
    rmSync(join(built.directory, 'packs'), { recursive: true });
    mkdirSync(join(built.directory, 'packs'));
    built.vault.forgetIndex();
    const incremental = await take({ kind: 'incremental' });
    expect(await snapshotBackup(await built.reopen(), incremental)).toEqual(snapshotTree(folder.path));
  });

  it('uses what a cancelled backup has stored', async () => {
    makeTree(folder.path, treeOf({ 'big.bin': randomBytes(40 * 1024 * 1024) }));
    const stop = new AbortController();
    const storage = built.vault.storage;
    const write = storage.write.bind(storage);
    vi.spyOn(storage, 'write').mockImplementation(async (name, parts) => {
      await write(name, parts);
      if (name.startsWith('packs/')) stop.abort();
    });
    const cancelled = backUp(built.vault, sourcesOf(folder.path), { kind: 'full' }, { signal: stop.signal });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    vi.restoreAllMocks();
    expect((await built.vault.records()).records).toEqual([]);
    const full = await take({ kind: 'full' });
    expect(full.bytes.new).toBeLessThan(30 * 1024 * 1024);
    expect(await snapshotBackup(await built.reopen(), full)).toEqual(snapshotTree(folder.path));
  });

  it('may run twice at once', async () => {
    makeTree(folder.path, treeOf({ 'a.bin': randomBytes(3_000_000), 'b.php': '<?php' }));
    const vaults = await Promise.all([built.reopen(), built.reopen()]);
    const records = await Promise.all(
      vaults.map((vault) => backUp(vault, sourcesOf(folder.path), { kind: 'full' })),
    );
    const reopened = await built.reopen();
    for (const record of records) {
      expect(await snapshotBackup(reopened, record)).toEqual(snapshotTree(folder.path));
    }
    expect((await reopened.records()).records).toHaveLength(2);
  });

  it('changes nothing on a dry run, and says what it would do', async () => {
    makeTree(folder.path, treeOf({ 'a.bin': randomBytes(100_000) }));
    const before = snapshotTree(built.directory);
    const record = await take({ kind: 'auto', dryRun: true });
    expect(record).toMatchObject({ id: '', kind: 'full', files: { total: 1, added: 1 } });
    const { stored } = record.bytes;
    expect(stored).toBeGreaterThan(100_000);
    const after = snapshotTree(built.directory, { times: false, except: (path) => path.startsWith('locks') });
    expect(Object.keys(after).filter((path) => !(path in before) && !/^tmp|^locks/.test(path))).toEqual([]);
  });

  it('says that there is nothing to back up rather than keeping an empty backup', async () => {
    await expect(take({ kind: 'auto' })).rejects.toMatchObject({ code: 'nothing-to-back-up' });
    await expect(take({ kind: 'auto' }, join(folder.path, 'missing'))).rejects.toMatchObject({
      code: 'nothing-to-back-up',
    });
    expect((await built.vault.records()).records).toEqual([]);
  });

  it('is a base for others when only a database could not be read', async () => {
    makeTree(folder.path, treeOf({ file: 'file' }));
    const address = { name: 'crm', url: 'sqlite:none.db', workspace: folder.path };
    const databases = [{ name: 'crm', address: async () => Promise.resolve(address) }];
    const set = { ...sourcesOf(folder.path), databases };
    const first = await backUp(built.vault, set, { kind: 'incremental' });
    const second = await backUp(built.vault, set, { kind: 'incremental' });
    const third = await backUp(built.vault, set, { kind: 'differential' });
    const told = [first, second, third].map(({ kind, base, status }) => [kind, base, status]);
    expect(told).toEqual([
      ['full', undefined, 'partial'],
      ['incremental', first.id, 'partial'],
      ['differential', first.id, 'partial'],
    ]);
    expect(second.files).toMatchObject({ total: 1, unchanged: 1 });
  });

  it('is partial, and no base for others, when something could not be read', async () => {
    makeTree(folder.path, treeOf({ 'a.php': 'one' }));
    const full = await take({ kind: 'full' });
    const sources = sourcesOf(folder.path);
    const missing = { name: 'uploads', directory: join(folder.path, 'gone'), include: [], exclude: [] };
    const partial = await backUp(
      built.vault,
      { ...sources, roots: [...sources.roots, missing] },
      { kind: 'incremental' },
    );
    expect(partial.status).toBe('partial');
    expect(partial.problems).toMatchObject([{ code: 'root-missing', path: 'files/uploads' }]);
    expect((await take({ kind: 'incremental' })).base).toBe(full.id);
  });

  it.each([
    ['moved', () => undefined],
    ['replaced', (root: string) => makeTree(root, treeOf({ 'b.php': 'two' }))],
  ])('is partial when its folder is %s while it is read', async (_how, comes) => {
    const root = join(folder.path, 'crm');
    makeTree(root, treeOf({ 'a.php': 'one', 'b.php': 'two', 'c/d.php': 'three' }));
    const pace = (): Promise<void> => {
      if (!existsSync(`${root} of old`)) {
        renameSync(root, `${root} of old`);
        comes(root);
      }
      return Promise.resolve();
    };
    const record = await backUp(built.vault, sourcesOf(root), { kind: 'full' }, { pace });
    expect(record.status).toBe('partial');
    expect(record.problems).toContainEqual({
      code: 'root-missing',
      path: 'files/workspace',
      message: `The folder ${root} was moved, replaced or unmounted while it was read, so files are missing.`,
      incomplete: true,
    });
  });

  it.runIf(process.platform === 'linux')(
    'lists the first problems of a kind and counts the rest',
    async () => {
      const pipes = Array.from({ length: MOST_PROBLEMS_OF_A_KIND + 5 }, (_, at) =>
        join(folder.path, `pipe ${at}`),
      );
      execFileSync('mkfifo', pipes);
      makeTree(folder.path, treeOf({ a: 'one' }));
      const told: Problem[] = [];
      const record = await take({ kind: 'full', onProblem: (problem) => told.push(problem) });
      expect(told).toHaveLength(pipes.length);
      expect(record.problems).toEqual(told.slice(0, MOST_PROBLEMS_OF_A_KIND));
      expect(record.moreProblems).toEqual({ 'special-file': 5 });
      expect([countProblems(record), countProblems(record, ({ incomplete }) => incomplete)]).toEqual([
        pipes.length,
        0,
      ]);
      expect((await built.vault.records()).records).toEqual([record]);
    },
  );

  it('notices a file that grew past what one chunk may be while it was read', async () => {
    const file = join(folder.path, 'log.txt');
    writeFileSync(file, 'a');
    await take({ kind: 'full' });
    appendFileSync(file, randomBytes(200_000));
    chmodSync(file, 0o640);
    const record = await take({ kind: 'differential' });
    expect(await snapshotBackup(built.vault, record)).toEqual(snapshotTree(folder.path));
  });
});
