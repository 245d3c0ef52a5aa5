import { appendFileSync, existsSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { EngineClient } from '../../../src/engine/client.ts';
import { type Built, buildForNode } from '../../build/bundle.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../build/tree.ts';

const set = 'crm';
const at = (name: string): string => `files/workspace/${name}`;
const text = Array.from({ length: 40 }, (_, number) => `line ${number}\n`).join('');

let engine: Built;
let folder: TemporaryFolder;
let workspace: string;
let cache: string;
let client: EngineClient;
let ids: string[];

beforeAll(async () => {
  engine = await buildForNode('src/engine/server.ts');
});
afterAll(async () => engine[Symbol.asyncDispose]());

beforeEach(async () => {
  folder = temporaryFolder();
  workspace = path.join(folder.path, 'workspace');
  cache = path.join(folder.path, 'storage');
  await mkdir(workspace);
  makeTree(workspace, treeOf({ 'a.php': text, 'b.php': 'b\n' }));
  client = connect({});
  await client.call('createSet', { workspace, set });
  ids = [await backUp()];
  renameSync(path.join(workspace, 'a.php'), path.join(workspace, 'renamed.php'));
  appendFileSync(path.join(workspace, 'renamed.php'), 'needle\n');
  ids.unshift(await backUp());
});
afterEach(async () => {
  client.dispose();
  await folder[Symbol.asyncDispose]();
});

function connect(environment: Readonly<Record<string, string>>): EngineClient {
  return new EngineClient({
    script: engine.script,
    environment: {
      CRM_BACKUP_HOME: path.join(folder.path, 'home'),
      CRM_BACKUP_CACHE: cache,
      ...environment,
    },
    idleMs: 60_000,
    log: () => undefined,
  });
}

async function backUp(): Promise<string> {
  return (await client.call('backup', { workspace, set, kind: 'auto' })).id;
}

test('the history of a file, of its lines and of a text is told over the wire', async () => {
  const request = { workspace, set, backup: ids[0]!, from: ids[1]!, paths: [], probe: true };
  expect(existsSync(cache)).toBe(false);
  const { changes, hint } = await client.call('changes', request);
  expect(changes.map(({ change, path: now, oldPath }) => [change, now, oldPath])).toEqual([
    ['renamed', at('renamed.php'), at('a.php')],
  ]);
  expect(hint).toBeUndefined();
  expect(existsSync(cache)).toBe(true);
  expect(existsSync(path.join(folder.path, 'home/cache'))).toBe(false);

  const target = { workspace, set, path: at('renamed.php') };
  const { versions } = await client.call('fileHistory', target);
  expect(versions).toEqual([
    {
      backup: ids[0],
      change: 'renamed',
      path: at('renamed.php'),
      oldPath: at('a.php'),
      size: text.length + 7,
      added: 1,
      deleted: 0,
    },
    { backup: ids[1], change: 'added', path: at('a.php'), size: text.length, added: 40, deleted: 0 },
  ]);
  expect(await client.call('lineOrigins', { ...target, backup: ids[0]! })).toEqual([
    { line: 1, count: 40, backup: ids[1] },
    { line: 41, count: 1, backup: ids[0] },
  ]);
  const query = { workspace, set, text: 'needle', regex: false, ignoreCase: false, paths: [] };
  expect(await client.call('searchText', query)).toEqual({
    matches: [{ backup: ids[0], path: at('renamed.php'), change: 'renamed', oldPath: at('a.php') }],
    unread: [],
  });
});

test('what is lost is told with what is found', async () => {
  const home = path.join(folder.path, 'home');
  const packs = (): string[] =>
    readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.pack'));
  const before = packs();
  appendFileSync(path.join(workspace, 'b.php'), 'needle\n');
  appendFileSync(path.join(workspace, 'new.php'), 'new\n');
  ids.unshift(await backUp());
  for (const name of packs()) if (!before.includes(name)) rmSync(path.join(home, name));
  client.dispose();
  client = connect({});
  const target = { workspace, set };
  const query = { ...target, text: 'needle', regex: false, ignoreCase: false, paths: [] };
  const text = await client.call('searchText', query);
  expect([text.matches.map(({ backup }) => backup), text.unread]).toEqual([[ids[1]], [ids[0]]]);
  const names = await client.call('findPaths', { ...target, pattern: 'b.php', most: 10 });
  expect([names.matches.map(({ newest }) => newest), names.unread]).toEqual([[ids[1]], [ids[0]]]);
  const { versions, unread } = await client.call('fileHistory', { ...target, path: at('b.php') });
  expect([versions.map(({ backup }) => backup), unread]).toEqual([[ids[2]], [ids[0]]]);

  // Whether a backup had it nobody knows: that its record cannot be read is told as well.
  const record = readdirSync(home, { recursive: true, encoding: 'utf8' }).find((name) =>
    name.endsWith(ids[1]!),
  );
  truncateSync(path.join(home, record!), 30);
  rmSync(cache, { recursive: true, force: true });
  client.dispose();
  client = connect({});
  const neverRead = await client.call('fileHistory', { ...target, path: at('new.php') });
  expect([neverRead.versions, neverRead.unread.toSorted()]).toEqual([[], [ids[0]!, ids[1]!].sort()]);
  expect((await client.call('findPaths', { ...target, pattern: 'b.php', most: 10 })).unread).toContain(
    ids[1],
  );
  expect((await client.call('searchText', query)).unread).toContain(ids[1]);
});

test('without git, what can be told is told, with one hint', async () => {
  client.dispose();
  client = connect({ PATH: workspace });
  const request = { workspace, set, backup: ids[0]!, from: ids[1]!, paths: [], probe: true };
  const { changes, hint } = await client.call('changes', request);
  expect(changes.map(({ change, path: now }) => [change, now])).toEqual([
    ['deleted', at('a.php')],
    ['added', at('renamed.php')],
  ]);
  expect(hint).toMatchObject({ code: 'no-git', message: 'git was not found.' });
  const found = await client.call('fileHistory', { workspace, set, path: at('a.php') });
  expect(found.versions.map(({ backup, change }) => [backup, change])).toEqual([
    [ids[0], 'deleted'],
    [ids[1], 'added'],
  ]);
  expect(found.hint?.code).toBe('no-git');
  await expect(client.call('fileHistory', { workspace, set, path: at('never') })).rejects.toMatchObject({
    code: 'unknown-entry',
  });
});
