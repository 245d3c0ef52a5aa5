import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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

  /** Puts a copy where the directory is, as a disk that gives it another inode when it is plugged in again. */
  function replace(change: (copy: string) => void = () => undefined): void {
    const copy = join(directory, 'copy');
    cpSync(storage.location, copy, { recursive: true });
    change(copy);
    renameSync(storage.location, join(directory, 'unplugged'));
    renameSync(copy, storage.location);
  }

  it('goes on where its directory is the same vault with another inode', async () => {
    await storage.write('vault.json', [Buffer.from('{ "id": '), Buffer.from('1 }')]);
    const reader = new LocalStorage(storage.location);
    await reader.read('vault.json');
    for (const one of [storage, reader]) expect(await one.list('packs')).toEqual([]);
    replace();
    for (const one of [storage, reader]) {
      expect(await one.size('locks/mine.json')).toBeUndefined();
      await one.write('packs/aa/one.pack', [Buffer.alloc(1)]);
      expect(await one.list('packs')).toHaveLength(1);
      await one.remove('packs/aa/one.pack');
    }
    rmSync(storage.location, { recursive: true });
    await expect(reader.list('packs')).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('does not take another vault for its own', async () => {
    await storage.write('vault.json', [Buffer.from('{ "id": 1 }')]);
    expect(await storage.list('packs')).toEqual([]);
    replace((copy) => {
      rmSync(join(copy, 'tmp'), { recursive: true });
      writeFileSync(join(copy, 'vault.json'), '{ "id": 2 }');
    });
    await expect(storage.list('packs')).rejects.toMatchObject({ code: 'unreachable' });
    // Not even when it has read what says so.
    await storage.read('vault.json');
    await expect(storage.write('packs/aa/one.pack', [Buffer.alloc(1)])).rejects.toMatchObject({
      code: 'unreachable',
    });
    expect(readdirSync(storage.location)).toEqual(['vault.json']);
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
