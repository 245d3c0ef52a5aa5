import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeDisk, type RestoreDisk } from '../../../../src/core/restore/disk.ts';
import { readUndo } from '../../../../src/core/restore/last-restore.ts';
import { endRestore, recoverRestores } from '../../../../src/core/restore/recover.ts';
import { undoRestore } from '../../../../src/core/restore/restore.ts';
import { isStagingName } from '../../../../src/core/restore/staging-name.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { countingDisk, dyingDisk, failingDisk, Killed } from '../../../build/faulty-disk.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { type Restorable, restorable } from '../../../build/restorable.ts';
import { snapshotTree, type TreeSnapshot } from '../../../build/snapshot-tree.ts';
import { setModified, type Tree, type TreeItem } from '../../../build/tree.ts';

/** Gives everything in a tree, folders too, a time of its own. */
function timed(tree: Tree, seconds: number): Tree {
  const folders = new Map<string, TreeItem>();
  for (const { path } of tree) {
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      folders.set(path.slice(0, at), { type: 'directory', path: path.slice(0, at) });
    }
  }
  const all = [
    ...[...folders.values()].filter(({ path }) => !tree.some((one) => one.path === path)),
    ...tree,
  ];
  return all
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((item, at) => ({ ...item, mtimeNs: BigInt(seconds + at) * 1_000_000_000n }));
}

// Everything a restore can do, in one small tree: create, replace, remove, adjust, change of type both ways.
const backedUp = timed(
  [
    { type: 'file', path: 'replaced', content: 'old content', mode: 0o640 },
    { type: 'file', path: 'gone', content: 'to be created' },
    { type: 'file', path: 'new-folder/a', content: 'a' },
    { type: 'directory', path: 'new-folder/empty', mode: 0o555 },
    { type: 'link', path: 'new-folder/link', target: '../gone' },
    { type: 'file', path: 'mode', content: 'same', mode: 0o600 },
    { type: 'file', path: 'was-file', content: 'file' },
    { type: 'file', path: 'was-folder/in', content: 'in' },
    { type: 'link', path: 'was-link', target: 'gone' },
    { type: 'file', path: 'kept/unchanged', content: 'unchanged' },
    { type: 'file', path: 'large', content: noiseOf(1, 600_000) },
  ],
  1_500_000_000,
  // One comes from a clock that is wrong.
).map((item) => (item.path === 'replaced' ? { ...item, mtimeNs: 4_102_444_800_000_000_000n } : item));
const live = timed(
  [
    { type: 'file', path: 'replaced', content: 'new content' },
    { type: 'file', path: 'mode', content: 'same', mode: 0o644 },
    { type: 'file', path: 'was-file/now/deep', content: 'folder' },
    { type: 'file', path: 'was-folder', content: 'now a file' },
    { type: 'directory', path: 'was-link' },
    { type: 'file', path: 'kept/unchanged', content: 'unchanged' },
    { type: 'file', path: 'kept/extra', content: 'to be removed' },
    { type: 'file', path: 'extra/deep/er', content: 'to be removed' },
    { type: 'file', path: 'large', content: noiseOf(2, 600_000) },
  ],
  1_600_000_000,
);

let place: Restorable;
let old: TreeSnapshot;
let fresh: TreeSnapshot;
let restored: BackupRecord;
let run: (disk: RestoreDisk) => Promise<unknown>;

function reset(): void {
  rmSync(place.home, { recursive: true, force: true });
  refill();
}

function refill(): void {
  place.fill(live);
  setModified(place.root, 1_400_000_000_000_000_000n);
}

beforeAll(async () => {
  place = await restorable(backedUp);
  setModified(place.root, 1_300_000_000_000_000_000n);
  fresh = snapshotTree(place.root);
  restored = await place.backUp();
  reset();
  old = snapshotTree(place.root);
  run = async (disk) => place.restore(restored, { delete: true, disk });
});

afterAll(async () => place[Symbol.asyncDispose]());

function journals(): string[] {
  mkdirSync(join(place.home, 'restores'), { recursive: true });
  return readdirSync(join(place.home, 'restores'));
}

/** Old or new as a whole, and nothing left lying about. */
function expectOneOfBoth(): 'old' | 'fresh' {
  const now = snapshotTree(place.root);
  const is = JSON.stringify(now) === JSON.stringify(old) ? 'old' : 'fresh';
  expect(now).toEqual(is === 'old' ? old : fresh);
  expect(journals()).toEqual([]);
  return is;
}

async function stepsOf(work: (disk: RestoreDisk) => Promise<unknown>): Promise<(keyof RestoreDisk)[]> {
  const { disk, steps } = countingDisk();
  await work(disk);
  return steps;
}

async function killAt(step: number): Promise<void> {
  await expect(run(dyingDisk(step))).rejects.toSatisfy(
    (error: Error) => error instanceof Killed || (error as { code?: string }).code === 'rollback-failed',
  );
}

describe('a restore that is killed', () => {
  it('takes every kind of step', async () => {
    reset();
    const steps = new Set(await stepsOf(run));
    expect(snapshotTree(place.root)).toEqual(fresh);
    expect([...Object.keys(nodeDisk())].filter((step) => !steps.has(step as keyof RestoreDisk))).toEqual([
      'setExactTimes',
    ]);
  });

  it('has left old or new at every step, once recovered, and the next restore works', async () => {
    reset();
    const steps = await stepsOf(run);
    const outcomes: string[] = [];
    for (let step = 0; step < steps.length; step++) {
      reset();
      await killAt(step);
      await recoverRestores(place.home);
      outcomes.push(expectOneOfBoth());
      await run(nodeDisk());
      expect(snapshotTree(place.root)).toEqual(fresh);
    }
    // There is one point from which on it is finished.
    const commit = outcomes.indexOf('fresh');
    expect(commit).toBeGreaterThan(10);
    expect(outcomes.slice(commit)).toEqual(outcomes.slice(commit).fill('fresh'));
    expect(steps.slice(commit - 1, commit + 1)).toEqual([
      'writeText',
      expect.stringMatching(/setMode|link|rename/),
    ]);
  }, 300_000);

  it.each([
    ['is away', () => undefined],
    ['is an empty place to mount it at', () => mkdirSync(place.root)],
  ])('waits while its folder %s, and ends as ever when it is back', async (_how, leave) => {
    reset();
    const steps = await stepsOf(run);
    let waited = 0;
    for (let step = 1; step < steps.length; step += 5) {
      reset();
      await killAt(step);
      renameSync(place.root, `${place.root} away`);
      leave();
      const [found] = await recoverRestores(place.home);
      if (found?.outcome === 'waiting') {
        waited++;
        expect(journals()).toHaveLength(1);
      }
      rmSync(place.root, { recursive: true, force: true });
      renameSync(`${place.root} away`, place.root);
      await recoverRestores(place.home);
      if (found?.outcome === 'waiting') expectOneOfBoth();
      await run(nodeDisk());
      // Half a staging directory, in which no owner stands yet, may be a living one's.
      expect(snapshotTree(place.root, { except: isStagingName })).toEqual(fresh);
    }
    expect(waited).toBeGreaterThan(3);
  });

  it('says in a folder that has another name now what name it had, and ends under that', async () => {
    reset();
    const steps = await stepsOf(run);
    reset();
    await killAt(steps.lastIndexOf('rename') - 3);
    const moved = `${place.root} moved`;
    renameSync(place.root, moved);
    const [root] = place.set.roots;
    const set = { ...place.set, roots: [{ ...root!, directory: moved }] };
    await expect(place.restore(restored, { set, delete: true })).rejects.toMatchObject({
      code: 'unfinished-restore',
      message: expect.stringContaining(`otherwise (${place.root})`) as string,
    });
    const [id = ''] = journals();
    await expect(endRestore(place.home, id, 'end')).rejects.toMatchObject({ code: 'unfinished-restore' });
    expect(journals()).toEqual([id]);
    renameSync(moved, place.root);
    await recoverRestores(place.home);
    expectOneOfBoth();
  });

  it('may be killed again at every step of its recovery', async () => {
    reset();
    const steps = await stepsOf(run);
    for (let step = 1; step < steps.length; step += 9) {
      for (let again = 0, done = false; !done; again++) {
        reset();
        await killAt(step);
        try {
          await recoverRestores(place.home, dyingDisk(again));
          done = true;
        } catch (error) {
          expect(error).toSatisfy(
            (one: Error) => one instanceof Killed || (one as { code?: string }).code === 'rollback-failed',
          );
        }
        await recoverRestores(place.home);
        expectOneOfBoth();
      }
    }
  }, 300_000);

  it('is wholly taken back when it was on its way back, at whichever step it had come', async () => {
    reset();
    const steps = await stepsOf(run);
    let taken = 0;
    for (let step = 1; step < steps.length; step += 3) {
      reset();
      await killAt(step);
      const [name] = journals();
      const journal = join(place.home, 'restores', name ?? '', 'journal.jsonl');
      if (name === undefined || !readFileSync(journal, 'utf8').endsWith('{"phase":"switching"}\n')) continue;
      appendFileSync(journal, '{"phase":"rolling-back"}\n');
      await recoverRestores(place.home);
      expect(expectOneOfBoth()).toBe('old');
      taken++;
    }
    expect(taken).toBeGreaterThan(5);
  });

  it('at whichever step leaves what was worked on until its recovery', async () => {
    reset();
    const steps = await stepsOf(run);
    const file = join(place.root, 'replaced');
    let spared = 0;
    for (let step = 1; step < steps.length; step += 3) {
      reset();
      await killAt(step);
      rmSync(file, { force: true });
      writeFileSync(file, 'work of a day');
      mkdirSync(join(place.root, 'extra'), { recursive: true });
      writeFileSync(join(place.root, 'extra/mine'), 'work, too');
      const found = await recoverRestores(place.home);
      for (const { outcome, spared: left } of found) {
        spared += left.length;
        expect(['finished', 'undone']).toContain(outcome);
      }
      expect(journals()).toEqual([]);
      expect(readFileSync(file, 'utf8')).toBe('work of a day');
      expect(readFileSync(join(place.root, 'extra/mine'), 'utf8')).toBe('work, too');
    }
    expect(spared).toBeGreaterThan(5);
  }, 120_000);

  it('at whichever step is the one that is taken back then if it was finished, else the one before is', async () => {
    reset();
    const safe = { delete: true, safetyBackup: true };
    const { safetyBackup: before } = await place.restore(restored, safe);
    const last = (): string | undefined => readUndo(place.home, place.vault.id, 'test')?.safetyBackup;
    let wasFinished = false;
    for (let step = 3; !wasFinished; step += 7) {
      refill();
      await place.restore(restored, { ...safe, disk: dyingDisk(step) }).catch(() => undefined);
      const [found] = await recoverRestores(place.home);
      wasFinished = found?.outcome === 'finished';
      if (wasFinished) {
        expect(last()).not.toBe(before);
        await undoRestore(place.vault, place.set, place);
        expect(snapshotTree(place.root)).toEqual(old);
      } else {
        expect(last()).toBe(before);
      }
    }
  });

  it('is recovered by the next restore itself', async () => {
    reset();
    const steps = await stepsOf(run);
    for (const step of [5, Math.floor(steps.length / 2), steps.length - 5]) {
      reset();
      await killAt(step);
      await run(nodeDisk());
      expect(snapshotTree(place.root)).toEqual(fresh);
      expect(journals()).toEqual([]);
    }
  });
});

describe('a step that fails', () => {
  it.each(['EIO', 'EACCES'])(
    'leaves the old tree, or a restore that is done (%s)',
    async (code) => {
      reset();
      const steps = await stepsOf(run);
      for (let step = 0; step < steps.length; step++) {
        reset();
        let failed = false;
        try {
          await run(failingDisk(step, code));
        } catch (error) {
          failed = true;
          expect(error).toMatchObject({ name: 'RestoreError' });
        }
        await recoverRestores(place.home);
        const is = expectOneOfBoth();
        // Only clearing up after the switch may fail and still leave the new tree.
        if (!failed) expect(is).toBe('fresh');
      }
    },
    300_000,
  );
});
