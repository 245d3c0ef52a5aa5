import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelledError } from '../../../../src/core/errors.ts';
import type { PathFilter } from '../../../../src/core/set/match.ts';
import type { Problem } from '../../../../src/core/problem.ts';
import { systemPath } from '../../../../src/core/source/name.ts';
import { listRoot, type Scanned, scanRoot } from '../../../../src/core/source/scan.ts';
import type { Task } from '../../../../src/core/task.ts';
import { comparePaths } from '../../../../src/core/vault/order.ts';
import { asOrdinaryUser } from '../../../build/ordinary-user.ts';
import { randomTree } from '../../../build/random-tree.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { makeTree, temporaryFolder, type TemporaryFolder, treeOf } from '../../../build/tree.ts';

const EVERYTHING: PathFilter = { includes: () => true, enters: () => true };

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

function scan(filter = EVERYTHING, task: Task = {}, directory = folder.path) {
  const problems: Problem[] = [];
  const root = { name: 'workspace', directory, include: [], exclude: [] };
  const found = [...scanRoot(root, (one) => problems.push(one), task, filter)];
  return { found, paths: found.map((one) => one.path), problems };
}

describe('scanning a folder', () => {
  it('finds exactly what is there, with mode, times, inode and target, in the order of the manifest', async () => {
    await fc.assert(
      fc.asyncProperty(randomTree(), async (tree) => {
        await using place = temporaryFolder();
        makeTree(place.path, tree);
        const { found, paths, problems } = scan(EVERYTHING, {}, place.path);
        expect(problems).toEqual([]);
        expect(paths).toEqual(
          Object.keys(snapshotTree(place.path))
            .map((path) => path.replace(/^\.$/, ''))
            .sort(comparePaths),
        );
        for (const one of found) expectAsTheSystemSays(place.path, one);
      }),
      { numRuns: 60 },
    );
  });

  it('puts a directory directly before its content and a dot behind it', () => {
    makeTree(folder.path, treeOf({ 'a/b': '', 'a.txt': '', 'a!': '', 'a/': '', 'b/': '', 'a/b.txt': '' }));
    expect(scan().paths).toEqual(['', 'a', 'a/b', 'a/b.txt', 'a!', 'a.txt', 'b']);
  });

  it('keeps links as links, dangling, circular or to folders', () => {
    makeTree(
      folder.path,
      treeOf({
        'real/file': 'x',
        toFolder: { link: 'real' },
        nowhere: { link: '/does/not/exist' },
        self: { link: 'self' },
      }),
    );
    symlinkSync(Buffer.from([0x66, 0xff]), `${folder.path}/foreign`);
    const links = scan().found.filter((one) => one.type === 'link');
    expect(links.map((one) => [one.path, one.target, one.size])).toEqual([
      ['foreign', 'f\udcff', 2],
      ['nowhere', '/does/not/exist', 15],
      ['self', 'self', 4],
      ['toFolder', 'real', 4],
    ]);
  });

  it('yields hard links as files of their own', () => {
    makeTree(folder.path, [
      { type: 'file', path: 'one', content: 'x' },
      { type: 'hard-link', path: 'two', target: 'one' },
    ]);
    const [, one, two] = scan().found;
    expect([one?.type, two?.type, one?.links, two?.links]).toEqual(['file', 'file', 2, 2]);
    expect(one?.inode).toBe(two?.inode);
  });

  it('tells of pipes and sockets and goes on', async () => {
    execFileSync('mkfifo', [`${folder.path}/pipe`]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(`${folder.path}/socket`, resolve));
    writeFileSync(`${folder.path}/zebra`, '');
    const { paths, problems } = scan();
    await new Promise((resolve) => server.close(resolve));
    expect(paths).toEqual(['', 'zebra']);
    expect(problems.map(({ code, path, incomplete }) => [code, path, incomplete])).toEqual([
      ['special-file', 'files/workspace/pipe', false],
      ['special-file', 'files/workspace/socket', false],
    ]);
  });

  it('follows the root itself when that is a link', () => {
    makeTree(folder.path, treeOf({ 'real/file': '', root: { link: 'real' } }));
    const { found } = scan(EVERYTHING, {}, `${folder.path}/root`);
    expect(found.map((one) => [one.path, one.type])).toEqual([
      ['', 'directory'],
      ['file', 'file'],
    ]);
  });

  it.each([
    ['is not there', 'missing', /does not exist/],
    ['is a file', 'file', /is not a directory/],
    ['lies below a file', 'file/below', /does not exist/],
  ])('tells when the root %s', (_what, root, message) => {
    makeTree(folder.path, treeOf({ file: '' }));
    const { found, problems } = scan(EVERYTHING, {}, `${folder.path}/${root}`);
    expect(found).toEqual([]);
    expect(problems).toMatchObject([{ code: 'root-missing', path: 'files/workspace', incomplete: true }]);
    expect(problems[0]?.message).toMatch(message);
  });

  it('stops when it is cancelled', () => {
    makeTree(folder.path, treeOf({ a: '' }));
    expect(() => scan(EVERYTHING, { signal: AbortSignal.abort() })).toThrow(CancelledError);
  });
});

describe('a filter', () => {
  it("follows from the root's own patterns", () => {
    makeTree(folder.path, treeOf({ 'data/a.json': '', 'data/cache/b': '', 'custom/c': '', 'other/d': '' }));
    const root = {
      name: 'crm',
      directory: folder.path,
      include: ['data/**', 'custom/'],
      exclude: ['cache/'],
    };
    const found = [...scanRoot(root, () => undefined, {})];
    expect(found.map((one) => one.path)).toEqual(['', 'custom', 'custom/c', 'data', 'data/a.json']);
  });

  const tree = treeOf({
    'data/keep/a.json': '',
    'data/cache/b': '',
    'data/drop.log': '',
    'other/deep/er/c': '',
    'empty/': '',
  });

  it('keeps the directories that lead to what is included, and no others', () => {
    makeTree(folder.path, tree);
    const filter: PathFilter = {
      includes: (path) => path === 'other/deep/er/c' || path === 'data/drop.log',
      enters: () => true,
    };
    expect(scan(filter).paths).toEqual([
      '',
      'data',
      'data/drop.log',
      'other',
      'other/deep',
      'other/deep/er',
      'other/deep/er/c',
    ]);
  });

  it('is asked before a directory is entered', () => {
    makeTree(folder.path, tree);
    const asked: string[] = [];
    const filter: PathFilter = {
      includes: (path) => {
        asked.push(path);
        return true;
      },
      enters: (path) => path !== 'data/cache' && path !== 'other',
    };
    expect(scan(filter).paths).toEqual([
      '',
      'data',
      'data/cache',
      'data/drop.log',
      'data/keep',
      'data/keep/a.json',
      'empty',
      'other',
    ]);
    expect(asked).not.toContain('data/cache/b');
  });

  it('knows directories from files', () => {
    makeTree(folder.path, treeOf({ 'logs/x': '', 'y/logs': '' }));
    const filter: PathFilter = {
      includes: (path, isDirectory) => !(isDirectory && path.endsWith('logs')),
      enters: (path) => path !== 'logs',
    };
    expect(scan(filter).paths).toEqual(['', 'y', 'y/logs']);
  });

  it('keeps problems of what is left out to itself', () => {
    execFileSync('mkfifo', [`${folder.path}/pipe`]);
    expect(scan({ includes: () => false, enters: () => false }).problems).toEqual([]);
  });
});

describe('a folder that changes while it is scanned', () => {
  it('may lose a file: that is told and harms nothing', () => {
    makeTree(folder.path, treeOf({ a: '', b: '', c: '' }));
    const filter: PathFilter = {
      enters: () => true,
      includes: (path) => (path === 'a' && rmSync(`${folder.path}/b`), true),
    };
    const { paths, problems } = scan(filter);
    expect(paths).toEqual(['', 'a', 'c']);
    expect(problems).toEqual([
      expect.objectContaining({ code: 'vanished', path: 'files/workspace/b', incomplete: false }),
    ]);
  });

  it('may turn a file into a directory', () => {
    makeTree(folder.path, treeOf({ a: '', b: 'was a file' }));
    const swap = () => {
      rmSync(`${folder.path}/b`);
      makeTree(folder.path, treeOf({ 'b/inside': 'now' }));
    };
    const { found, problems } = scan({
      enters: () => true,
      includes: (path) => (path === 'a' && swap(), true),
    });
    expect(found.map((one) => [one.path, one.type])).toEqual([
      ['', 'directory'],
      ['a', 'file'],
      ['b', 'directory'],
      ['b/inside', 'file'],
    ]);
    expect(problems).toEqual([]);
  });

  it('may turn a directory into a file between its stat and its listing', () => {
    makeTree(folder.path, treeOf({ 'a/inside': '' }));
    const swap = () => {
      rmSync(`${folder.path}/a`, { recursive: true, force: true });
      writeFileSync(`${folder.path}/a`, 'now a file');
    };
    const { found, problems } = scan({ includes: () => true, enters: () => (swap(), true) });
    expect(found.map((one) => [one.path, one.type])).toEqual([
      ['', 'directory'],
      ['a', 'file'],
    ]);
    expect(problems).toEqual([]);
  });

  it('may lose a whole directory after it was listed', () => {
    makeTree(folder.path, treeOf({ 'a/1': '', 'a/2': '', b: '' }));
    const drop = () => rmSync(`${folder.path}/a`, { recursive: true, force: true });
    const { paths, problems } = scan({
      enters: () => true,
      includes: (path) => (path === 'a/1' && drop(), true),
    });
    expect(paths).toEqual(['', 'a', 'a/1', 'b']);
    expect(problems.map((one) => [one.code, one.path])).toEqual([['vanished', 'files/workspace/a/2']]);
  });
});

describe('trees at the limits', () => {
  it('are walked without recursion and reported where the system cannot open a path', () => {
    // Deeper than a path may be long: only relative steps get there, and only rm(1) gets it away again.
    const name = 'd'.repeat(200);
    const make = `const {mkdirSync, writeFileSync} = require('node:fs');
      for (let i = 0; i < 40; i++) { mkdirSync('${name}'); process.chdir('${name}'); writeFileSync('f', ''); }`;
    execFileSync(process.execPath, ['-e', make], { cwd: folder.path });
    const { paths, problems } = scan();
    execFileSync('rm', ['-rf', `${folder.path}/${name}`]);
    expect(paths.length).toBeGreaterThan(30);
    expect(problems.map((one) => [one.code, one.incomplete])).toEqual([['unsupported-name', true]]);
    expect(`${folder.path}/${problems[0]?.path.slice('files/workspace/'.length)}`.length).toBeGreaterThan(
      4095,
    );
  });

  it('are walked when they are deep in short names', () => {
    const deep = 'd/'.repeat(900);
    mkdirSync(`${folder.path}/${deep}`, { recursive: true });
    const { paths } = scan();
    expect(paths.length).toBe(901);
    expect(paths.at(-1)).toBe(deep.slice(0, -1));
    execFileSync('rm', ['-rf', `${folder.path}/d`]);
  });
});

describe('what may not be read', () => {
  it.runIf(process.platform !== 'win32')('is told, and everything else is found', () => {
    makeTree(folder.path, treeOf({ 'open/file': '', 'shut/file': '', 'blind/file': '', z: '' }));
    chmodSync(folder.path, 0o755);
    chmodSync(`${folder.path}/shut`, 0o000);
    chmodSync(`${folder.path}/blind`, 0o444);
    const { paths, problems } = asOrdinaryUser(() => scan());
    chmodSync(`${folder.path}/shut`, 0o755);
    chmodSync(`${folder.path}/blind`, 0o755);
    expect(paths).toEqual(['', 'blind', 'open', 'open/file', 'shut', 'z']);
    expect(problems.map(({ code, path, incomplete }) => [code, path, incomplete])).toEqual([
      ['permission-denied', 'files/workspace/blind/file', true],
      ['permission-denied', 'files/workspace/shut', true],
    ]);
  });

  it.runIf(process.platform !== 'win32')('may be the root itself', () => {
    makeTree(folder.path, treeOf({ 'root/file': '' }));
    chmodSync(folder.path, 0o755);
    chmodSync(`${folder.path}/root`, 0o000);
    const { paths, problems } = asOrdinaryUser(() => scan(EVERYTHING, {}, `${folder.path}/root`));
    chmodSync(`${folder.path}/root`, 0o755);
    expect(paths).toEqual(['']);
    expect(problems.map(({ code, path }) => [code, path])).toEqual([
      ['permission-denied', 'files/workspace'],
    ]);
  });
});

describe('a mount point', () => {
  it.runIf(process.platform === 'linux')('is kept as a folder, told of and not entered', () => {
    const proc = (path: string) => path === 'proc' || path.startsWith('proc/');
    const { paths, problems } = scan({ includes: proc, enters: proc }, {}, '/');
    expect(paths).toEqual(['', 'proc']);
    expect(problems).toEqual([
      expect.objectContaining({ code: 'mount-point', path: 'files/workspace/proc', incomplete: true }),
    ]);
  });
});

function expectAsTheSystemSays(directory: string, one: Scanned): void {
  const stat = lstatSync(systemPath(one.path === '' ? directory : `${directory}/${one.path}`), {
    bigint: true,
  });
  expect(one).toMatchObject({
    type: stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'link' : 'file',
    mode: Number(stat.mode) & 0o7777,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    inode: stat.ino,
    links: Number(stat.nlink),
    size: stat.isDirectory() ? 0 : Number(stat.size),
  });
}

describe('listing a folder for a reader that opens every file', () => {
  it('finds the same as a scan, files without their stat', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomTree(),
        fc.array(fc.constantFrom('*.php', 'a', '*1*')),
        async (tree, exclude) => {
          await using place = temporaryFolder();
          makeTree(place.path, tree);
          const root = { name: 'workspace', directory: place.path, include: [], exclude };
          const listed = [...listRoot(root, () => undefined, {})];
          const scanned = [...scanRoot(root, () => undefined, {})];
          const nameAndType = ({ path, type }: { path: string; type: string }): string => `${type} ${path}`;
          expect(listed.map(nameAndType)).toEqual(scanned.map(nameAndType));
          const stated = new Map(scanned.map((one) => [one.path, one]));
          for (const one of listed) if (one.size !== undefined) expect(one).toEqual(stated.get(one.path));
        },
      ),
    );
  });
});
