import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp, type BackupSources } from '../../../src/core/backup.ts';
import { LocalStorage } from '../../../src/core/storage/local.ts';
import type { Storage } from '../../../src/core/storage/storage.ts';
import { prune } from '../../../src/core/vault/prune.ts';
import type { BackupKind, BackupRecord } from '../../../src/core/vault/record.ts';
import type { Vault } from '../../../src/core/vault/vault.ts';
import { verify } from '../../../src/core/vault/verify.ts';
import { buildForNode, type Built } from '../../build/bundle.ts';
import { DEATHS, FaultyStorage, Killed } from '../../build/faulty-storage.ts';
import { noiseOf } from '../../build/random-tree.ts';
import { snapshotBackup } from '../../build/snapshot-backup.ts';
import { snapshotTree, type TreeSnapshot } from '../../build/snapshot-tree.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../build/tree.ts';
import { buildVault, type BuiltVault, copyVault, objectsIn, removeLocks } from '../../build/vault.ts';

const KINDS: readonly BackupKind[] = ['full', 'incremental', 'differential'];

/** A workspace whose backup makes more than one pack, and an older state of it in a vault. */
interface Scene {
  readonly folder: TemporaryFolder;
  readonly sources: BackupSources;
  readonly built: BuiltVault;
  /** What each finished backup must hold. */
  readonly finished: Map<string, TreeSnapshot>;
}

async function makeScene(megabytes: number): Promise<Scene> {
  const folder = temporaryFolder();
  const built = await buildVault();
  const sources = {
    name: 'crm',
    roots: [{ name: 'workspace', directory: folder.path, include: [], exclude: [] }],
    databases: [],
  };
  const records = Array.from(
    { length: 3000 },
    (_, at) => `{"id":${at},"name":"contact ${at * 7919}"}\n`,
  ).join('');
  makeTree(
    folder.path,
    treeOf({
      'config/config.php': '<?php return [];',
      'data/records.json': records,
      'data/upload.bin': noiseOf(1, megabytes * 1_000_000),
      'empty/': '',
      latest: { link: 'data' },
    }),
  );
  const finished = new Map<string, TreeSnapshot>();
  const first = await backUp(built.vault, sources, { kind: 'full' });
  finished.set(first.id, snapshotTree(folder.path));
  appendFileSync(join(folder.path, 'data/records.json'), '{"id":3000}\n');
  const second = await backUp(built.vault, sources, { kind: 'incremental' });
  finished.set(second.id, snapshotTree(folder.path));
  writeFileSync(join(folder.path, 'data/records.json'), records.replaceAll('contact 7919', 'changed'));
  writeFileSync(join(folder.path, 'data/second.bin'), noiseOf(2, megabytes * 1_000_000));
  rmSync(join(folder.path, 'latest'));
  return { folder, sources, built, finished };
}

async function expectFinished(
  vault: Vault,
  finished: ReadonlyMap<string, TreeSnapshot>,
): Promise<BackupRecord[]> {
  const { records, damaged } = await vault.records();
  expect(damaged).toEqual([]);
  vault.forgetIndex();
  for (const [id, snapshot] of finished) {
    const record = records.find((one) => one.id === id);
    expect(record).toBeDefined();
    expect(await snapshotBackup(vault, record!)).toEqual(snapshot);
  }
  expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
  return records;
}

/** Bytes of the packs in a vault. */
function packBytes(built: BuiltVault): number {
  return objectsIn(built, 'packs').reduce((sum, name) => sum + statSync(join(built.directory, name)).size, 0);
}

/** What dies in the middle may be wrapped by what it was cleaning up. */
function isDeath(error: unknown): boolean {
  if (error instanceof SuppressedError) return isDeath(error.error) && isDeath(error.suppressed);
  return error instanceof Killed;
}

/** A storage whose n-th step on the disk, and all later ones, are the process's death. */
function killedAtStep(directory: string, killAt: number): { storage: Storage; steps: () => number } {
  let steps = 0;
  const storage = new LocalStorage(directory, {
    beforeStep: () => {
      if (++steps >= killAt) throw new Killed(`killed at step ${steps}`);
    },
  });
  return { storage, steps: () => steps };
}

describe('a backup that is killed', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await makeScene(1);
  });
  afterAll(async () => {
    await scene.built[Symbol.asyncDispose]();
    await scene.folder[Symbol.asyncDispose]();
  });

  /** Kills a backup again and again, each time one change or step later, until it gets through. */
  async function killEverywhere(
    kind: BackupKind,
    open: (copy: BuiltVault, killAt: number) => { storage: Storage; isDead: () => boolean },
  ): Promise<number> {
    const { sources, finished, built, folder } = scene;
    const wanted = snapshotTree(folder.path);
    for (let killAt = 1; ; killAt++) {
      await using copy = await copyVault(built);
      const { storage, isDead } = open(copy, killAt);
      const dying = await copy.reopen(storage);
      const outcome = await backUp(dying, sources, { kind }).catch((error: unknown) => {
        expect(error).toSatisfy(isDeath);
      });
      removeLocks(copy);
      const vault = await copy.reopen();
      const records = await expectFinished(vault, finished);
      // It is there or it is not, never in part.
      for (const record of records.filter(({ id }) => !finished.has(id))) {
        expect(await snapshotBackup(vault, record)).toEqual(wanted);
      }
      const before = packBytes(copy);
      const next = await backUp(vault, sources, { kind });
      vault.forgetIndex();
      expect(await snapshotBackup(vault, next)).toEqual(wanted);
      // What the dead one had stored is used.
      if (before > packBytes(built)) expect(packBytes(copy) - before).toBeLessThan(20_000);
      if (!isDead()) {
        expect(outcome).toBeDefined();
        return killAt;
      }
    }
  }

  it.each(KINDS.flatMap((kind) => DEATHS.map((death) => [kind, death] as const)))(
    'leaves nothing half-visible, and the next one works (%s, killed %s any change)',
    async (kind, death) => {
      const changes = await killEverywhere(kind, (copy, killAt) => {
        const storage = new FaultyStorage(copy.storage, killAt, death);
        return { storage, isDead: () => storage.isDead };
      });
      // A lock, a sweep, a pack, an index file, a record, the lock.
      expect(changes).toBeGreaterThanOrEqual(6);
    },
    120_000,
  );

  it('leaves nothing half-visible wherever on the disk it dies', async () => {
    const steps = await killEverywhere('incremental', (copy, killAt) => {
      const { storage, steps } = killedAtStep(copy.directory, killAt);
      return { storage, isDead: () => steps() >= killAt };
    });
    expect(steps).toBeGreaterThan(15);
  }, 120_000);

  it('is used by the next one: an interrupted first backup goes on', async () => {
    const large = await makeScene(20);
    try {
      await using built = await buildVault();
      // A lock, a sweep, the first packs.
      const storage = new FaultyStorage(built.storage, 5, 'before');
      await expect(backUp(await built.reopen(storage), large.sources, { kind: 'full' })).rejects.toSatisfy(
        isDeath,
      );
      removeLocks(built);
      const stored = packBytes(built);
      expect(stored).toBeGreaterThan(30_000_000);
      const vault = await built.reopen();
      expect((await vault.records()).records).toEqual([]);
      const record = await backUp(vault, large.sources, { kind: 'full' });
      expect(packBytes(built) - stored).toBeLessThan(12_000_000);
      expect(record.bytes.new).toBeLessThan(12_000_000);
      vault.forgetIndex();
      expect(await snapshotBackup(vault, record)).toEqual(snapshotTree(large.folder.path));
      expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
    } finally {
      await large.built[Symbol.asyncDispose]();
      await large.folder[Symbol.asyncDispose]();
    }
  }, 120_000);

  it('and a prune at the same time wait for each other', async () => {
    await using copy = await copyVault(scene.built);
    const { sources, finished } = scene;
    const [forgotten] = finished.keys();
    const vault = await copy.reopen();
    await vault.forget(forgotten!);
    const [record] = await Promise.all([
      backUp(await copy.reopen(), sources, { kind: 'incremental' }),
      prune(await copy.reopen()),
      backUp(await copy.reopen(), sources, { kind: 'full' }),
    ]);
    const left = new Map(finished);
    left.delete(forgotten!);
    await expectFinished(
      await copy.reopen(),
      new Map([...left, [record.id, snapshotTree(scene.folder.path)]]),
    );
  }, 60_000);
});

describe.skipIf(process.platform === 'win32')('a process that is killed at any moment', () => {
  let child: Built;
  let scene: Scene;
  beforeAll(async () => {
    [child, scene] = await Promise.all([buildForNode('test/build/vault-child.ts'), makeScene(8)]);
  });
  afterAll(async () => {
    await child[Symbol.asyncDispose]();
    await scene.built[Symbol.asyncDispose]();
    await scene.folder[Symbol.asyncDispose]();
  });

  /** Runs the child and kills it some time after it began; whether it was still at work. */
  async function killAfter(copy: BuiltVault, action: string, delayMs: number): Promise<boolean> {
    const args = [child.script, copy.directory, copy.secret.toString('hex'), action, scene.folder.path];
    const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(running.stdout, 'data');
    const timer = setTimeout(() => running.kill('SIGKILL'), delayMs);
    const [, signal] = (await once(running, 'exit')) as [number | null, NodeJS.Signals | null];
    clearTimeout(timer);
    return signal === 'SIGKILL';
  }

  it.each(['full', 'incremental', 'prune'])(
    'leaves every finished backup whole (%s)',
    async (action) => {
      const { sources, finished, built, folder } = scene;
      const wanted = snapshotTree(folder.path);
      await using copy = await copyVault(built);
      const vault = await copy.reopen();
      const left = new Map(finished);
      if (action === 'prune') {
        const [first] = finished.keys();
        await backUp(vault, sources, { kind: 'full' });
        await vault.forget(first!);
        left.delete(first!);
      }
      let killed = 0;
      for (let round = 0; round < 6; round++) {
        if (await killAfter(copy, action, round * 45)) killed++;
      }
      expect(killed).toBeGreaterThan(0);
      // The locks of the dead are known to be theirs: nothing is in the way.
      const next = await backUp(vault, sources, { kind: 'incremental' });
      const records = await expectFinished(await copy.reopen(), left);
      for (const record of records.filter(({ id }) => !left.has(id))) {
        expect(await snapshotBackup(vault, record)).toEqual(wanted);
      }
      await prune(vault);
      await expectFinished(await copy.reopen(), new Map([...left, [next.id, wanted]]));
      expect(readdirSync(join(copy.directory, 'locks'))).toEqual([]);
    },
    120_000,
  );
});
