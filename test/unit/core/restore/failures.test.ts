import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drill } from '../../../../src/core/drill/drill.ts';
import { CancelledError } from '../../../../src/core/errors.ts';
import { nodeDisk, type RestoreDisk } from '../../../../src/core/restore/disk.ts';
import { recoverRestores } from '../../../../src/core/restore/recover.ts';
import { isStagingName } from '../../../../src/core/restore/staging-name.ts';
import { countingDisk, dyingDisk, failingDisk } from '../../../build/faulty-disk.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { type Restorable, restorable } from '../../../build/restorable.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { makeTree, treeOf } from '../../../build/tree.ts';

const STAGING = '.crm-backup-restore-staging';
const isRoot = process.geteuid?.() === 0;

/** A disk that does something else before it flushes, when everything is staged and nothing switched. */
function interruptedDisk(work: () => void | Promise<void>): RestoreDisk {
  const disk = nodeDisk();
  let done = false;
  return {
    ...disk,
    flushAll: async (paths, below) => {
      if (!done) {
        done = true;
        await work();
      }
      return disk.flushAll(paths, below);
    },
  };
}

describe.skipIf(process.platform !== 'linux')('a place where a path is too long', () => {
  const way = Array.from({ length: 18 }, () => 'x'.repeat(200)).join('/');

  it('is refused with the path’s name, and nothing is left', async () => {
    await using place = await restorable(treeOf({ [`${way}/bottom`]: 'deep', a: 'a' }));
    const record = await place.backUp();
    const to = join(place.scratch, ...Array.from({ length: 4 }, () => 'o'.repeat(200)));
    await expect(place.restore(record, { to })).rejects.toMatchObject({
      code: 'unsupported-name',
      message: expect.stringMatching(
        /^Could not make files\/workspace\/x{84}…x+(\/x+)?: the system cannot keep that name\.$/,
      ) as string,
    });
    expect(readdirSync(place.scratch)).toEqual([]);
  });

  it('keeps a drill from rehearsing only what is there, which is told', async () => {
    await using place = await restorable(treeOf({ [`${way}/bottom`]: 'deep', a: 'a', 'z/b': 'b' }));
    const record = await place.backUp();
    const below = `/drills/${process.pid}-01234567/files/workspace/${way}/bottom`.length;
    // Where the longest path has just room while it is staged, and where it has none.
    const bottom = [`files/workspace/${way}`, `files/workspace/${way}/bottom`];
    for (const [length, left] of [
      [4031, []],
      [4032, bottom.slice(1)],
      [4095, bottom],
      [4096, bottom],
    ] as const) {
      const bytes = length - below - place.scratch.length - 2;
      const home = join(place.scratch, 'h'.repeat(Math.floor(bytes / 2)), 'h'.repeat(Math.ceil(bytes / 2)));
      const { compared, differences, problems } = await drill(place.vault, record, { home });
      expect(problems.map(({ path }) => path)).toEqual(left.slice(0, 1));
      expect([compared.entries, differences]).toEqual([23 - left.length, []]);
      expect(readdirSync(join(home, 'drills'))).toEqual([]);
    }
    const home = join(place.scratch, ...Array.from({ length: 4 }, () => 'h'.repeat(200)));
    const { compared, differences, problems } = await drill(place.vault, record, { home });
    expect([compared.entries, differences]).toEqual([19, []]);
    expect(problems).toEqual([
      {
        code: 'path-too-long',
        path: expect.stringMatching(/^files\/workspace(\/x{200})+$/) as string,
        message: expect.stringContaining(`its path is too long below ${home}/drills/`) as string,
      },
    ]);
  });
});

describe('a disk without room', () => {
  const mounted = isRoot && process.platform === 'linux';

  async function onSmallDisk(
    options: string,
    work: (to: string, place: Restorable) => Promise<void>,
  ): Promise<void> {
    await using place = await restorable(
      treeOf({ a: noiseOf(1, 1_500_000), b: noiseOf(2, 1_500_000), c: 'c' }),
    );
    const to = join(place.scratch, 'small');
    mkdirSync(to);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', to]).status !== 0) return;
    try {
      await work(to, place);
    } finally {
      execFileSync('umount', [to]);
    }
  }

  it.runIf(mounted)('is noticed before anything is written', async () => {
    await onSmallDisk('size=2m', async (to, place) => {
      const record = await place.backUp();
      await expect(place.restore(record, { to })).rejects.toMatchObject({
        code: 'no-space',
        message: expect.stringMatching(/needs 3[.]\d MB, 2[.]\d MB are free/) as string,
      });
      expect(readdirSync(to)).toEqual([]);
    });
  });

  it.runIf(mounted)('is noticed also when only files run out', async () => {
    await onSmallDisk('size=20m,nr_inodes=3', async (to, place) => {
      const record = await place.backUp();
      await expect(place.restore(record, { to })).rejects.toMatchObject({ code: 'no-space' });
      expect(readdirSync(to)).toEqual([]);
    });
  });

  it.runIf(mounted)('that fills up meanwhile leaves nothing behind', async () => {
    await onSmallDisk('size=4m', async (to, place) => {
      const record = await place.backUp();
      const disk = nodeDisk();
      const filling: RestoreDisk = {
        ...disk,
        makeDirectory(path, mode) {
          disk.makeDirectory(path, mode);
          if (!existsSync(join(to, 'filler'))) writeFileSync(join(to, 'filler'), Buffer.alloc(2_000_000));
        },
      };
      await expect(place.restore(record, { to, disk: filling })).rejects.toMatchObject({ code: 'no-space' });
      expect(readdirSync(to)).toEqual(['filler']);
      expect(readdirSync(join(place.home, 'restores'))).toEqual([]);
    });
  });

  it('is told with its sentence wherever it shows', async () => {
    await using place = await restorable(treeOf({ a: 'a', b: 'b' }));
    const record = await place.backUp();
    place.fill(treeOf({ a: 'other' }));
    const before = snapshotTree(place.root);
    for (const step of [0, 5, 8]) {
      await expect(place.restore(record, { disk: failingDisk(step, 'ENOSPC') })).rejects.toMatchObject({
        code: 'no-space',
        hint: expect.stringContaining('Free some space') as string,
      });
      expect(snapshotTree(place.root)).toEqual(before);
    }
  });
});

describe('a cancelled restore', () => {
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`folder/${at}`, `content ${at}`]));

  it.each(['compare', 'read', 'write'])('leaves everything as it was (%s)', async (phase) => {
    await using place = await restorable(treeOf(many));
    const record = await place.backUp();
    place.fill(treeOf({ ...Object.fromEntries(Object.keys(many).map((path) => [path, 'other'])), more: '' }));
    const before = snapshotTree(place.root);
    const controller = new AbortController();
    const seen = new Set<string>();
    const task = {
      signal: controller.signal,
      progress: (progress: { phase: string }) => {
        seen.add(progress.phase);
        if (progress.phase === phase) controller.abort();
      },
    };
    await expect(place.restore(record, { delete: true, safetyBackup: true }, task)).rejects.toThrow(
      CancelledError,
    );
    expect(seen).toContain(phase);
    expect(snapshotTree(place.root)).toEqual(before);
    expect(existsSync(join(place.home, 'restores')) ? readdirSync(join(place.home, 'restores')) : []).toEqual(
      [],
    );
  });

  it('before it began does nothing', async () => {
    await using place = await restorable(treeOf({ a: 'a' }));
    const record = await place.backUp();
    await expect(place.restore(record, {}, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });

  it('is finished when it is already switching', async () => {
    await using place = await restorable(treeOf(many));
    const before = snapshotTree(place.root);
    const record = await place.backUp();
    place.fill(treeOf(Object.fromEntries(Object.keys(many).map((path) => [path, 'other']))));
    const controller = new AbortController();
    const task = {
      signal: controller.signal,
      progress: (progress: { phase: string }) => {
        if (progress.phase === 'switch') controller.abort();
      },
    };
    await place.restore(record, {}, task);
    expect(controller.signal.aborted).toBe(true);
    expect(snapshotTree(place.root)).toEqual(before);
  });
});

describe('two restores into one folder', () => {
  it('exclude each other', async () => {
    await using place = await restorable(treeOf({ a: 'a' }));
    const before = snapshotTree(place.root);
    const record = await place.backUp();
    writeFileSync(join(place.root, 'a'), 'b');
    let second: unknown;
    const disk = interruptedDisk(async () => {
      second = await place
        .restore(record, { home: join(place.scratch, 'other-home') })
        .catch((error: unknown) => error);
    });
    await place.restore(record, { disk });
    expect(second).toMatchObject({ name: 'RestoreError', code: 'locked' });
    expect(snapshotTree(place.root)).toEqual(before);
  });

  it('do not when the first is dead, even if its journal is somebody else’s', async () => {
    await using place = await restorable(treeOf({ a: 'a', b: 'b' }));
    const before = snapshotTree(place.root, { times: false });
    const record = await place.backUp();
    const home = join(place.scratch, 'other-home');
    const { disk, steps } = countingDisk();
    const ended: string[] = [];
    place.fill(treeOf({ a: 'other' }));
    await place.restore(record, { disk });
    for (let step = 0; step < steps.length; step++) {
      place.fill(treeOf({ a: 'other' }));
      await place.restore(record, { home, disk: dyingDisk(step) }).catch(() => undefined);
      const refused = await place.restore(record).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused !== undefined) {
        // What has begun to switch is ended by whoever has its journal.
        expect(refused).toMatchObject({ code: 'unfinished-restore' });
        ended.push(steps[step]!);
        await recoverRestores(home);
        await place.restore(record);
      }
      // Half a staging directory, in which no owner stands yet, may be a living one's: only its own journal ends it.
      expect(Object.keys(snapshotTree(place.root, { except: isStagingName }))).toEqual(['.', 'a', 'b']);
      await recoverRestores(home);
      expect(snapshotTree(place.root, { times: false })).toEqual(before);
    }
    expect(ended).not.toEqual([]);
    expect(ended.length).toBeLessThan(steps.length);
  });

  it('do nothing that a folder wants to be done by a journal of its own', async () => {
    await using place = await restorable(treeOf({ a: 'a' }));
    const record = await place.backUp();
    for (const staging of [STAGING, '.crm-backup-restore-0123456789ab']) {
      place.fill(treeOf({ a: 'other' }));
      const journal = join(place.root, 'restores', '0123456789ab');
      makeTree(
        place.root,
        treeOf({
          [`${staging}/old/1`]: 'kept',
          'restores/0123456789ab/': '',
          '.crm-backup-database-r-d/new': 'to be loaded',
        }),
      );
      writeFileSync(join(place.root, staging, 'owner.json'), JSON.stringify({ id: '0123456789ab', journal }));
      const mine = join(place.scratch, 'mine');
      writeFileSync(mine, 'mine');
      const command = { dump: 'echo x', restore: `cat > ${place.scratch}/done` };
      const database = { name: 'd', source: { name: 'd', command }, workspace: place.root };
      const header = {
        version: 1,
        id: '0123456789ab',
        startedAt: '2026-01-01T00:00:00Z',
        set: 'x',
        backup: 'x',
        roots: [{ directory: place.scratch, made: [] }],
        databases: [{ ...database, ticket: { restoreId: 'r', mayLoseLive: true } }],
      };
      writeFileSync(
        join(journal, 'journal.jsonl'),
        `${JSON.stringify(header)}\n${JSON.stringify({ phase: 'switching' })}\n`,
      );
      const move = { op: 'remove', root: 0, number: 1, path: 'mine' };
      writeFileSync(join(journal, 'moves.jsonl'), `${JSON.stringify(move)}\n`);
      const again = place.restore(record);
      if (staging === STAGING) await expect(again).rejects.toMatchObject({ code: 'unfinished-restore' });
      else await again;
      expect(readFileSync(mine, 'utf8')).toBe('mine');
      expect(existsSync(join(place.scratch, 'done'))).toBe(false);
    }
  });

  it('keeps what a dead one moved away when its journal is gone', async () => {
    await using place = await restorable(treeOf({ a: 'a', b: 'b' }));
    const record = await place.backUp();
    const other = treeOf({ a: 'other', b: 'other' });
    place.fill(other);
    const { disk, steps } = countingDisk();
    await place.restore(record, { disk });
    for (const [step, expected] of [
      [steps.indexOf('rename') + 1, 'done'],
      [steps.lastIndexOf('rename') - 1, 'kept'],
    ] as const) {
      place.fill(other);
      await place.restore(record, { disk: dyingDisk(step) }).catch(() => undefined);
      rmSync(place.home, { recursive: true, force: true });
      const again = place.restore(record);
      if (expected === 'done') await again;
      else {
        await expect(again).rejects.toMatchObject({ code: 'unfinished-restore' });
        expect(readdirSync(join(place.root, STAGING, 'old'))).not.toEqual([]);
      }
    }
  });
});

describe('somebody who works there meanwhile', () => {
  it.each<[string, (root: string) => void]>([
    ['changes a file', (root) => writeFileSync(join(root, 'a'), 'newest of all')],
    ['removes a file', (root) => rmSync(join(root, 'a'))],
    ['makes what was to be created', (root) => writeFileSync(join(root, 'created'), 'first')],
    [
      'puts a link where a folder was',
      (root) => {
        rmSync(join(root, 'folder'), { recursive: true });
        symlinkSync('/tmp', join(root, 'folder'));
      },
    ],
  ])('and %s is not overruled', async (_what, work) => {
    await using place = await restorable(treeOf({ a: 'a', created: 'c', 'folder/in': 'in' }));
    const record = await place.backUp();
    place.fill(treeOf({ a: 'A', 'folder/in': 'IN' }));
    let worked = {};
    const disk = interruptedDisk(() => {
      work(place.root);
      worked = snapshotTree(place.root, { times: false, except: (path) => path === STAGING });
    });
    await expect(place.restore(record, { disk })).rejects.toMatchObject({ code: 'target-changed' });
    expect(snapshotTree(place.root, { times: false })).toEqual(worked);
  });

  const inFolders = [
    ['a file made', (root: string) => writeFileSync(join(root, 'extra/deep/new'), 'nobody else has this')],
    ['a file edited', (root: string) => writeFileSync(join(root, 'extra/deep/old'), 'nobody else has this')],
    [
      'a file made where a file comes',
      (root: string) => writeFileSync(join(root, 'file/new'), 'this neither'),
    ],
    ['a folder made', (root: string) => mkdirSync(join(root, 'extra/deep/more'))],
  ] as const;

  it.each(inFolders)('has %s in a folder that was to be removed kept', async (_what, work) => {
    await using place = await restorable(treeOf({ a: 'a', file: 'f' }));
    const record = await place.backUp();
    const filled = treeOf({ a: 'A', 'extra/deep/old': 'old', 'file/old': 'old' });
    const node = nodeDisk();
    let isDone = false;
    const workOnce = (): void => {
      if (!isDone) work(place.root);
      isDone = true;
    };
    const whileSwitching: RestoreDisk = {
      ...node,
      rename(from, to) {
        node.rename(from, to);
        if (to.endsWith('/a')) workOnce();
      },
    };
    for (const disk of [interruptedDisk(workOnce), whileSwitching]) {
      isDone = false;
      place.fill(filled);
      const expected = join(place.scratch, 'expected');
      execFileSync('cp', ['-a', place.root, expected]);
      work(expected);
      await expect(place.restore(record, { delete: true, disk })).rejects.toMatchObject({
        code: 'target-changed',
      });
      expect(snapshotTree(place.root, { times: false })).toEqual(snapshotTree(expected, { times: false }));
      rmSync(expected, { recursive: true });
    }
  });
});

it('what is changed while a restore runs that then fails stays, and what it was before is kept', async () => {
  await using place = await restorable(treeOf({ a: 'a', b: 'b' }));
  const record = await place.backUp();
  place.fill(treeOf({ a: 'A', b: 'B' }));
  const node = nodeDisk();
  const file = join(place.root, 'a');
  const disk: RestoreDisk = {
    ...node,
    rename(from, to) {
      if (!to.endsWith('/b') || existsSync(join(place.scratch, 'worked'))) {
        node.rename(from, to);
        return;
      }
      writeFileSync(join(place.scratch, 'worked'), '');
      writeFileSync(file, 'work of a moment');
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    },
  };
  const error: unknown = await place.restore(record, { disk }).catch((each: unknown) => each);
  expect(error).toMatchObject({ message: expect.stringContaining(file) as string });
  const kept = /is kept in (.*)\.$/.exec((error as Error).message)?.[1] ?? '';
  expect(readFileSync(file, 'utf8')).toBe('work of a moment');
  expect(readFileSync(join(place.root, 'b'), 'utf8')).toBe('B');
  expect(readFileSync(join(kept, 'a'), 'utf8')).toBe('A');
});

describe('a damaged vault', () => {
  it('is told with the path it hits, and nothing is touched', async () => {
    await using place = await restorable(treeOf({ a: noiseOf(3, 50_000), b: 'b' }));
    const record = await place.backUp();
    const [pack] = await place.vault.storage.list('packs');
    const bytes = await place.vault.storage.read(pack!.name);
    bytes[1000] = bytes[1000]! ^ 1;
    await place.vault.storage.write(pack!.name, [bytes]);
    writeFileSync(join(place.root, 'a'), 'other');
    makeTree(place.root, treeOf({ 'more/of': 'it' }));
    const before = snapshotTree(place.root);
    await expect(place.restore(record, { delete: true })).rejects.toMatchObject({
      name: 'VaultError',
      code: 'damaged',
      message: expect.stringContaining('files/workspace/') as string,
    });
    expect(snapshotTree(place.root)).toEqual(before);
  });
});
