import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EngineClient, type EngineOptions } from '../../../src/engine/client.ts';
import type { BackupSummary, SetState } from '../../../src/engine/protocol.ts';
import { type Built, buildForNode } from '../../build/bundle.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../build/tree.ts';

const set = 'crm';
let engine: Built;
let home: TemporaryFolder;
let workspace: string;
let log: string[];
let clients: EngineClient[];

beforeAll(async () => {
  engine = await buildForNode('src/engine/server.ts');
});
afterAll(async () => engine[Symbol.asyncDispose]());

beforeEach(async () => {
  home = temporaryFolder();
  workspace = path.join(home.path, 'workspace');
  await mkdir(workspace);
  log = [];
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.dispose();
  await home[Symbol.asyncDispose]();
});

const environment = (): Record<string, string> => ({ CRM_BACKUP_HOME: path.join(home.path, 'home') });

function connect(options: Partial<EngineOptions> = {}): EngineClient {
  const client = new EngineClient({
    script: engine.script,
    environment: environment(),
    idleMs: 60_000,
    log: (level, message) => log.push(`${level}: ${message}`),
    ...options,
  });
  clients.push(client);
  return client;
}

/** Enough to be at work for a while: reading it takes far longer than a message. */
function makeMuchWork(): void {
  for (let folder = 0; folder < 40; folder++) {
    const files = Array.from({ length: 50 }, (_, at) => [`d${folder}/f${at}`, randomBytes(20_000)] as const);
    makeTree(workspace, treeOf(Object.fromEntries(files)));
  }
}

async function stateOf(client: EngineClient): Promise<SetState> {
  const { sets } = await client.call('state', { workspace });
  expect(sets).toHaveLength(1);
  return sets[0]!;
}

async function backUp(client: EngineClient, kind: 'full' | 'incremental' = 'full'): Promise<BackupSummary> {
  return client.call('backup', { workspace, set, kind });
}

/** Starts a backup and resolves once it is under way, with what it will come to. */
async function startBackup(
  client: EngineClient,
  options: { readonly signal?: AbortSignal; readonly background?: boolean } = {},
): Promise<{ readonly result: Promise<BackupSummary> }> {
  const { signal, background = false } = options;
  let result: Promise<BackupSummary> | undefined;
  await new Promise<void>((underWay) => {
    const task = { signal, progress: () => underWay() };
    result = client.call('backup', { workspace, set, kind: 'full', background }, task);
    // A failure is what the tests wait for themselves.
    result.catch(() => undefined);
  });
  return { result: result! };
}

async function hasEnded(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await delay(20);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('the engine', () => {
  test('creates a set, takes backups, tells its state and reads what is in a backup', async () => {
    const content = {
      'data/config.php': '<?php\n',
      'names/caf\udce9': 'latin',
      'names/中文 😀': 'x',
      to: { link: 'data' },
    };
    makeTree(workspace, treeOf(content));
    const client = connect();
    expect((await client.call('state', { workspace })).sets).toEqual([]);
    await client.call('createSet', { workspace, set });
    const full = await backUp(client);
    await writeFile(path.join(workspace, 'data/config.php'), '<?php // changed\n');
    const incremental = await backUp(client, 'incremental');

    const state = await stateOf(client);
    expect(state.backups.map(({ id }) => id)).toEqual([incremental.id, full.id]);
    expect(incremental).toMatchObject({
      kind: 'incremental',
      base: full.id,
      files: { modified: 1, added: 0 },
    });

    const target = { workspace, set, backup: full.id };
    const roots = await client.call('list', { ...target, path: 'files' });
    expect(roots.map((entry) => entry.path)).toEqual(['files/workspace']);
    const names = await client.call('list', { ...target, path: 'files/workspace/names' });
    expect(names.map((entry) => entry.path)).toContain('files/workspace/names/caf\udce9');
    const read = async (name: string): Promise<string> =>
      Buffer.from(await client.call('read', { ...target, path: `files/workspace/${name}` })).toString();
    expect(await read('data/config.php')).toBe('<?php\n');
    expect(await read('names/caf\udce9')).toBe('latin');
    expect(await read('to')).toBe('data');
  });

  test('takes the first backup of a set that came with the workspace, making the vault', async () => {
    makeTree(workspace, treeOf({ 'a.txt': 'a' }));
    await mkdir(path.join(workspace, '.vscode'));
    const setFile = { version: 1, sets: [{ name: set, files: [{ root: '.' }] }] };
    await writeFile(path.join(workspace, '.vscode/crm-backup.json'), JSON.stringify(setFile));
    const client = connect();
    expect((await stateOf(client)).backups).toEqual([]);
    const { id } = await backUp(client);
    expect((await stateOf(client)).backups.map((backup) => backup.id)).toEqual([id]);
  });

  test('tells which commands around a backup failed, and that it was taken', async () => {
    makeTree(workspace, treeOf({ 'a.txt': 'a' }));
    await mkdir(path.join(workspace, '.vscode'));
    const hooks = {
      before: { command: 'exit 3', onFailure: 'continue' },
      after: { command: 'exit 4' },
    };
    const setFile = { version: 1, sets: [{ name: set, files: [{ root: '.' }], hooks }] };
    await writeFile(path.join(workspace, '.vscode/crm-backup.json'), JSON.stringify(setFile));
    const { status, notices } = await connect().call('backup', { workspace, set, kind: 'full' });
    expect([status, notices]).toEqual([
      'complete',
      [
        'The command before the backup of “crm” ended with 3.',
        'The command after the backup of “crm” ended with 4.',
      ],
    ]);
  });

  test('gives commands nothing that its host meant for it alone', async () => {
    makeTree(workspace, treeOf({ 'a.txt': 'a' }));
    await mkdir(path.join(workspace, '.vscode'));
    const hooks = { before: { command: 'env > seen' }, after: { command: 'env >> seen' } };
    const databases = [{ name: 'legacy', command: { dump: 'env | tee -a seen', restore: 'cat' } }];
    const setFile = { version: 1, sets: [{ name: set, files: [{ root: '.' }], databases, hooks }] };
    await writeFile(path.join(workspace, '.vscode/crm-backup.json'), JSON.stringify(setFile));
    const host = { VSCODE_PID: '1', ELECTRON_NO_ATTACH_CONSOLE: '1', VSCODE_PORTABLE: '/p', OWN: '1' };
    const client = connect({ environment: { ...environment(), ...host } });
    const taken = await client.call('backup', { workspace, set, kind: 'full' });
    expect(taken.problems).toEqual([]);
    const seen = await readFile(path.join(workspace, 'seen'), 'utf8');
    expect(seen.match(/^OWN=1$/gm)).toHaveLength(3);
    expect(seen.match(/^VSCODE_PORTABLE=/gm)).toHaveLength(3);
    expect(seen).not.toMatch(/^(?:ELECTRON|VSCODE_PID|MALLOC|NODE_CHANNEL)/m);
  });

  test('pins, names and forgets', async () => {
    makeTree(workspace, treeOf({ 'a.txt': 'a' }));
    const client = connect();
    await client.call('createSet', { workspace, set });
    const { id } = await backUp(client);
    await client.call('pin', { workspace, set, backup: id, pinned: true });
    await client.call('label', { workspace, set, backup: id, label: 'Before the upgrade' });
    expect((await stateOf(client)).backups).toMatchObject([{ pinned: true, label: 'Before the upgrade' }]);
    await client.call('label', { workspace, set, backup: id, label: null });
    expect((await stateOf(client)).backups).toMatchObject([{ label: undefined }]);
    const target = { workspace, set, backup: id };
    await expect(client.call('forget', target)).rejects.toMatchObject({ code: 'pinned' });
    await client.call('pin', { ...target, pinned: false });
    await client.call('forget', target);
    expect((await stateOf(client)).backups).toEqual([]);
  });

  test('tells a failure with its code, its sentence and its places', async () => {
    await mkdir(path.join(workspace, '.vscode'));
    await writeFile(path.join(workspace, '.vscode/crm-backup.json'), '{\n  "version": 1,\n  "sets": [{}]\n}');
    const failure = connect().call('state', { workspace });
    await expect(failure).rejects.toMatchObject({ name: 'EngineFailure', code: 'invalid-set-file' });
    await expect(failure).rejects.toMatchObject({
      issues: [{ line: 3, column: 12, message: '“name” is missing' }, {}],
    });
  });

  test('tells what is wrong with one set without hiding the others', async () => {
    makeTree(workspace, treeOf({ 'a.txt': 'a' }));
    const client = connect();
    await client.call('createSet', { workspace, set });
    await backUp(client);
    const setFile = {
      version: 1,
      sets: [
        { name: set, files: [{ root: '.' }] },
        { name: 'lost', files: [{ root: '${env:CRM_BACKUP_NO_SUCH_VARIABLE}' }] },
      ],
    };
    await writeFile(path.join(workspace, '.vscode/crm-backup.json'), JSON.stringify(setFile));
    const { sets } = await client.call('state', { workspace });
    expect(sets[0]).toMatchObject({ problem: undefined, backups: [{ set }] });
    expect(sets[1]).toMatchObject({ problem: { code: 'missing-variable' }, backups: [] });
  });

  test('what is scheduled for a set that cannot be opened is due, fails, is told and tried again later', async () => {
    makeTree(workspace, treeOf({ 'a.txt': 'a' }));
    const client = connect();
    const schedule = [{ kind: 'incremental', every: 'day', at: '02:00' }];
    const vault = path.join(home.path, 'disk');
    const setFile = {
      version: 1,
      sets: [
        { name: 'lost', files: [{ root: '${env:CRM_BACKUP_NO_SUCH_VARIABLE}' }], schedule },
        { name: 'unplugged', files: [{ root: '.' }], vault, schedule },
        { name: 'fresh', files: [{ root: '.' }], vault: path.join(home.path, 'none yet'), schedule },
      ],
    };
    await mkdir(path.join(workspace, '.vscode'));
    await writeFile(path.join(workspace, '.vscode/crm-backup.json'), JSON.stringify(setFile));
    await client.call('backup', { workspace, set: 'unplugged', kind: 'full' });
    await rename(vault, `${vault}.away`);

    const { sets: before } = await client.call('state', { workspace });
    expect(before.map(({ name, problem }) => [name, problem?.code])).toEqual([
      ['lost', 'missing-variable'],
      ['unplugged', 'no-vault'],
      ['fresh', undefined],
    ]);
    for (const { next } of before) expect(next).toEqual({ kind: 'incremental', isNew: false });
    const { runs } = await client.call('runDue', { workspace, background: true });
    expect(runs.map((run) => [run.set, run.status, run.code])).toEqual([
      ['lost', 'failed', 'missing-variable'],
      ['unplugged', 'failed', 'no-vault'],
      ['fresh', 'failed', 'no-vault'],
    ]);
    const { sets: after } = await client.call('state', { workspace });
    for (const { next, troubles } of after) {
      expect(Date.parse(next?.at ?? '')).toBeGreaterThan(Date.now());
      expect(troubles).toMatchObject([{ code: 'failed', message: next?.message }]);
    }
    expect((await client.call('runDue', { workspace, background: true })).runs).toEqual([]);
  });
});

describe('the life of the engine', () => {
  test('cancelling stops the work, leaves nothing visible, and the engine goes on', async () => {
    const client = connect();
    await client.call('createSet', { workspace, set });
    makeMuchWork();
    const controller = new AbortController();
    const { result } = await startBackup(client, { signal: controller.signal });
    const { pid } = client;
    controller.abort();
    await expect(result).rejects.toMatchObject({ code: 'cancelled' });
    expect((await stateOf(client)).backups).toEqual([]);
    expect(client.pid).toBe(pid);
    expect((await backUp(client)).status).toBe('complete');
  });

  test('killed at work, it says so clearly, and the next call starts it anew', async () => {
    const client = connect();
    await client.call('createSet', { workspace, set });
    makeMuchWork();
    const { result } = await startBackup(client);
    const pid = client.pid!;
    process.kill(pid, 'SIGKILL');
    await expect(result).rejects.toMatchObject({
      name: 'EngineError',
      code: 'stopped',
      message: 'The backup engine stopped unexpectedly (SIGKILL); finished backups are safe.',
    });
    expect(log).toContain(
      'error: The backup engine stopped unexpectedly (SIGKILL); finished backups are safe.',
    );
    expect((await stateOf(client)).backups).toEqual([]);
    expect(client.pid).not.toBe(pid);
    expect((await backUp(client)).status).toBe('complete');
  });

  test('when its host is killed, it finishes the backup and ends', async () => {
    const client = connect();
    await client.call('createSet', { workspace, set });
    makeMuchWork();
    await using host = await buildForNode('test/build/engine-host.ts');
    const child = spawn(process.execPath, [host.script, engine.script, workspace, set], {
      env: { ...process.env, ...environment() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [told] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = Number(told.toString());
    expect(isRunning(pid)).toBe(true);
    child.kill('SIGKILL');
    await hasEnded(pid);
    expect((await stateOf(client)).backups).toMatchObject([{ kind: 'full', status: 'complete' }]);
  });

  test('let go by its host, it finishes the backup and ends; whoever waited is told', async () => {
    const client = connect();
    await client.call('createSet', { workspace, set });
    makeMuchWork();
    const { result } = await startBackup(client);
    const pid = client.pid!;
    client.dispose();
    await expect(result).rejects.toMatchObject({ code: 'stopped' });
    await expect(client.call('state', { workspace })).rejects.toMatchObject({ code: 'disposed' });
    await hasEnded(pid);
    expect((await stateOf(connect())).backups).toHaveLength(1);
  });

  test('let go once it is idle, it answers what it was asked first', async () => {
    const client = connect();
    await client.call('createSet', { workspace, set });
    makeMuchWork();
    const { result } = await startBackup(client);
    const pid = client.pid!;
    client.disposeWhenIdle();
    expect(await result).toMatchObject({ status: 'complete' });
    await expect(client.call('state', { workspace })).rejects.toMatchObject({ code: 'disposed' });
    await hasEnded(pid);
  });

  test('idle, it ends; the next call starts it anew', async () => {
    const client = connect({ idleMs: 20 });
    await client.call('createSet', { workspace, set });
    const pid = await runningPid(client, workspace);
    await hasEnded(pid);
    expect((await stateOf(client)).name).toBe(set);
    expect(log.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  test('works in the background below everything else', async () => {
    const client = connect();
    await client.call('createSet', { workspace, set });
    makeMuchWork();
    const usual = os.getPriority(client.pid);
    const { result } = await startBackup(client, { background: true });
    expect(os.getPriority(client.pid)).toBeGreaterThan(usual);
    await result;
  });

  test('that cannot be started is told', async () => {
    const missing = path.join(home.path, 'missing.js');
    const started = connect({ script: missing }).call('state', { workspace });
    await expect(started).rejects.toMatchObject({ code: 'stopped' });
    expect(log.join('\n')).toContain('missing.js');
    const broken = path.join(home.path, 'broken.js');
    writeFileSync(broken, 'process.exit(7);');
    await expect(connect({ script: broken }).call('state', { workspace })).rejects.toMatchObject({
      code: 'stopped',
      message: 'The backup engine stopped unexpectedly (exit code 7); finished backups are safe.',
    });
  });
});

/** The process that answers now. */
async function runningPid(client: EngineClient, folder: string): Promise<number> {
  const answer = client.call('state', { workspace: folder });
  await delay(0);
  const pid = client.pid!;
  await answer;
  return pid;
}
