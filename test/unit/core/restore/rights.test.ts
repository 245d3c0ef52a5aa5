import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drill } from '../../../../src/core/drill/drill.ts';
import { recoverRestores } from '../../../../src/core/restore/recover.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { countingDisk, dyingDisk } from '../../../build/faulty-disk.ts';
import { type Restorable, restorable } from '../../../build/restorable.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { treeOf } from '../../../build/tree.ts';

/** The user `nobody`. */
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;

const readOnly = [
  { type: 'file', path: 'locked/file', content: 'f', mode: 0o400 },
  { type: 'directory', path: 'locked/in', mode: 0o555 },
  { type: 'file', path: 'locked/in/deep', content: 'd', mode: 0o444 },
  { type: 'directory', path: 'locked', mode: 0o555 },
  { type: 'file', path: 'free', content: 'x' },
] as const;

describe.runIf(isRoot)('root', () => {
  it('leaves files to whom they belong', async () => {
    await using place = await restorable(
      treeOf({ 'a/replaced': 'r', 'a/made/deep': 'd', 'a/link': { link: 'x' }, 'a/empty': '' }),
    );
    const record = await place.backUp();
    place.fill(treeOf({ 'a/replaced': 'other' }));
    chownSync(join(place.root, 'a'), 1234, 2345);
    chownSync(join(place.root, 'a/replaced'), 1235, 2345);
    await place.restore(record);
    const owner = (path: string): number => lstatSync(join(place.root, path)).uid;
    const paths = ['a/replaced', 'a/made', 'a/made/deep', 'a/link', 'a/empty'];
    expect(paths.map(owner)).toEqual([1235, 1234, 1234, 1234, 1234]);
  });
});

// From here on this process is an ordinary user for good: for root no right is ever missing.
describe('an ordinary user', () => {
  let theirs: Restorable;
  let record: BackupRecord;

  beforeAll(async () => {
    theirs = await restorable(treeOf({ 'theirs/file': 'f', 'mine/file': 'f' }));
    record = await theirs.backUp();
    writeFileSync(join(theirs.root, 'theirs/file'), 'other');
    writeFileSync(join(theirs.root, 'mine/file'), 'other');
    if (!isRoot) return;
    for (const folder of [join(theirs.root, '..'), join(theirs.vault.storage.location, '..')]) {
      execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, folder]);
    }
    for (const path of ['theirs', 'theirs/file']) chownSync(join(theirs.root, path), 0, 0);
    process.setgroups?.([NOBODY]);
    process.setgid?.(NOBODY);
    process.setuid?.(NOBODY);
  });

  afterAll(async () => {
    // What belongs to root in it cannot be removed any more.
    if (!isRoot) await theirs[Symbol.asyncDispose]();
  });

  it.runIf(isRoot)('is told before anything is touched which rights are missing', async () => {
    const before = snapshotTree(theirs.root);
    await expect(theirs.restore(record)).rejects.toMatchObject({
      code: 'permission',
      message: expect.stringContaining('files/workspace/theirs') as string,
    });
    expect(snapshotTree(theirs.root)).toEqual(before);
    await theirs.restore(record, { paths: ['files/workspace/mine'] });
    expect(lstatSync(join(theirs.root, 'mine/file'))).toMatchObject({ uid: NOBODY, size: 1 });
  });

  it.each([
    ['removed', { 'a/free': 'x' }, 'a/secret'],
    ['removed with the folder around it', { free: 'x' }, 'a/secret'],
    ['replaced', { 'a/secret': 'before' }, 'a/secret'],
    ['replaced where there is nothing else', { secret: 'before' }, 'secret'],
  ])('keeps a file that no safety backup can hold from being %s', async (_how, then, file) => {
    await using place = await restorable(treeOf(then));
    const full = await place.backUp();
    mkdirSync(join(place.root, file, '..'), { recursive: true });
    writeFileSync(join(place.root, file), 'nobody else has this');
    chmodSync(join(place.root, file), 0);
    const options = { delete: true, safetyBackup: true };
    await expect(place.restore(full, options)).rejects.toMatchObject({
      code: 'no-safety-backup',
      message: expect.stringContaining(`files/workspace/${file}: The system denied permission`) as string,
    });
    chmodSync(join(place.root, file), 0o600);
    expect(readFileSync(join(place.root, file), 'utf8')).toBe('nobody else has this');
    chmodSync(join(place.root, file), 0);
    await place.restore(full, { ...options, safetyBackup: false });
    expect(existsSync(join(place.root, file))).toBe(file in then);
  });

  it('may restore beside a file that nobody can read', async () => {
    await using place = await restorable(treeOf({ 'a/file': 'before' }));
    const full = await place.backUp();
    writeFileSync(join(place.root, 'a/file'), 'after');
    writeFileSync(join(place.root, 'a/secret'), '', { mode: 0 });
    const { safetyBackup } = await place.restore(full, { safetyBackup: true });
    expect(safetyBackup).not.toBeNull();
    expect(readFileSync(join(place.root, 'a/file'), 'utf8')).toBe('before');
  });

  it.each([
    ['a', 0o600],
    ['a', 0],
    ['', 0o600],
    ['', 0],
  ])('is told of a folder that may not be entered (“%s”, %s)', async (folder, mode) => {
    await using place = await restorable(treeOf({ 'a/b/file': 'before', c: 'c' }));
    const full = await place.backUp();
    writeFileSync(join(place.root, 'a/b/file'), 'after');
    const before = snapshotTree(place.root);
    const closed = join(place.root, folder);
    const { mode: open } = lstatSync(closed);
    chmodSync(closed, mode);
    const to = join(closed, 'to');
    for (const options of [{ dryRun: true }, {}, { delete: true }, { safetyBackup: true }, { to }]) {
      await expect(place.restore(full, options)).rejects.toMatchObject({
        name: 'RestoreError',
        code: 'permission',
        message: expect.stringContaining(place.root) as string,
        hint: expect.stringContaining('as the user the files belong to') as string,
      });
    }
    chmodSync(closed, open);
    expect(snapshotTree(place.root)).toEqual(before);
  });

  it('has no trouble with read-only folders of their own', async () => {
    await using place = await restorable(readOnly);
    chmodSync(place.root, 0o555);
    const before = snapshotTree(place.root);
    const full = await place.backUp();
    const folders = ['', 'locked', 'locked/in'];
    for (const path of folders) chmodSync(join(place.root, path), 0o755);
    rmSync(join(place.root, 'locked/file'));
    writeFileSync(join(place.root, 'locked/extra'), '');
    mkdirSync(join(place.root, 'locked/extra-folder/deep'), { recursive: true });
    chmodSync(join(place.root, 'locked/extra-folder'), 0o555);
    for (const path of folders.toReversed()) chmodSync(join(place.root, path), 0o555);
    await place.restore(full, { delete: true });
    expect(snapshotTree(place.root)).toEqual(before);

    const to = join(place.scratch, 'out');
    await place.restore(full, { to });
    expect(snapshotTree(join(to, 'files/workspace'))).toEqual(before);
    for (const folder of [place.root, join(to, 'files/workspace')]) {
      execFileSync('chmod', ['-R', 'u+w', folder]);
    }
  });

  it('leaves nothing of a drill with read-only folders, nor of one before that died', async () => {
    await using place = await restorable(readOnly);
    const full = await place.backUp();
    const drills = join(place.home, 'drills');
    const died = join(drills, `${process.pid}-00000000`);
    mkdirSync(join(died, 'locked/in'), { recursive: true });
    for (const path of ['locked/in', 'locked']) chmodSync(join(died, path), 0o555);
    expect(await drill(place.vault, full, { home: place.home })).toMatchObject({ differenceCount: 0 });
    expect(readdirSync(drills)).toEqual([]);
    execFileSync('chmod', ['-R', 'u+w', place.root]);
  });

  it('gets back folders that nobody may read', async () => {
    await using place = await restorable(
      treeOf({ 'a/in/file': 'f', 'closed/in/': '', 'written/file': 'f', 'a/closed/': '' }),
    );
    const closed = { 'a/closed': 0, closed: 0, written: 0o300, 'a/in': 0o311 };
    const close = (modes: Record<string, number>): void => {
      for (const [path, mode] of Object.entries(modes)) chmodSync(join(place.root, path), mode);
    };
    const open = Object.fromEntries(Object.keys(closed).map((path) => [path, 0o700]));
    close(closed);
    const record = await place.backUp();
    expect(record.problems.map(({ code }) => code)).toContain('permission-denied');
    const to = join(place.scratch, 'to');
    await place.restore(record, { to });
    expect(lstatSync(join(to, 'files/workspace/closed')).mode & 0o777).toBe(0);
    const { disk, steps } = countingDisk();
    close(open);
    rmSync(place.root, { recursive: true });
    await place.restore(record, { disk });
    for (const [path, mode] of Object.entries(closed)) {
      expect(lstatSync(join(place.root, path)).mode & 0o777).toBe(mode);
    }
    for (let step = 0; step < steps.length; step += 3) {
      if (existsSync(join(place.root, 'a'))) close(open);
      rmSync(place.root, { recursive: true });
      mkdirSync(place.root);
      await place.restore(record, { disk: dyingDisk(step) }).catch(() => undefined);
      await recoverRestores(place.home);
      expect(readdirSync(join(place.home, 'restores'))).toEqual([]);
    }
    await place.restore(record);
    close(open);
    expect(Object.keys(snapshotTree(place.root))).toEqual([
      '.',
      'a',
      'a/closed',
      'a/in',
      'closed',
      'written',
    ]);
  });

  it('may be killed at every step there, too', async () => {
    await using place = await restorable(readOnly);
    const fresh = snapshotTree(place.root);
    const full = await place.backUp();
    const copy = join(place.scratch, 'copy');
    for (const path of ['locked', 'locked/in']) chmodSync(join(place.root, path), 0o755);
    writeFileSync(join(place.root, 'locked/in/deep2'), 'new');
    rmSync(join(place.root, 'locked/file'));
    for (const path of ['locked/in', 'locked']) chmodSync(join(place.root, path), 0o555);
    execFileSync('cp', ['-a', place.root, copy]);
    const old = snapshotTree(place.root);
    const { disk, steps } = countingDisk();
    await place.restore(full, { delete: true, disk });
    expect(snapshotTree(place.root)).toEqual(fresh);
    for (let step = 0; step < steps.length; step++) {
      execFileSync('sh', [
        '-c',
        'chmod -R u+w "$1" && rm -rf "$1" && cp -a "$2" "$1"',
        'sh',
        place.root,
        copy,
      ]);
      await place.restore(full, { delete: true, disk: dyingDisk(step) }).catch(() => undefined);
      await recoverRestores(place.home);
      const now = snapshotTree(place.root);
      expect(now).toEqual(JSON.stringify(now) === JSON.stringify(old) ? old : fresh);
    }
    execFileSync('chmod', ['-R', 'u+w', place.root, copy]);
  }, 120_000);
});
