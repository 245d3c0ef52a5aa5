import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalStorage } from '../../../../src/core/storage/local.ts';
import { lockForReading, lockVault } from '../../../../src/core/vault/lock.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../build/tree.ts';

const purpose = 'a test';

describe('a lock on a vault', () => {
  let folder: TemporaryFolder;
  let storage: LocalStorage;
  beforeEach(() => {
    folder = temporaryFolder();
    storage = new LocalStorage(join(folder.path, 'vault'));
  });
  afterEach(async () => {
    vi.useRealTimers();
    await folder[Symbol.asyncDispose]();
  });

  function lockFiles(): string[] {
    return readdirSync(join(storage.location, 'locks')).map((name) => join(storage.location, 'locks', name));
  }

  /** Rewrites the only lock as another process would have written it. */
  function rewrite(change: Record<string, unknown>): void {
    const [file] = lockFiles();
    const content = JSON.parse(readFileSync(file!, 'utf8')) as Record<string, unknown>;
    const text = JSON.stringify({ ...content, ...change });
    const name = createHash('sha256').update(text).digest('hex').slice(0, 32);
    writeFileSync(join(storage.location, 'locks', `${name}.json`), text);
  }

  it('is shared by many', async () => {
    await using first = await lockVault(storage, 'shared', { purpose });
    await using second = await lockVault(storage, 'shared', { purpose });
    await first.assertHeld();
    await second.assertHeld();
    expect(lockFiles()).toHaveLength(2);
  });

  it.each([
    ['shared', 'exclusive'],
    ['exclusive', 'shared'],
    ['exclusive', 'exclusive'],
  ] as const)('that is %s keeps out one that is %s, which names its holder', async (held, wanted) => {
    await using _lock = await lockVault(storage, held, { purpose: 'a long test' });
    await expect(lockVault(storage, wanted, { purpose })).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringMatching(
        new RegExp(`process ${process.pid} has been busy with a long test since 2`),
      ) as string,
    });
    expect(lockFiles()).toHaveLength(1);
  });

  it.each(['EROFS', 'EACCES', 'ENOSPC'])(
    'is not needed to read where none can be written: %s',
    async (code) => {
      const unwritable = new LocalStorage(storage.location, {
        beforeStep: () => {
          throw Object.assign(new Error('not written'), { code });
        },
      });
      {
        await using lock = await lockForReading(unwritable, { purpose });
        await lock.assertHeld();
        await using _other = await lockVault(storage, 'shared', { purpose });
        await using _more = await lockForReading(unwritable, { purpose });
      }
      await using _lock = await lockVault(storage, 'exclusive', { purpose: 'a long test' });
      await expect(lockForReading(unwritable, { purpose })).rejects.toMatchObject({
        code: 'locked',
        message: expect.stringContaining('a long test') as string,
      });
    },
  );

  it('is free again once it is given back', async () => {
    for (const kind of ['exclusive', 'shared', 'exclusive'] as const) {
      await using lock = await lockVault(storage, kind, { purpose });
      await lock.assertHeld();
    }
    expect(lockFiles()).toEqual([]);
  });

  it('is waited for', async () => {
    const held = await lockVault(storage, 'exclusive', { purpose });
    let taken = false;
    const waiting = lockVault(storage, 'exclusive', { purpose, waitMs: 20_000 }).then((lock) => {
      taken = true;
      return lock;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(taken).toBe(false);
    await held[Symbol.asyncDispose]();
    await (await waiting)[Symbol.asyncDispose]();
  });

  it('stops being waited for when the work is cancelled', async () => {
    await using _held = await lockVault(storage, 'exclusive', { purpose });
    const controller = new AbortController();
    const waiting = lockVault(storage, 'shared', { purpose, waitMs: 60_000 }, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    expect(lockFiles()).toHaveLength(1);
  });

  it('is held by one alone, however many try at once', async () => {
    let holders = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const own = new LocalStorage(storage.location);
        await using lock = await lockVault(own, 'exclusive', { purpose, waitMs: 25_000 });
        most = Math.max(most, ++holders);
        await new Promise((resolve) => setTimeout(resolve, 20));
        await lock.assertHeld();
        holders--;
      }),
    );
    expect(most).toBe(1);
  });

  it.skipIf(process.platform === 'win32')('of a dead process of this machine is removed', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    await using lock = await lockVault(storage, 'exclusive', { purpose });
    rewrite({ pid });
    await lock[Symbol.asyncDispose]();
    expect(lockFiles()).toHaveLength(1);
    await using next = await lockVault(storage, 'exclusive', { purpose });
    await next.assertHeld();
    expect(lockFiles()).toHaveLength(1);
  });

  it.skipIf(process.platform !== 'linux')(
    'of a dead process over what is live is removed, whatever the machine is called now',
    async () => {
      const { pid } = spawnSync(process.execPath, ['--version']);
      const over = ['/srv/crm'];
      const mine = await lockVault(storage, 'exclusive', { purpose, over });
      rewrite({ pid, host: 'another-name' });
      await mine[Symbol.asyncDispose]();
      await using _next = await lockVault(storage, 'exclusive', { purpose, over });
    },
  );

  it.each([{ host: 'another-machine' }, { system: 'another container' }, { system: '' }])(
    'of a process elsewhere (%o) holds until it is old',
    async (elsewhere) => {
      const { pid } = spawnSync(process.execPath, ['--version']);
      const mine = await lockVault(storage, 'exclusive', { purpose });
      rewrite({ pid, ...elsewhere });
      await mine[Symbol.asyncDispose]();
      await expect(lockVault(storage, 'shared', { purpose })).rejects.toMatchObject({ code: 'locked' });
      const [file] = lockFiles();
      const before = Date.now() / 1000 - 16 * 60;
      utimesSync(file!, before, before);
      await using _next = await lockVault(storage, 'shared', { purpose });
    },
  );

  it.skipIf(process.platform !== 'linux')('of a machine of the same name holds until it is old', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    const mine = await lockVault(storage, 'exclusive', { purpose });
    const { system } = JSON.parse(readFileSync(lockFiles()[0]!, 'utf8')) as { system: string };
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    rewrite({ pid, system: system.replace(boot, randomUUID()) });
    await mine[Symbol.asyncDispose]();
    await expect(lockVault(storage, 'shared', { purpose })).rejects.toMatchObject({
      code: 'locked',
      hint: 'Wait until it is done, then try again. If it was killed, its lock is removed after 15 minutes.',
    });
  });

  it('of a dead process holds until it is old where systems of one name cannot be told apart', async () => {
    vi.resetModules();
    const here = Object.getOwnPropertyDescriptor(process, 'platform')!;
    Object.defineProperty(process, 'platform', { ...here, value: 'win32' });
    try {
      const { lockVault: lockThere } = await import('../../../../src/core/vault/lock.ts');
      const { pid } = spawnSync(process.execPath, ['--version']);
      const mine = await lockThere(storage, 'exclusive', { purpose });
      rewrite({ pid });
      await mine[Symbol.asyncDispose]();
      await expect(lockThere(storage, 'shared', { purpose })).rejects.toMatchObject({ code: 'locked' });
    } finally {
      Object.defineProperty(process, 'platform', here);
    }
  });

  it.each([
    ['behind', -20],
    ['ahead', 20],
  ])('holds where the clock of the disk is %s by many minutes', async (_, minutes) => {
    /** As a file server does it: files have the time of its own clock. */
    const elsewhere = new LocalStorage(storage.location, {
      beforeStep: (step, name) => {
        const now = Date.now() / 1000 + minutes * 60;
        if (step === 'sync-directory') utimesSync(join(storage.location, name), now, now);
      },
    });
    await using held = await lockVault(elsewhere, 'shared', { purpose });
    await expect(lockVault(elsewhere, 'exclusive', { purpose })).rejects.toMatchObject({ code: 'locked' });
    await held.assertHeld();
    const [file] = lockFiles();
    const before = Date.now() / 1000 + (Math.min(minutes, 0) - 16) * 60;
    utimesSync(file!, before, before);
    await using _next = await lockVault(elsewhere, 'exclusive', { purpose });
    await expect(held.assertHeld()).rejects.toMatchObject({ code: 'locked' });
  });

  it('that is damaged still holds, until it is old', async () => {
    await using _lock = await lockVault(storage, 'shared', { purpose });
    const [file] = lockFiles();
    const bytes = readFileSync(file!);
    // A digit of the process id: by its look the lock of a process that may be dead.
    const at = bytes.indexOf(`"pid":${process.pid}`) + 6;
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(file!, bytes);
    await expect(lockVault(storage, 'exclusive', { purpose })).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(`locks/${basename(file!)} is damaged`) as string,
    });
    const before = Date.now() / 1000 - 16 * 60;
    utimesSync(file!, before, before);
    await using _next = await lockVault(storage, 'exclusive', { purpose });
  });

  it('taken over by another is noticed by who held it', async () => {
    await using lock = await lockVault(storage, 'exclusive', { purpose });
    const [file] = lockFiles();
    const before = Date.now() / 1000 - 16 * 60;
    utimesSync(file!, before, before);
    await using _next = await lockVault(storage, 'exclusive', { purpose });
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'locked' });
  });

  it('is not held in a replica that was put in the place of its vault', async () => {
    await storage.write('vault.json', [Buffer.from('{}')]);
    await using lock = await lockVault(storage, 'shared', { purpose });
    await lock.assertHeld();
    // Replicas leave locks out.
    renameSync(storage.location, join(folder.path, 'unplugged'));
    cpSync(join(folder.path, 'unplugged', 'vault.json'), join(storage.location, 'vault.json'));
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'locked' });
    expect(readdirSync(storage.location)).toEqual(['vault.json']);
  });

  it('is given up by a machine that slept too long, even if nobody has taken it yet', async () => {
    await using lock = await lockVault(storage, 'shared', { purpose });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 16 * 60_000 });
    await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'locked' });
  });

  it('is renewed as long as it is held', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
    await using lock = await lockVault(storage, 'exclusive', { purpose });
    const [file] = lockFiles();
    for (let minute = 0; minute < 40; minute++) {
      utimesSync(file!, 1, 1);
      vi.advanceTimersByTime(60_000);
      await vi.waitFor(() => expect(statSync(file!).mtimeMs).toBeGreaterThan(1000));
      await lock.assertHeld();
    }
    vi.useRealTimers();
    await expect(lockVault(storage, 'shared', { purpose })).rejects.toMatchObject({ code: 'locked' });
  });
});
