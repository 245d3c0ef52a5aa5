import fc from 'fast-check';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { restore, undoRestore } from '../../../../src/core/restore/restore.ts';
import { withSqlite } from '../../../build/database-sqlite.ts';
import { editTree, randomEdits } from '../../../build/edit-tree.ts';
import { randomTree, type RandomTreeOptions } from '../../../build/random-tree.ts';
import { restorable } from '../../../build/restorable.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { makeTree, setModified, type Tree, treeOf } from '../../../build/tree.ts';

const T1 = 1_600_000_000_123_456_789n;
/** A set without anything to back up is refused, so there is always something. */
const someTree = (options?: RandomTreeOptions): fc.Arbitrary<Tree> =>
  randomTree(options).filter((tree) => tree.length > 0);
const isEmpty = (folder: string): boolean => readdirSync(folder).length === 0;

describe('a restore', () => {
  it('brings back any tree after any edits, byte, mode and time', async () => {
    await fc.assert(
      fc.asyncProperty(someTree(), randomEdits(), async (tree, edits) => {
        await using place = await restorable(tree);
        const before = snapshotTree(place.root);
        const record = await place.backUp();
        editTree(place.root, edits);
        await place.restore(record, { delete: true });
        expect(snapshotTree(place.root)).toEqual(before);
        // Nothing is left to be done, and nothing is.
        const again = await place.restore(record, { delete: true });
        expect(again.plan).toMatchObject({ create: 0, replace: 0, delete: 0, adjusted: 0, bytes: 0 });
      }),
      { numRuns: 25 },
    );
  });

  it('brings back any tree to another folder', async () => {
    await fc.assert(
      fc.asyncProperty(someTree(), async (tree) => {
        await using place = await restorable(tree);
        const record = await place.backUp();
        const to = join(place.scratch, 'a/b');
        const report = await place.restore(record, { to, set: undefined });
        expect(snapshotTree(join(to, 'files/workspace'))).toEqual(snapshotTree(place.root));
        expect(report.verified).toBe(true);
        expect(readdirSync(to)).toEqual(['files']);
      }),
      { numRuns: 15 },
    );
  });

  it('takes back any edits through any kind of backup, and can itself be undone', async () => {
    await fc.assert(
      fc.asyncProperty(someTree(), randomEdits(), randomEdits(), async (tree, edits, others) => {
        await using place = await restorable(tree);
        await place.backUp();
        editTree(place.root, edits);
        fc.pre(!isEmpty(place.root));
        const second = snapshotTree(place.root);
        const record = await place.backUp({ kind: 'incremental' });
        editTree(place.root, others);
        fc.pre(!isEmpty(place.root));
        const third = snapshotTree(place.root);
        const report = await place.restore(record, { delete: true, safetyBackup: true });
        expect(snapshotTree(place.root)).toEqual(second);
        if (report.safetyBackup === null) return;
        await undoRestore(place.vault, place.set, place);
        expect(snapshotTree(place.root)).toEqual(third);
        await undoRestore(place.vault, place.set, place);
        expect(snapshotTree(place.root)).toEqual(second);
      }),
      { numRuns: 15 },
    );
  });

  it('restores large files, which are written in parts', async () => {
    const large = Buffer.alloc(3_000_000, 'lorem ipsum ').map((byte, at) => byte ^ (at >> 10));
    await using place = await restorable(treeOf({ 'large.bin': large, small: 'x' }));
    setModified(join(place.root, 'large.bin'), T1);
    chmodSync(join(place.root, 'large.bin'), 0o640);
    const before = snapshotTree(place.root);
    const record = await place.backUp();
    writeFileSync(join(place.root, 'large.bin'), large.fill(0, 1_000_000, 1_000_100));
    expect((await place.restore(record)).plan).toMatchObject({ replace: 1, unchanged: 1, bytes: 3_000_000 });
    expect(snapshotTree(place.root)).toEqual(before);
  });

  it('leaves what is unchanged alone, so that open programs keep their files', async () => {
    await using place = await restorable(treeOf({ same: 'same', changed: 'old' }));
    const record = await place.backUp();
    const inode = lstatSync(join(place.root, 'same')).ino;
    writeFileSync(join(place.root, 'changed'), 'new');
    const report = await place.restore(record);
    expect(report.plan).toMatchObject({ create: 0, replace: 1, delete: 0, unchanged: 1, bytes: 3 });
    expect(lstatSync(join(place.root, 'same')).ino).toBe(inode);
  });

  it('sets mode and time in place where only they differ', async () => {
    await using place = await restorable(treeOf({ file: 'text', 'folder/in': '' }));
    const before = snapshotTree(place.root);
    const record = await place.backUp();
    const inode = lstatSync(join(place.root, 'file')).ino;
    chmodSync(join(place.root, 'file'), 0o600);
    setModified(join(place.root, 'folder'), T1);
    expect((await place.restore(record)).plan).toMatchObject({
      replace: 1,
      unchanged: 1,
      adjusted: 2,
      bytes: 0,
    });
    expect(snapshotTree(place.root)).toEqual(before);
    expect(lstatSync(join(place.root, 'file')).ino).toBe(inode);
  });

  it('gives names of one file their own modes again', async () => {
    await using place = await restorable([
      { type: 'file', path: 'a', content: 'text', mode: 0o644 },
      { type: 'file', path: 'b', content: 'text', mode: 0o600 },
    ]);
    const before = snapshotTree(place.root);
    const record = await place.backUp();
    place.fill(treeOf({ a: 'text' }));
    linkSync(join(place.root, 'a'), join(place.root, 'b'));
    await place.restore(record);
    expect(snapshotTree(place.root, { times: false })).toMatchObject({
      a: expect.stringContaining('0644') as string,
      b: expect.stringContaining('0600') as string,
    });
    expect(Object.keys(before)).toEqual(Object.keys(snapshotTree(place.root)));
  });

  it('only plans in a dry run', async () => {
    await using place = await restorable(treeOf({ a: 'a', b: 'b' }));
    const record = await place.backUp();
    place.fill(treeOf({ a: 'A', c: 'c' }));
    const before = snapshotTree(place.root);
    const report = await place.restore(record, { dryRun: true, delete: true, safetyBackup: true });
    expect(report).toMatchObject({
      plan: { create: 1, replace: 1, delete: 1, unchanged: 0, tables: [] },
      safetyBackup: null,
      verified: false,
    });
    expect(snapshotTree(place.root)).toEqual(before);
    expect(existsSync(place.home)).toBe(false);
  });

  it('makes a folder again that is gone as a whole', async () => {
    await using place = await restorable(treeOf({ 'a/b/c': 'c', d: 'd' }));
    const before = snapshotTree(place.root);
    const record = await place.backUp();
    rmSync(place.root, { recursive: true });
    await place.restore(record, { safetyBackup: true });
    expect(snapshotTree(place.root)).toEqual(before);
  });
});

describe('single paths', () => {
  const tree = treeOf({ 'a/x': 'x', 'a/y': 'y', 'b/deep/z': 'z', top: 't' });

  it('restores only what is named, and the folders on the way', async () => {
    await using place = await restorable(tree);
    const record = await place.backUp();
    place.fill(treeOf({ 'a/x': 'changed', 'a/y': 'changed', 'a/extra': '' }));
    const report = await place.restore(record, {
      paths: ['files/workspace/a/x', 'files/workspace/b/deep/'],
      delete: true,
    });
    expect(report.plan).toMatchObject({ create: 1, replace: 1, delete: 0 });
    expect(snapshotTree(place.root, { times: false })).toEqual(
      snapshotTree(
        (makeTree(
          join(place.scratch, 'x'),
          treeOf({ 'a/x': 'x', 'a/y': 'changed', 'a/extra': '', 'b/deep/z': 'z' }),
        ),
        join(place.scratch, 'x')),
        { times: false },
      ),
    );
  });

  it('gives a folder the time it had when it is restored, and leaves that of others', async () => {
    await using place = await restorable(tree);
    setModified(join(place.root, 'a'), T1);
    const stored = lstatSync(join(place.root, 'a'), { bigint: true }).mtimeNs;
    const rootTime = lstatSync(place.root, { bigint: true }).mtimeNs;
    const record = await place.backUp();
    writeFileSync(join(place.root, 'a/x'), 'changed');
    await place.restore(record, { paths: ['files/workspace/a'] });
    expect(lstatSync(join(place.root, 'a'), { bigint: true }).mtimeNs).toBe(stored);
    expect(lstatSync(place.root, { bigint: true }).mtimeNs).toBe(rootTime);
  });

  it.each(['files/workspace/nothing', 'files/other', 'top', 'files/workspace/top/below'])(
    'says so when the backup has no %s',
    async (path) => {
      await using place = await restorable(tree);
      const record = await place.backUp();
      await expect(place.restore(record, { paths: [path] })).rejects.toMatchObject({ code: 'not-in-backup' });
    },
  );
});

describe('removing with --delete', () => {
  const exclude = ['*.log', 'cache/', 'node_modules/'];

  it('takes away what the backup does not have, and never what is excluded', async () => {
    await using place = await restorable(treeOf({ keep: 'k', 'dir/keep': 'k' }), exclude);
    const record = await place.backUp();
    makeTree(
      place.root,
      treeOf({
        'new.txt': 'n',
        'app.log': 'excluded',
        'dir/new/deep': 'n',
        'dir/cache/a': 'excluded',
        'mixed/new': 'n',
        'mixed/node_modules/m': 'excluded',
        'empty/': '',
      }),
    );
    const report = await place.restore(record, { delete: true });
    expect(report.plan).toMatchObject({ create: 0, replace: 0, delete: 3 });
    expect(Object.keys(snapshotTree(place.root))).toEqual(
      expect.arrayContaining(['app.log', 'dir/cache/a', 'mixed/node_modules/m']),
    );
    expect(Object.keys(snapshotTree(place.root)).filter((path) => /new|empty/.test(path))).toEqual([]);
  });

  it('takes nothing away without it', async () => {
    await using place = await restorable(treeOf({ keep: 'k' }));
    const record = await place.backUp();
    makeTree(place.root, treeOf({ new: 'n' }));
    expect((await place.restore(record)).plan.delete).toBe(0);
    expect(existsSync(join(place.root, 'new'))).toBe(true);
  });

  it('never touches excluded files, whatever else happens', async () => {
    await fc.assert(
      fc.asyncProperty(
        someTree({ oddNames: false }),
        randomEdits({ oddNames: false }),
        async (tree, edits) => {
          await using place = await restorable(
            [...tree, { type: 'file', path: 'zero', content: '0' }],
            ['data/', 'a'],
          );
          const record = await place.backUp();
          editTree(place.root, edits);
          const isExcluded = (path: string): boolean => /(^|\/)(data|a)(\/|$)/.test(path);
          const excluded = (): string[] =>
            Object.entries(snapshotTree(place.root))
              .filter(
                ([path, text]) =>
                  isExcluded(path) && !(path.endsWith('data') && !text.startsWith('directory')),
              )
              .map(([path, text]) => `${path} ${text}`);
          const before = excluded();
          try {
            await place.restore(record, { delete: true });
          } catch (error) {
            expect(error).toMatchObject({ code: 'would-lose-files' });
          }
          expect(excluded()).toEqual(before);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('a thing that became another', () => {
  const kinds = {
    file: treeOf({ x: 'file' }),
    directory: treeOf({ 'x/in': 'in', 'x/deep/er': 'er' }),
    empty: treeOf({ 'x/': '' }),
    link: treeOf({ x: { link: '..' } }),
    dangling: treeOf({ x: { link: '/nowhere' } }),
  };
  const pairs = Object.keys(kinds).flatMap((from) => Object.keys(kinds).map((to) => [from, to] as const));

  it.each(pairs)('%s → %s comes back', async (was, is) => {
    await using place = await restorable(kinds[was as keyof typeof kinds]);
    const before = snapshotTree(place.root);
    const record = await place.backUp();
    place.fill(kinds[is as keyof typeof kinds]);
    const outside = snapshotTree(place.scratch);
    await place.restore(record, { delete: true });
    expect(snapshotTree(place.root)).toEqual(before);
    expect(snapshotTree(place.scratch)).toEqual(outside);
  });

  it('does not follow a link that took a folder’s place', async () => {
    await using place = await restorable(treeOf({ 'config/secret': 'mine' }));
    const record = await place.backUp();
    makeTree(place.scratch, treeOf({ secret: 'not mine' }));
    const outside = snapshotTree(place.scratch);
    place.fill(treeOf({ config: { link: place.scratch } }));
    await place.restore(record, { paths: ['files/workspace/config/secret'], delete: true });
    expect(snapshotTree(place.scratch)).toEqual(outside);
    expect(lstatSync(join(place.root, 'config')).isDirectory()).toBe(true);
  });

  it('is refused when a file would take the place of files in no backup', async () => {
    await using place = await restorable(treeOf({ x: 'file' }), ['*.log']);
    const record = await place.backUp();
    place.fill(treeOf({ 'x/app.log': 'precious' }));
    const before = snapshotTree(place.root);
    await expect(place.restore(record)).rejects.toMatchObject({
      code: 'would-lose-files',
      message: expect.stringContaining('x/app.log') as string,
    });
    expect(snapshotTree(place.root)).toEqual(before);
  });
});

describe('another folder', () => {
  it('is filled up, but nothing other in it replaced', async () => {
    await using place = await restorable(treeOf({ a: 'a', b: 'b' }));
    const record = await place.backUp();
    const to = join(place.scratch, 'out');
    makeTree(join(to, 'files/workspace'), treeOf({ a: 'other', mine: 'm' }));
    const before = snapshotTree(to);
    await expect(place.restore(record, { to })).rejects.toMatchObject({ code: 'target-not-empty' });
    expect(snapshotTree(to)).toEqual(before);
    await place.restore(record, { to, overwrite: true });
    expect(Object.keys(snapshotTree(to))).toEqual([
      '.',
      'files',
      'files/workspace',
      'files/workspace/a',
      'files/workspace/b',
      'files/workspace/mine',
    ]);
  });

  it('needs to be named when there is no workspace', async () => {
    await using place = await restorable(treeOf({ a: 'a' }));
    const record = await place.backUp();
    await expect(restore(place.vault, record, { home: place.home })).rejects.toMatchObject({
      code: 'no-target',
    });
  });

  it('must be a folder', async () => {
    await using place = await restorable(treeOf({ a: 'a' }));
    const record = await place.backUp();
    mkdirSync(join(place.scratch, 'files'));
    writeFileSync(join(place.scratch, 'files/workspace'), '');
    for (const to of [
      place.scratch,
      join(place.scratch, 'files/workspace'),
      join(place.scratch, 'files/workspace/x'),
    ]) {
      await expect(place.restore(record, { to })).rejects.toMatchObject({ code: 'target-not-directory' });
    }
  });
});

describe('a file that belongs to a database of the set since', () => {
  it.each([false, true])('is left out where that stands, and told (it is the same: %s)', async (isSame) => {
    await using place = await restorable(treeOf({ 'var/other': 'o' }));
    const file = join(place.root, 'var/app.db');
    withSqlite(file, (app) => app.exec("CREATE TABLE word (word TEXT); INSERT INTO word VALUES ('old')"));
    const old = readFileSync(file);
    const record = await place.backUp();
    const source = { name: 'app', url: 'sqlite:root/var/app.db' };
    const workspace = join(place.root, '..');
    const address = async () => Promise.resolve({ ...source, workspace });
    const set = { ...place.set, databases: [{ name: 'app', source, address }] };
    writeFileSync(`${file}-wal`, 'as a killed program leaves it');
    if (!isSame) writeFileSync(file, 'newer than the backup');
    writeFileSync(join(place.root, 'var/other'), 'changed');
    const live = readFileSync(file);
    const options = { home: place.home, set, safetyBackup: false, delete: true };
    for (const paths of [undefined, ['files/workspace/var/app.db']]) {
      const { problems, skipped } = await restore(place.vault, record, { ...options, paths });
      expect(problems).toMatchObject([{ code: 'database', path: 'files/workspace/var/app.db' }]);
      expect(skipped).toBe(1);
    }
    expect(readFileSync(join(place.root, 'var/other'), 'utf8')).toBe('o');
    expect(readFileSync(file)).toEqual(live);
    expect(readFileSync(`${file}-wal`, 'utf8')).toBe('as a killed program leaves it');
    // Where nothing of the database stands, the file is brought back.
    rmSync(file);
    rmSync(`${file}-wal`);
    expect(await restore(place.vault, record, options)).toMatchObject({ skipped: 0 });
    expect(readFileSync(file)).toEqual(old);
  });
});
