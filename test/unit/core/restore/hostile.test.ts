import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LiveTree } from '../../../../src/core/restore/live-tree.ts';
import { planRoot } from '../../../../src/core/restore/plan.ts';
import { Selection } from '../../../../src/core/restore/selection.ts';
import { createFilter } from '../../../../src/core/set/match.ts';
import { craftBackup, type CraftedEntry } from '../../../build/crafted-backup.ts';
import { type Restorable, restorable } from '../../../build/restorable.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { makeTree, treeOf } from '../../../build/tree.ts';

const ROOT: CraftedEntry = { path: 'files/workspace', type: 'directory' };
const file = (path: string): CraftedEntry => ({ path, type: 'file', content: 'evil' });
const directory = (path: string): CraftedEntry => ({ path, type: 'directory' });

let place: Restorable;

beforeAll(async () => {
  place = await restorable(treeOf({ mine: 'mine', 'folder/in': 'in' }));
  makeTree(place.scratch, treeOf({ outside: 'not to be touched' }));
});

afterAll(async () => place[Symbol.asyncDispose]());

describe('a manifest that means harm', () => {
  it.each<[string, CraftedEntry[]]>([
    ['climbs out', [ROOT, file('files/workspace/../escaped')]],
    [
      'climbs out from deeper down',
      [ROOT, directory('files/workspace/a'), file('files/workspace/a/../../escaped')],
    ],
    ['names the folder above', [ROOT, directory('files/workspace/..'), file('files/workspace/../escaped')]],
    ['names the folder itself', [ROOT, directory('files/workspace/.')]],
    ['has an empty name', [ROOT, file('files/workspace/')]],
    ['is absolute', [ROOT, directory('files/workspace/'), file('files/workspace//tmp/escaped')]],
    ['holds a zero byte', [ROOT, file('files/workspace/a\0b')]],
    [
      'writes through a link',
      [
        ROOT,
        { path: 'files/workspace/l', type: 'link', target: '/tmp', size: 4 },
        file('files/workspace/l/escaped'),
      ],
    ],
    [
      'writes through a link that a folder becomes',
      [
        ROOT,
        directory('files/workspace/l'),
        { path: 'files/workspace/l', type: 'link', target: '/tmp', size: 4 },
        file('files/workspace/l/escaped'),
      ],
    ],
    ['writes into a file', [ROOT, file('files/workspace/f'), file('files/workspace/f/in')]],
    ['leaves folders out', [ROOT, file('files/workspace/no/folder')]],
    ['lists a path twice', [ROOT, file('files/workspace/a'), file('files/workspace/a')]],
    ['is out of order', [ROOT, file('files/workspace/b'), file('files/workspace/a')]],
    ['has a file as root', [file('files/workspace')]],
    ['has no root', [file('files/workspace/a')]],
    ['passes a table off as a file', [ROOT, { path: 'files/workspace/t', type: 'table' }]],
  ])('and %s is refused before anything is touched', async (_what, entries) => {
    const record = await craftBackup(place.vault, entries);
    mkdirSync(place.home, { recursive: true });
    const before = snapshotTree(join(place.root, '..'), { except: (path) => path === 'home' });
    const options = [
      {},
      { to: join(place.scratch, 'out') },
      { paths: [entries.at(-1)!.path.replace(/\/+$/, '')] },
    ];
    for (const option of options) {
      await expect(place.restore(record, { delete: true, ...option })).rejects.toMatchObject({
        name: expect.stringMatching(/RestoreError|VaultError/) as string,
        code: expect.stringMatching(/hostile-path|not-in-backup|damaged/) as string,
      });
    }
    expect(snapshotTree(join(place.root, '..'), { except: (path) => path === 'home' })).toEqual(before);
  });

  it.each(['files/..', 'files/.', 'files/', 'files/a/../../..'])(
    'and has a root %s is refused',
    async (root) => {
      const record = await craftBackup(place.vault, [directory(root), file(`${root}/escaped`)], { root });
      const to = join(place.scratch, 'deep/er');
      await expect(place.restore(record, { to, set: undefined })).rejects.toMatchObject({
        code: 'hostile-path',
      });
    },
  );

  it('and has a name no disk can keep is refused', async () => {
    const record = await craftBackup(place.vault, [ROOT, file(`files/workspace/${'x'.repeat(256)}`)]);
    await expect(place.restore(record)).rejects.toMatchObject({ code: 'unsupported-name' });
  });

  it('and says another size than its content has is refused', async () => {
    const record = await craftBackup(place.vault, [ROOT, { ...file('files/workspace/a'), size: 3 }]);
    const before = snapshotTree(place.root);
    await expect(place.restore(record)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('files/workspace/a') as string,
    });
    expect(snapshotTree(place.root)).toEqual(before);
  });

  it('and names content the vault never had is refused', async () => {
    const lost = { ...file('files/workspace/a'), content: '', size: 4, chunks: Buffer.alloc(32, 7) };
    const record = await craftBackup(place.vault, [ROOT, lost]);
    await expect(place.restore(record)).rejects.toMatchObject({ code: 'missing-chunk' });
  });
});

describe('names that only other systems keep', () => {
  const nothing: LiveTree = {
    look: () => undefined,
    list: () => [],
    target: () => '',
    holds: () => false,
  };

  async function plan(platform: NodeJS.Platform, names: readonly string[]): Promise<unknown> {
    const entries = [ROOT, ...names.map((name) => file(`files/workspace/${name}`))].map((entry) => ({
      size: 0,
      mode: 0o644,
      mtimeNs: 0n,
      ctimeNs: 0n,
      inode: 0n,
      chunks: Buffer.alloc(0),
      target: undefined,
      ...entry,
    }));
    async function* all(): AsyncGenerator<typeof entries> {
      await Promise.resolve();
      yield entries;
    }
    const rules = {
      filter: createFilter([], []),
      delete: false,
      deleteMissing: false,
      startedAtNs: 0n,
      mayAdjust: () => true,
    };
    return planRoot(
      all(),
      { ...rules, root: 'files/workspace', live: nothing, selection: new Selection(undefined), platform },
      {},
    );
  }

  it.each<[NodeJS.Platform, string[], string]>([
    ['win32', ['CON'], 'unsupported-name'],
    ['win32', ['a.'], 'unsupported-name'],
    ['win32', ['what?'], 'unsupported-name'],
    ['win32', ['c:evil'], 'hostile-path'],
    ['win32', ['..\\evil'], 'hostile-path'],
    ['win32', ['README', 'readme'], 'unsupported-name'],
    ['darwin', ['README', 'readme'], 'unsupported-name'],
    ['darwin', ['e\u0301', '\u00e9'], 'unsupported-name'],
    ['darwin', ['caf\udce9'], 'unsupported-name'],
  ])('on %s %j: %s', async (platform, names, code) => {
    await expect(plan(platform, names)).rejects.toMatchObject({ name: 'RestoreError', code });
  });

  it('are no trouble on Linux', async () => {
    const names = ['CON', 'README', 'a.', 'c:evil', 'e\u0301', 'readme', '\u00e9', 'caf\udce9'];
    await expect(plan('linux', names.sort())).resolves.toMatchObject({ counts: { create: names.length } });
  });
});
