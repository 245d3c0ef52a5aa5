import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalStorage, type WriteStep } from '../../../../src/core/storage/local.ts';
import { storageConformance } from '../../../build/storage-conformance.ts';

function tryIn(parent: string): Parameters<typeof storageConformance>[1] {
  return async () => {
    const directory = await mkdtemp(join(parent, 'crm-backup-storage-'));
    const open = (): LocalStorage => new LocalStorage(join(directory, 'vault'));
    return {
      storage: open(),
      again: open,
      remove: async () => rm(directory, { recursive: true, force: true }),
    };
  };
}

storageConformance('a directory on disk', tryIn(tmpdir()));
if (existsSync('/dev/shm')) storageConformance('a directory in memory', tryIn('/dev/shm'));

describe('a local storage', () => {
  let directory: string;
  let storage: LocalStorage;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'crm-backup-local-'));
    storage = new LocalStorage(join(directory, 'vault'));
  });
  afterEach(async () => rm(directory, { recursive: true, force: true }));

  it.skipIf(process.platform === 'win32')('keeps everything from other users', async () => {
    await storage.write('packs/aa/one.pack', [Buffer.alloc(1)]);
    expect(statSync(join(storage.location, 'packs/aa/one.pack')).mode & 0o777).toBe(0o600);
    for (const name of ['', 'packs', 'packs/aa', 'tmp']) {
      expect(statSync(join(storage.location, name)).mode & 0o777).toBe(0o700);
    }
  });

  it('lets others have their turn at each read, however quick', async () => {
    await storage.write('packs/aa/one.pack', [Buffer.from('0123456789')]);
    await storage.list('packs');
    for (let times = 0; times < 3; times++) {
      let hasTurned = false;
      setImmediate(() => (hasTurned = true));
      const part = await storage.read('packs/aa/one.pack', { offset: times, length: 2 });
      expect([part.toString(), hasTurned]).toEqual([`${times}${times + 1}`, true]);
    }
  });

  it('leaves the old object and nothing else when a write fails at any step before it is placed', async () => {
    await storage.write('vault.json', [Buffer.from('old')]);
    for (const broken of ['write', 'sync', 'place'] as const) {
      const failing = new LocalStorage(storage.location, {
        beforeStep: (step) => {
          if (step === broken) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        },
      });
      await expect(failing.write('vault.json', [Buffer.from('new')])).rejects.toMatchObject({
        code: 'no-space',
        hint: expect.stringContaining('finished backups are safe') as string,
      });
      expect((await storage.read('vault.json')).toString()).toBe('old');
      expect(readdirSync(join(storage.location, 'tmp'))).toEqual([]);
    }
  });

  it('flushes an object before it has its name, and its name before the write returns', async () => {
    const steps: WriteStep[] = [];
    const told = new LocalStorage(storage.location, {
      beforeStep: (step) => {
        steps.push(step);
      },
    });
    await told.write('index/a.idx', [Buffer.alloc(1)]);
    expect(steps).toEqual(['write', 'sync', 'place', 'sync-directory']);
  });

  it('sweeps what killed writes have left once it is old', async () => {
    await storage.write('tmp/left', [Buffer.alloc(5)]);
    await storage.sweep(60_000);
    expect(await storage.list('tmp')).toHaveLength(1);
    await storage.sweep(-60_000);
    expect(await storage.list('tmp')).toEqual([]);
  });

  it.each([
    ['removed', () => undefined],
    ['replaced by an empty one', (path: string) => mkdirSync(path)],
  ])('does not begin anew where its directory was %s', async (_, after) => {
    await storage.write('vault.json', [Buffer.from('{}')]);
    renameSync(storage.location, join(directory, 'unplugged'));
    after(storage.location);
    const vanished = { code: 'unreachable', message: expect.stringContaining('vanished') as string };
    await expect(storage.write('packs/aa/one.pack', [Buffer.alloc(1)])).rejects.toMatchObject(vanished);
    await expect(storage.read('vault.json')).rejects.toMatchObject(vanished);
    await expect(storage.size('locks/mine.json')).rejects.toMatchObject(vanished);
    await expect(storage.list('backups')).rejects.toMatchObject(vanished);
    expect(existsSync(join(storage.location, 'packs'))).toBe(false);
    rmSync(storage.location, { recursive: true, force: true });
    renameSync(join(directory, 'unplugged'), storage.location);
    await storage.write('packs/aa/one.pack', [Buffer.alloc(1)]);
    expect(await storage.list('packs')).toHaveLength(1);
  });

  it.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
    'tells a full disk, keeps what it has and goes on when there is room again',
    async (context) => {
      const mount = join(directory, 'small');
      mkdirSync(mount);
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount], { stdio: 'ignore' });
      } catch {
        context.skip('this machine lets nobody mount');
      }
      try {
        const small = new LocalStorage(join(mount, 'vault'));
        await small.write('packs/aa/first.pack', [Buffer.alloc(1024 * 1024, 1)]);
        await expect(
          small.write('packs/aa/second.pack', [Buffer.alloc(3 * 1024 * 1024)]),
        ).rejects.toMatchObject({ code: 'no-space' });
        expect(await small.list('packs')).toHaveLength(1);
        expect(await small.list('tmp')).toEqual([]);
        await small.remove('packs/aa/first.pack');
        await small.write('packs/aa/third.pack', [Buffer.alloc(1024 * 1024)]);
      } finally {
        execFileSync('umount', [mount]);
      }
    },
  );

  it('tells what it may not do', async () => {
    const forbidden = new LocalStorage(storage.location, {
      beforeStep: () => {
        throw Object.assign(new Error('not allowed'), { code: 'EACCES' });
      },
    });
    await expect(forbidden.write('vault.json', [Buffer.alloc(1)])).rejects.toMatchObject({
      code: 'permission',
    });
  });
});
