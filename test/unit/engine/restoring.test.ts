import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { EngineClient, type EngineOptions } from '../../../src/engine/client.ts';
import type { Awakening, RestoreRequest } from '../../../src/engine/protocol.ts';
import { type Built, buildForNode } from '../../build/bundle.ts';
import { snapshotTree } from '../../build/snapshot-tree.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../build/tree.ts';

const set = 'crm';
let engine: Built;
let home: TemporaryFolder;
let workspace: string;
let clients: EngineClient[];

beforeAll(async () => {
  engine = await buildForNode('src/engine/server.ts');
});
afterAll(async () => engine[Symbol.asyncDispose]());

beforeEach(async () => {
  home = temporaryFolder();
  workspace = path.join(home.path, 'workspace');
  await mkdir(workspace);
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.dispose();
  await home[Symbol.asyncDispose]();
});

function connect(options: Partial<EngineOptions> = {}): EngineClient {
  const environment = { CRM_BACKUP_HOME: path.join(home.path, 'home') };
  const client = new EngineClient({
    script: engine.script,
    environment,
    idleMs: 60_000,
    log: () => undefined,
    ...options,
  });
  clients.push(client);
  return client;
}

const at = (name: string): string => path.join(workspace, name);

async function backUp(client: EngineClient): Promise<string> {
  return (await client.call('backup', { workspace, set, kind: 'auto' })).id;
}

function requestOf(backup: string, request: Partial<RestoreRequest> = {}): RestoreRequest {
  return { workspace, set, backup, paths: [], delete: false, safetyBackup: true, ...request };
}

test('tells by name what a restore would do, does it, and takes it back', async () => {
  makeTree(workspace, treeOf({ 'data/config.php': 'one', 'data/gone.txt': 'gone', 'same.txt': 'same' }));
  const client = connect();
  await client.call('createSet', { workspace, set });
  const backup = await backUp(client);
  await writeFile(at('data/config.php'), 'two!');
  await rm(at('data/gone.txt'));
  await mkdir(at('later'));
  await writeFile(at('later/new.txt'), 'new');
  const changed = snapshotTree(workspace);

  const request = requestOf(backup, { delete: true });
  const plan = await client.call('planRestore', request);
  const { create, replace, delete: removed, unchanged } = plan;
  expect({ create, replace, removed, unchanged }).toEqual({
    create: 1,
    replace: 1,
    removed: 1,
    unchanged: 2,
  });
  expect(plan.steps).toEqual([
    { path: 'files/workspace/data/config.php', action: 'replace' },
    { path: 'files/workspace/data/gone.txt', action: 'create' },
    { path: 'files/workspace/later/', action: 'delete' },
  ]);
  expect(snapshotTree(workspace)).toEqual(changed);

  const result = await client.call('restore', request);
  expect(result).toMatchObject({ plan: { create: 1, replace: 1, delete: 1 }, verified: true });
  expect(result.safetyBackup).not.toBeNull();
  expect(await readFile(at('data/config.php'), 'utf8')).toBe('one');
  const after = await client.call('planRestore', request);
  expect(after.create + after.replace + after.delete).toBe(0);

  const { sets } = await client.call('state', { workspace });
  expect(sets[0]?.restoredAt).toBeDefined();
  const undoing = await client.call('planUndo', { workspace, set });
  const { safetyBackup } = result;
  expect(undoing).toMatchObject({
    create: 1,
    replace: 1,
    delete: 1,
    backup: safetyBackup,
    databasePaths: [],
  });
  expect(undoing.steps.map(({ path }) => path)).toEqual([
    'files/workspace/data/config.php',
    'files/workspace/data/gone.txt',
    'files/workspace/later/new.txt',
  ]);
  await client.call('undoRestore', { workspace, set });
  expect(snapshotTree(workspace)).toEqual(changed);
});

test('takes back the restore that is meant, or nothing when another came since', async () => {
  makeTree(workspace, treeOf({ 'a.txt': 'one', 'b.txt': 'one' }));
  const client = connect();
  await client.call('createSet', { workspace, set });
  const backup = await backUp(client);
  const restored: (string | undefined)[] = [];
  for (const name of ['a.txt', 'b.txt']) {
    await writeFile(at(name), 'two!');
    const { safetyBackup } = await client.call(
      'restore',
      requestOf(backup, { paths: [`files/workspace/${name}`] }),
    );
    restored.push(safetyBackup ?? undefined);
  }
  const before = snapshotTree(workspace);
  const [first, last] = restored;
  for (const call of ['planUndo', 'undoRestore'] as const) {
    const undone = client.call(call, { workspace, set, meant: first });
    await expect(undone).rejects.toMatchObject({ code: 'restored-since' });
    expect(snapshotTree(workspace)).toEqual(before);
  }
  await client.call('undoRestore', { workspace, set, meant: last });
  expect(await readFile(at('b.txt'), 'utf8')).toBe('two!');
  expect(await readFile(at('a.txt'), 'utf8')).toBe('one');
});

test('restores into another folder, over what the plan has told of', async () => {
  makeTree(workspace, treeOf({ 'data/config.php': 'one' }));
  const client = connect();
  await client.call('createSet', { workspace, set });
  const backup = await backUp(client);
  const to = path.join(home.path, 'elsewhere');
  makeTree(to, treeOf({ 'files/workspace/data/config.php': 'another', 'mine.txt': 'mine' }));
  const request = requestOf(backup, { to, safetyBackup: false, paths: ['files/workspace/data'] });
  expect(await client.call('planRestore', request)).toMatchObject({ replace: 1, delete: 0 });
  await client.call('restore', request);
  expect(await readFile(path.join(to, 'files/workspace/data/config.php'), 'utf8')).toBe('one');
  expect(existsSync(path.join(to, 'mine.txt'))).toBe(true);
});

test('killed in a restore, the next engine leaves nothing half done and says what became of it', async () => {
  const files = Array.from({ length: 1500 }, (_, number) => [`d/f${number}`, randomBytes(20_000)] as const);
  makeTree(workspace, treeOf(Object.fromEntries(files)));
  const client = connect();
  await client.call('createSet', { workspace, set });
  const backup = await backUp(client);
  await rm(at('d'), { recursive: true });
  const before = snapshotTree(workspace);
  const progress = ({ phase }: { phase: string }): void => {
    if (phase === 'write' && client.pid !== undefined) process.kill(client.pid, 'SIGKILL');
  };
  const restore = client.call('restore', requestOf(backup, { safetyBackup: false }), { progress });
  await expect(restore).rejects.toMatchObject({ code: 'stopped' });

  const found: Awakening[] = [];
  const next = connect({ onAwakening: (awakening) => found.push(awakening) });
  await next.call('state', { workspace });
  expect(found).toMatchObject([{ recovered: [{ set, outcome: 'undone' }], failure: undefined }]);
  expect(snapshotTree(workspace)).toEqual(before);
  await next.call('restore', requestOf(backup, { safetyBackup: false }));
  expect(await readFile(at('d/f7'))).toEqual(files[7]?.[1]);
});

test('an interrupted restore command waits for the user, who may keep what is there', async () => {
  const restore = 'echo run >> runs; test ! -e broken; cat > live.db';
  const legacy = { name: 'legacy', command: { dump: 'cat live.db', restore } };
  const files = [{ root: '.', include: ['files/**'] }];
  makeTree(
    workspace,
    treeOf({
      'files/a': 'a',
      'live.db': 'old',
      '.vscode/crm-backup.json': JSON.stringify({
        version: 1,
        sets: [{ name: set, files, databases: [legacy] }],
      }),
    }),
  );
  const client = connect();
  const backup = await backUp(client);
  await writeFile(at('broken'), '');
  await expect(client.call('restore', requestOf(backup))).rejects.toMatchObject({ code: 'rollback-failed' });
  await rm(at('broken'));
  await rm(at('runs'));
  await writeFile(at('live.db'), 'work of a day');

  // Neither the engine that gave it up nor one that has only found it keeps it from others.
  await connect().call('state', { workspace });
  const found: Awakening[] = [];
  const next = connect({ onAwakening: (awakening) => found.push(awakening) });
  const { databases } = await next.call('planRestore', requestOf(backup));
  expect(databases[0]!.notices.at(-1)).toMatch(/that was interrupted here is ended first/);
  expect(found).toMatchObject([{ recovered: [{ set, outcome: 'undecided' }], failure: undefined }]);
  // Who has only looked at it is in nobody's way: it is told of and ended in another window, too.
  await connect({ onAwakening: (awakening) => found.push(awakening) }).call('state', { workspace });
  expect(found).toMatchObject([{}, { recovered: [{ outcome: 'undecided' }] }]);
  const { recovered: restores } = found[0]!;
  const elsewhere = at('../elsewhere');
  await mkdir(path.join(elsewhere, '.vscode'), { recursive: true });
  const concerns = async (folder: string, ...sets: object[]): Promise<boolean> => {
    const text = JSON.stringify({ version: 1, sets });
    if (folder === elsewhere) await writeFile(path.join(elsewhere, '.vscode/crm-backup.json'), text);
    return (await next.call('concerning', { workspace: folder, restores })).restores.length > 0;
  };
  expect(await concerns(workspace)).toBe(true);
  expect(await concerns(elsewhere)).toBe(false);
  expect(await concerns(elsewhere, { name: 'own', files: [{ root: '.' }] })).toBe(false);
  expect(await concerns(elsewhere, { name: 'same', files: [{ root: at('files') }] })).toBe(true);
  const doubtful = await next.call('backup', { workspace, set, kind: 'auto' });
  expect(doubtful.status).toBe('partial');
  const { id } = found[0]!.recovered[0]!;
  const ended = await next.call('endInterrupted', { restore: id, decision: 'keep' });
  expect(ended).toMatchObject({ outcome: 'kept', kept: [{ database: 'legacy' }] });
  expect(existsSync(at('runs'))).toBe(false);
  expect(await readFile(at('live.db'), 'utf8')).toBe('work of a day');
  expect((await next.call('backup', { workspace, set, kind: 'auto' })).status).toBe('complete');
  await expect(next.call('endInterrupted', { restore: id, decision: 'keep' })).rejects.toMatchObject({
    code: 'not-interrupted',
  });
});

test('tells what changed between two backups, binary and moved files as such', async () => {
  makeTree(
    workspace,
    treeOf({ 'a.txt': 'a\n', 'b.bin': Buffer.from([0, 1]), 'old/name.txt': 'moved\n', 'x.txt': 'x' }),
  );
  const client = connect();
  await client.call('createSet', { workspace, set });
  const from = await backUp(client);
  await appendFile(at('a.txt'), 'more\n');
  await appendFile(at('b.bin'), 'more');
  await rm(at('old'), { recursive: true });
  makeTree(workspace, treeOf({ 'new/name.txt': 'moved\n' }));
  await rm(at('x.txt'));
  const backup = await backUp(client);
  const { changes } = await client.call('changes', { workspace, set, backup, from, paths: [], probe: true });
  const files = changes.filter(({ type }) => type === 'file');
  const base = 'files/workspace';
  expect(files).toEqual([
    { path: `${base}/a.txt`, change: 'modified', type: 'file', before: 2, after: 7, binary: false },
    { path: `${base}/b.bin`, change: 'modified', type: 'file', before: 2, after: 6, binary: true },
    {
      path: `${base}/new/name.txt`,
      oldPath: `${base}/old/name.txt`,
      change: 'renamed',
      type: 'file',
      before: 6,
      after: 6,
      binary: false,
    },
    { path: `${base}/x.txt`, change: 'deleted', type: 'file', before: 1, after: undefined, binary: false },
  ]);
  const { changes: one } = await client.call('changes', {
    workspace,
    set,
    backup,
    from,
    paths: [`${base}/b.bin`],
    probe: true,
  });
  expect(one).toMatchObject([{ path: `${base}/b.bin`, binary: true }]);
});

test('frees what was forgotten, keeps what was taken back, and verifies', async () => {
  makeTree(workspace, treeOf({ 'a.bin': randomBytes(300_000) }));
  const client = connect();
  await client.call('createSet', { workspace, set });
  const first = await backUp(client);
  await writeFile(at('a.bin'), randomBytes(300_000));
  const second = await backUp(client);
  const target = { workspace, set, backup: first };
  await client.call('forget', target);
  await client.call('unforget', target);
  expect((await client.call('prune', { workspace, set })).freedBytes).toBeLessThan(10_000);

  await client.call('pin', { ...target, pinned: true });
  await expect(client.call('forget', target)).rejects.toMatchObject({ code: 'pinned' });
  await client.call('pin', { ...target, pinned: false });
  await client.call('forget', target);
  expect((await client.call('prune', { workspace, set })).freedBytes).toBeGreaterThan(250_000);
  const { damage, checked } = await client.call('verify', { workspace, set, level: 'data' });
  expect(damage).toEqual([]);
  expect(checked.backups).toBe(1);
  const { sets } = await client.call('state', { workspace });
  expect(sets[0]?.backups).toMatchObject([{ id: second }]);
  expect(sets[0]?.backups[0]?.verifiedAt).toBeDefined();
});

test('sees what another process has done to the vault meanwhile', async () => {
  makeTree(workspace, treeOf({ 'a.bin': randomBytes(300_000) }));
  const [one, other] = [connect(), connect()];
  await one.call('createSet', { workspace, set });
  const first = await backUp(one);
  const path = 'files/workspace/a.bin';
  await one.call('read', { workspace, set, backup: first, path });
  await writeFile(at('a.bin'), 'small');
  const second = await backUp(other);
  const read = await one.call('read', { workspace, set, backup: second, path });
  expect(Buffer.from(read).toString()).toBe('small');
  await other.call('forget', { workspace, set, backup: first });
  await other.call('prune', { workspace, set });
  const again = await one.call('read', { workspace, set, backup: second, path });
  expect(Buffer.from(again).toString()).toBe('small');
});

test('restores files and a database together or alone, and takes both back', async () => {
  makeTree(workspace, treeOf({ 'config.php': 'one' }));
  const count = (): unknown => {
    using database = new DatabaseSync(at('crm.db'), { readOnly: true });
    return database.prepare('SELECT count(*) AS rows FROM contact').get();
  };
  const edit = (sql: string): void => {
    using database = new DatabaseSync(at('crm.db'));
    database.exec(sql);
  };
  edit("CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO contact VALUES (1, 'Åsa')");
  const client = connect();
  const { setFile } = await client.call('createSet', { workspace, set });
  const databases = [{ name: 'crm', url: 'sqlite:crm.db' }];
  await writeFile(
    setFile,
    JSON.stringify({ version: 1, sets: [{ name: set, files: [{ root: '.' }], databases }] }),
  );
  const backup = await backUp(client);
  edit('INSERT INTO contact VALUES (2, NULL)');
  await writeFile(at('config.php'), 'two');

  const filesOnly = requestOf(backup, { paths: ['files'] });
  expect((await client.call('planRestore', filesOnly)).databases).toEqual([]);
  const alone = requestOf(backup, { paths: ['databases/crm'] });
  const plan = await client.call('planRestore', alone);
  expect(plan).toMatchObject({ replace: 0, databases: [{ database: 'crm', creates: false, tables: 1 }] });
  expect(count()).toEqual({ rows: 2 });

  const done = await client.call('restore', requestOf(backup));
  expect(done.plan).toMatchObject({ replace: 1, databases: [{ database: 'crm' }] });
  expect(count()).toEqual({ rows: 1 });
  expect(await readFile(at('config.php'), 'utf8')).toBe('one');
  const undo = await client.call('planUndo', { workspace, set });
  expect(undo).toMatchObject({ replace: 1, databases: [{ database: 'crm' }] });
  await client.call('undoRestore', { workspace, set });
  expect(count()).toEqual({ rows: 2 });
  expect(await readFile(at('config.php'), 'utf8')).toBe('two');

  const to = path.join(home.path, 'elsewhere');
  const elsewhere = requestOf(backup, { to, safetyBackup: false });
  expect((await client.call('planRestore', elsewhere)).databases).toMatchObject([{ creates: true }]);
  await client.call('restore', elsewhere);
  expect(existsSync(path.join(to, 'databases/crm/crm.db'))).toBe(true);
});
