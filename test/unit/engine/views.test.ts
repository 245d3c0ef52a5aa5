import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EngineClient } from '../../../src/engine/client.ts';
import { writeSchedule } from '../../../src/core/schedule/state.ts';
import type { BackupSummary, ToldSet } from '../../../src/engine/protocol.ts';
import { type Built, buildForNode } from '../../build/bundle.ts';
import { temporaryFolder, type TemporaryFolder } from '../../build/tree.ts';

const set = 'crm';
let built: Built;
let home: TemporaryFolder;
let workspace: string;
let client: EngineClient;

beforeAll(async () => {
  built = await buildForNode('src/engine/server.ts');
});
afterAll(async () => built[Symbol.asyncDispose]());

beforeEach(async () => {
  home = temporaryFolder();
  workspace = path.join(home.path, 'workspace');
  mkdirSync(workspace);
  client = new EngineClient({
    script: built.script,
    environment: { CRM_BACKUP_HOME: path.join(home.path, 'home') },
    idleMs: 60_000,
    log: () => undefined,
  });
  await client.call('createSet', { workspace, set });
  write('config.php', '<?php // one\n');
  write('gone.txt', 'gone\n');
});
afterEach(async () => {
  client.dispose();
  await home[Symbol.asyncDispose]();
});

function write(name: string, content: string | Buffer): void {
  const file = path.join(workspace, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}

async function backUp(): Promise<BackupSummary> {
  return client.call('backup', { workspace, set, kind: 'auto' });
}

async function stateFrom(known?: ToldSet): Promise<ToldSet> {
  const { sets } = await client.call('state', {
    workspace,
    known: known && { [set]: known.revision },
  });
  return sets[0]!;
}

describe('working changes', () => {
  const changesOf = async (backup: string, paths: readonly string[] = [], probe = false) =>
    (await client.call('workingChanges', { workspace, set, backup, paths, probe })).changes;

  test('are none directly after a backup, also of files that were only touched', async () => {
    const { id } = await backUp();
    expect(await changesOf(id)).toEqual([]);
    write('config.php', readFileSync(path.join(workspace, 'config.php')));
    expect(await changesOf(id)).toEqual([]);
  });

  test('are files that are new, different and gone, or only those asked for', async () => {
    const { id } = await backUp();
    appendFileSync(path.join(workspace, 'config.php'), '// two\n');
    rmSync(path.join(workspace, 'gone.txt'));
    write('new/logo.png', Buffer.concat([Buffer.alloc(4), randomBytes(100)]));
    const all = await changesOf(id, [], true);
    expect(all.map(({ path, change, binary }) => [path, change, binary])).toEqual([
      ['files/workspace/config.php', 'modified', false],
      ['files/workspace/gone.txt', 'deleted', false],
      ['files/workspace/new', 'added', false],
      ['files/workspace/new/logo.png', 'added', true],
    ]);
    const one = await changesOf(id, ['files/workspace/gone.txt']);
    expect(one.map(({ path }) => path)).toEqual(['files/workspace/gone.txt']);
  });
});

describe('what cannot be read', () => {
  const packsBelow = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.pack'))
      .map((name) => path.join(folder, name));

  test('of the workspace is told, and counts as unchanged', async () => {
    const store = path.join(home.path, 'store');
    mkdirSync(store);
    writeFileSync(path.join(store, 'file'), 'x');
    const setFile = path.join(workspace, '.vscode/crm-backup.json');
    const sets = [{ name: set, files: [{ root: '.' }, { name: 'store', root: store }] }];
    writeFileSync(setFile, JSON.stringify({ version: 1, sets }));
    const { id: backup } = await backUp();
    rmSync(store, { recursive: true });
    const seen = await client.call('workingChanges', { workspace, set, backup, paths: [], probe: false });
    expect(seen.changes).toEqual([]);
    expect(seen.problems).toMatchObject([{ path: 'files/store', code: 'root-missing' }]);

    const { id: partial } = await backUp();
    const between = await client.call('changes', {
      ...{ workspace, set, backup: partial, from: backup, paths: [], probe: true },
    });
    expect(between.changes).toEqual([]);
    expect(between.problems).toMatchObject([{ path: 'files/store', code: 'root-missing' }]);
  });

  test('of a vault that was away is read as soon as the vault is back', async () => {
    const { id: backup } = await backUp();
    const list = async () => client.call('list', { workspace, set, backup, path: 'files/workspace' });
    const vaults = path.join(home.path, 'home', 'vaults');
    renameSync(vaults, `${vaults}-away`);
    await expect(list()).rejects.toThrow();
    renameSync(`${vaults}-away`, vaults);
    expect((await list()).map(({ path }) => path)).toContain('files/workspace/config.php');
  });

  test('of a vault keeps nobody from seeing which files changed', async () => {
    const { id: from } = await backUp();
    const vault = path.join(home.path, 'home');
    const before = new Set(packsBelow(vault));
    write('large.txt', randomBytes(1_000_000).toString('hex'));
    write('gone.txt', 'other\n');
    const { id: backup } = await backUp();
    const [pack] = packsBelow(vault).filter((name) => !before.has(name));
    const bytes = readFileSync(pack!);
    for (let at = 0.1; at < 0.9; at += 0.02) bytes[Math.floor(bytes.length * at)]! ^= 1;
    chmodSync(pack!, 0o644);
    writeFileSync(pack!, bytes);
    const { changes } = await client.call('changes', {
      ...{ workspace, set, backup, from, paths: [], probe: true },
    });
    expect(changes.filter(({ type }) => type === 'file').map((each) => [each.path, each.change])).toEqual([
      ['files/workspace/gone.txt', 'modified'],
      ['files/workspace/large.txt', 'added'],
    ]);
  });
});

describe('the state of a set', () => {
  test('is told as what is different to whoever knows the one before', async () => {
    const first = await backUp();
    const whole = await stateFrom();
    expect(whole.removed).toBeUndefined();
    expect(whole.backups.map(({ id }) => id)).toEqual([first.id]);

    const same = await stateFrom(whole);
    expect([same.revision, same.backups, same.removed]).toEqual([whole.revision, [], []]);

    const second = await backUp();
    await client.call('pin', { workspace, set, backup: first.id, pinned: true });
    const more = await stateFrom(same);
    expect(more.backups.map(({ id, pinned }) => [id, pinned])).toEqual([
      [second.id, false],
      [first.id, true],
    ]);
    expect(more.removed).toEqual([]);

    await client.call('forget', { workspace, set, backup: second.id });
    const less = await stateFrom(more);
    expect([less.backups, less.removed]).toEqual([[], [second.id]]);
    // A state that was not the last one told is not known any more.
    expect((await stateFrom(whole)).backups.map(({ id }) => id)).toEqual([first.id]);
  });
});

test('a set without backups has no ratio, whatever else is in the vault', async () => {
  await backUp();
  const { vault, ratio } = await stateFrom();
  expect(ratio).toBeGreaterThan(0);
  const sets = [{ name: 'other', files: [{ root: '.' }], vault }];
  write('.vscode/crm-backup.json', JSON.stringify({ version: 1, sets }));
  expect(await stateFrom()).toMatchObject({ name: 'other', backups: [], ratio: null });
});

describe('a backup', () => {
  test('is told of in detail: its phases, and how long it takes to come back once that was measured', async () => {
    const { id } = await backUp();
    const details = async () => client.call('details', { workspace, set, backup: id });
    const before = await details();
    expect(Object.keys(before.phases)).toEqual(expect.arrayContaining(['read', 'store']));
    expect(before).toMatchObject({ recoveryMs: null, estimatedRecoveryMs: null });
    const { recoveryTimeMs } = await client.call('drill', { workspace, set, backup: id });
    expect((await details()).recoveryMs).toBe(recoveryTimeMs);
    const { id: next } = await backUp();
    const ofNext = await client.call('details', { workspace, set, backup: next });
    expect(ofNext.recoveryMs).toBeNull();
    expect(ofNext.estimatedRecoveryMs).toBeGreaterThan(0);
  });

  test('makes the set’s ratio the one of the dashboard, also after a prune', async () => {
    expect((await stateFrom()).ratio).toBeNull();
    write('large.bin', randomBytes(100_000));
    const { id } = await backUp();
    const figures = async () => (await client.call('figures', { workspace, set })).figures;
    expect((await stateFrom()).ratio).toBe((await figures())?.ratio);
    rmSync(path.join(workspace, 'large.bin'));
    await client.call('backup', { workspace, set, kind: 'full' });
    await client.call('forget', { workspace, set, backup: id });
    await client.call('prune', { workspace, set });
    const { ratio } = await stateFrom();
    expect(ratio).toBe((await figures())?.ratio);
    expect(ratio).toBeGreaterThan(0);
  });
});

describe('a vault', () => {
  const vault = async () => (await client.call('vaults', { workspace }))[0]!;

  test('is healthy and tells what it takes, then damaged, then unreachable', async () => {
    expect(await vault()).toMatchObject({ status: 'healthy', backups: 0, sets: [set] });
    const { id } = await backUp();
    const healthy = await vault();
    expect(healthy).toMatchObject({ status: 'healthy', backups: 1, problem: undefined });
    expect(healthy.storedBytes).toBeGreaterThan(0);
    expect(healthy.freeBytes).toBeGreaterThan(0);
    expect(healthy.verifiedAt).toBeUndefined();
    await client.call('verify', { workspace, set, level: 'data' });
    expect(Date.parse((await vault()).verifiedAt ?? '')).toBeGreaterThan(0);

    writeFileSync(path.join(healthy.directory, 'backups', id), 'nonsense');
    // A process that has read the record has no need to read it again.
    client.dispose();
    client = new EngineClient({
      script: built.script,
      environment: { CRM_BACKUP_HOME: path.join(home.path, 'home') },
      idleMs: 60_000,
      log: () => undefined,
    });
    expect(await vault()).toMatchObject({ status: 'damaged', problem: { code: 'damaged' } });

    rmSync(healthy.directory, { recursive: true });
    expect(await vault()).toMatchObject({ status: 'unreachable', storedBytes: undefined });
  });

  test('gets a recovery key in a file of its own, never over another', async () => {
    await backUp();
    const file = path.join(home.path, 'recovery.key');
    await client.call('saveRecoveryKey', { workspace, set, file });
    expect(readFileSync(file, 'utf8')).toContain('Recovery key');
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    await expect(client.call('saveRecoveryKey', { workspace, set, file })).rejects.toMatchObject({
      message: expect.stringContaining('exists already') as string,
    });
  });
});

describe('the scheduler', () => {
  /** An engine of a system without any scheduler. */
  const call = async <O extends 'scheduler' | 'handOver' | 'takeBack'>(operation: O) => {
    const alone = new EngineClient({
      script: built.script,
      environment: { CRM_BACKUP_HOME: path.join(home.path, 'home'), PATH: home.path },
      idleMs: 60_000,
      log: () => undefined,
    });
    try {
      return await alone.call<O>(operation, { workspace });
    } finally {
      alone.dispose();
    }
  };

  test('is said to be the system’s as long as what it starts is there', async () => {
    expect(await call('scheduler')).toEqual({ isHandedOver: false });
    const file = path.join(workspace, '.vscode/crm-backup.json');
    const schedule = [{ every: 'day', at: '02:00' }];
    const sets = [{ name: set, files: [{ root: '.' }], schedule }];
    writeFileSync(file, JSON.stringify({ version: 1, sets }));
    const { nextRun } = await call('scheduler');
    expect(Number.isNaN(Date.parse(nextRun ?? ''))).toBe(false);
    const handed = { version: 1, workspace, isHandedOver: true, jobs: [] } as const;
    const keep = (script: string): void => writeSchedule(path.join(home.path, 'home'), { ...handed, script });
    keep(path.join(home.path, 'removed/cli.js'));
    expect(await call('scheduler')).toMatchObject({ isHandedOver: false });
    keep(built.script);
    expect(await call('scheduler')).toMatchObject({ isHandedOver: true });
    if (process.platform === 'linux') {
      await call('takeBack');
      expect(await call('scheduler')).toMatchObject({ isHandedOver: false });
      await expect(call('handOver')).rejects.toMatchObject({ code: 'no-scheduler' });
      expect(await call('scheduler')).toMatchObject({ isHandedOver: false });
    }
  });
});

test('whether an object of a database is text is told, as of a file', async () => {
  const setFile = path.join(workspace, '.vscode/crm-backup.json');
  const databases = ['text', 'binary'].map((name) => ({
    name,
    command: { dump: `cat ${name}.dump`, restore: 'false' },
  }));
  const sets = [{ name: set, files: [{ root: '.', exclude: ['*.dump'] }], databases }];
  writeFileSync(setFile, JSON.stringify({ version: 1, sets }));
  const dump = (text: string): void => {
    write('text.dump', text);
    write('binary.dump', `${text}\0`);
  };
  dump('one\n');
  const { id: from } = await backUp();
  dump('two\n');
  const { id: backup } = await backUp();
  const between = { workspace, set, backup, from, paths: ['databases'], probe: true };
  const { changes } = await client.call('changes', between);
  const dumps = changes.filter(({ path: one }) => one.endsWith('/dump'));
  expect(dumps.map(({ path: one, type, binary }) => [one, type, binary])).toEqual([
    ['databases/binary/dump', 'object', true],
    ['databases/text/dump', 'object', false],
  ]);
});
