import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { drill } from '../../../../src/core/drill/drill.ts';
import { backUpWithHooks } from '../../../../src/core/hooks.ts';
import { lockLive, overLive } from '../../../../src/core/live-lock.ts';
import { restore } from '../../../../src/core/restore/restore.ts';
import { type Built, buildForNode } from '../../../build/bundle.ts';
import { snapshotTree, type TreeSnapshot } from '../../../build/snapshot-tree.ts';
import { makeTree, temporaryFolder, type TemporaryFolder } from '../../../build/tree.ts';
import { type BuiltVault, buildVault } from '../../../build/vault.ts';

let child: Built;

beforeAll(async () => {
  child = await buildForNode('test/build/restore-child.ts');
});

afterAll(async () => child[Symbol.asyncDispose]());

/** A folder with two backups of it, and what it was then; now it is half the one, half the other. */
class Place implements AsyncDisposable {
  readonly root: string;
  readonly home: string;
  readonly #folder: TemporaryFolder;
  readonly built: BuiltVault;

  private constructor(folder: TemporaryFolder, built: BuiltVault) {
    this.#folder = folder;
    this.built = built;
    this.root = join(folder.path, 'root');
    this.home = join(folder.path, 'home');
  }

  static async make(): Promise<Place> {
    const place = new Place(temporaryFolder(), await buildVault());
    mkdirSync(place.home);
    return place;
  }

  get set() {
    const root = { name: 'workspace', directory: this.root, include: [], exclude: ['.crm-backup-*'] };
    return { name: 'test', workspace: this.root, roots: [root], databases: [], fullEvery: 7 };
  }

  get scratch(): string {
    return join(this.#folder.path, 'scratch');
  }

  fill(half: string, other = half): TreeSnapshot {
    const files = (from: number, content: string) =>
      Array.from({ length: 20 }, (_, at) => ({
        type: 'file' as const,
        path: `${from + at}`,
        content: `${content} ${from + at}`,
      }));
    makeTree(this.root, [...files(10, half), ...files(30, other)]);
    return snapshotTree(this.root);
  }

  /** Takes a backup as everybody does. */
  async backUp() {
    const surroundings = {
      env: { CRM_BACKUP_HOME: this.home },
      cwd: this.root,
      platform: process.platform,
      userHome: homedir(),
    };
    return (await backUpWithHooks(this.built.vault, this.set, { kind: 'full' }, surroundings)).record;
  }

  /** What a backup brings back. */
  async contentOf(record: Awaited<ReturnType<Place['backUp']>>): Promise<TreeSnapshot> {
    const to = join(this.scratch, record.id);
    await restore(this.built.vault, record, { home: this.home, to });
    return snapshotTree(join(to, 'files/workspace'));
  }

  /** Starts a restore in a process that stands still before it makes this. */
  async restoreUntil(id: string, stopAt: string): Promise<ChildProcess> {
    const args = [this.built.directory, this.built.secret.toString('hex'), this.root, this.home, id];
    const started = spawn('node', [child.script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, STOP_AT: stopAt },
    });
    for await (const said of started.stdout) if (String(said).includes('stopped')) return started;
    throw new Error('it did not stop');
  }

  /** Waits until this is done, or waits itself: it has been seen to ask for its lock. */
  async untilWaiting(work: Promise<unknown>): Promise<void> {
    const state = { isDone: false };
    const done = (): void => void (state.isDone = true);
    work.then(done, done);
    const locks = join(this.home, 'live/locks');
    while (!state.isDone && readdirSync(locks).length < 2) await pause(5);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.built[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

describe.skipIf(process.platform === 'win32')('while a restore puts files in place', () => {
  it.each(['SIGCONT', 'SIGKILL'] as const)('a backup waits until it is over (%s)', async (end) => {
    await using place = await Place.make();
    const states = [place.fill('one'), undefined];
    const record = await backUp(place.built.vault, place.set, { kind: 'full' });
    states[1] = place.fill('other');
    const process = await place.restoreUntil(record.id, '/root/29');
    const gone = once(process, 'exit');
    // What goes on elsewhere is not hindered.
    expect(await place.contentOf(record)).toEqual(states[0]);
    expect(await drill(place.built.vault, record, { home: place.home })).toMatchObject({ differences: [] });

    const backup = place.backUp();
    await place.untilWaiting(backup);
    process.kill(end);
    const during = await backup;
    await gone;
    expect(during.status).toBe('complete');
    expect(states).toContainEqual(await place.contentOf(during));
    expect(states).toContainEqual(snapshotTree(place.root));
    expect(readdirSync(join(place.home, 'live/locks'))).toEqual([]);
  });

  it('another restore waits before it looks at what is there', async () => {
    await using place = await Place.make();
    const one = place.fill('one');
    const first = await backUp(place.built.vault, place.set, { kind: 'full' });
    place.fill('other');
    const second = await backUp(place.built.vault, place.set, { kind: 'full' });
    place.fill('one', 'other');
    // Its plan is made, nothing else.
    const process = await place.restoreUntil(second.id, '/restores/');
    const gone = once(process, 'exit') as Promise<[number | null]>;
    const again = restore(place.built.vault, first, { home: place.home, set: place.set, delete: true });
    await place.untilWaiting(again);
    process.kill('SIGCONT');
    expect((await gone)[0]).toBe(0);
    await again;
    expect(snapshotTree(place.root)).toEqual(one);
  });
});

describe('what is live', () => {
  const address = (url: string, workspace = '/srv/app') => ({
    folders: [],
    databases: [
      { database: { name: 'crm', address: async () => Promise.resolve({ name: 'crm', url, workspace }) } },
    ],
  });

  it.each([
    ['mysql://a:b@127.0.0.1/crm', 'mariadb://c@localhost:3306/CRM?ssl-mode=required'],
    ['postgresql://a:b@[::1]/crm', 'postgres://c@localhost:5432/crm?sslmode=require'],
    ['sqlite:data/crm.db', 'sqlite:///srv/app/data/../data/crm.db'],
  ])('has one name for %s and %s', async (one, other) => {
    const over = await overLive(address(one));
    expect(over).toHaveLength(1);
    expect(await overLive(address(other))).toEqual(over);
    expect(over.join('')).not.toMatch(/a:b/);
  });

  it('is locked with all that is below it, and nothing beside it', async () => {
    await using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    const lock = async (path: string, signal?: AbortSignal) =>
      lockLive(home, [join(folder.path, path)], 'exclusive', 'a test', { signal });
    await using _app = await lock('app');
    await using _beside = await lock('app2');
    const stop = new AbortController();
    const refused = ['app/data', ''].map(async (path) =>
      expect(lock(path, stop.signal)).rejects.toMatchObject({ code: 'cancelled' }),
    );
    setTimeout(() => stop.abort(), 300);
    await Promise.all(refused);
  });
});
