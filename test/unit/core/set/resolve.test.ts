import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackupSet } from '../../../../src/core/set/definition.ts';
import { createFilter } from '../../../../src/core/set/match.ts';
import { absoluteFolder, resolveSet, type SetEnvironment } from '../../../../src/core/set/resolve.ts';

let workspace: string;
const environment: SetEnvironment = { env: { DATA: 'data' }, userHome: '/home/ada' };

beforeEach(async () => {
  workspace = await realpath(await mkdtemp(path.join(tmpdir(), 'crm-set-')));
});

afterEach(async () => {
  await rm(workspace, { recursive: true, force: true });
});

function set(files: BackupSet['files'], more: Partial<BackupSet> = {}): BackupSet {
  return { name: 'crm', files, databases: [], fullEvery: 7, ...more };
}

describe('the folders of a set', () => {
  it('begin at the workspace, at the home folder, or where a variable says', async () => {
    const { roots } = await resolveSet(
      set([
        { root: '.' },
        { name: 'data', root: '${env:DATA}/x/' },
        { name: 'home', root: '~/files' },
        { name: 'absolute', root: '/opt/crm' },
        { name: 'spelled', root: '${workspaceFolder}/a/../b' },
        { name: 'outside', root: '../other' },
      ]),
      workspace,
      environment,
    );
    expect(roots.map(({ name, directory }) => [name, directory])).toEqual([
      ['workspace', workspace],
      ['data', path.join(workspace, 'data/x')],
      ['home', '/home/ada/files'],
      ['absolute', '/opt/crm'],
      ['spelled', path.join(workspace, 'b')],
      ['outside', path.join(path.dirname(workspace), 'other')],
    ]);
  });

  it('are found by the rules of the platform', () => {
    const windows = (folder: string) =>
      absoluteFolder(folder, { workspaceFolder: 'C:\\www\\crm', userHome: 'C:\\Users\\ada' }, 'win32');
    expect(['.', 'data/x', '~\\x', '~/x', '~', 'D:/y', '\\z'].map(windows)).toEqual([
      'C:\\www\\crm',
      'C:\\www\\crm\\data\\x',
      'C:\\Users\\ada\\x',
      'C:\\Users\\ada\\x',
      'C:\\Users\\ada',
      'D:\\y',
      'C:\\z',
    ]);
    const mac = (folder: string) =>
      absoluteFolder(folder, { workspaceFolder: '/www', userHome: '/Users/ada' }, 'darwin');
    expect(['~\\x', '~x', 'a/~'].map(mac)).toEqual(['/www/~\\x', '/www/~x', '/www/a/~']);
  });

  it('are never a folder that nobody named', async () => {
    const env = { EMPTY: '' };
    await expect(
      resolveSet(set([{ root: '${env:EMPTY}' }]), workspace, { ...environment, env }),
    ).rejects.toMatchObject({
      code: 'missing-variable',
      message: 'The root “workspace” of set “crm” is “${env:EMPTY}”, which is empty now.',
    });
    for (const written of ['${env:EMPTY}/', '/srv${env:EMPTY}', '${env:BLANK}/x']) {
      const message = `is “${written}”, in which a variable is empty now.`;
      const all = { ...environment, env: { ...env, BLANK: ' ' } };
      await expect(resolveSet(set([{ root: written }]), workspace, all)).rejects.toMatchObject({
        code: 'missing-variable',
        message: `The root “workspace” of set “crm” ${message}`,
      });
      await expect(resolveSet(set([], { vault: written }), workspace, all)).rejects.toMatchObject({
        message: `The vault of set “crm” ${message}`,
      });
    }
  });

  it('may be inside each other', async () => {
    const { roots } = await resolveSet(
      set([{ root: '.' }, { name: 'in', root: 'a/b' }]),
      workspace,
      environment,
    );
    expect(roots).toHaveLength(2);
  });

  it('leave a database’s secrets alone until it is used', async () => {
    const databases = [{ name: 'd', url: 'mysql://u:${secret:none}@h/d' }];
    const resolved = await resolveSet(set([], { databases }), workspace, environment);
    const [database] = resolved.databases;
    expect(database).toMatchObject({ name: 'd', source: databases[0] });
    await expect(database!.address()).rejects.toMatchObject({ code: 'missing-variable' });
  });

  it('leave the files of a SQLite database to the database', async () => {
    const databases = [{ name: 'd', url: 'sqlite:var/app [1].db' }];
    const { roots } = await resolveSet(set([{ root: '.' }], { databases }), workspace, environment);
    const filter = createFilter(roots[0]!.include, roots[0]!.exclude);
    const names = [
      'app [1].db',
      'app [1].db-wal',
      'app [1].db-shm',
      'app [1].db-journal',
      'app 1.db',
      'app.txt',
    ];
    expect(names.filter((name) => filter.includes(`var/${name}`, false))).toEqual(['app 1.db', 'app.txt']);
  });
});

describe('the vault', () => {
  it('is a folder like the roots, a remote, or left to the tool', async () => {
    const vaultOf = async (vault?: string) =>
      (await resolveSet(set([], vault === undefined ? {} : { vault }), workspace, environment)).vault;
    expect(await vaultOf('../vault')).toBe(path.join(path.dirname(workspace), 'vault'));
    expect(await vaultOf('~/vault')).toBe('/home/ada/vault');
    expect(await vaultOf('rclone:nas:${env:DATA}')).toBe('rclone:nas:data');
    expect(await vaultOf()).toBeUndefined();
  });

  it('is not backed up from inside a root, whatever the patterns say', async () => {
    const keeps = path.join(workspace, 'keeps [1]');
    const { roots } = await resolveSet(
      set(
        [
          { root: '.', exclude: ['!.vault', '!/.vault/**'] },
          { name: 'sub', root: 'sub' },
        ],
        { vault: '.vault' },
      ),
      workspace,
      { ...environment, leftOut: [keeps, '/elsewhere'] },
    );
    const [whole, sub] = roots.map(({ include, exclude }) => createFilter(include, exclude));
    expect(
      ['.vault', 'keeps [1]', '.crm-backup-restore-1'].filter((folder) => whole?.enters(folder)),
    ).toEqual([]);
    expect(['keeps 1', 'sub/.vault', 'data'].filter((folder) => whole?.enters(folder))).toHaveLength(3);
    expect(sub?.enters('.vault')).toBe(true);
  });

  it('is found behind links', async () => {
    const link = `${workspace}-link`;
    await mkdir(path.join(workspace, 'keep'));
    await symlink(workspace, link);
    try {
      const { roots } = await resolveSet(
        set([{ root: '.' }], { vault: path.join(workspace, 'keep', 'vault') }),
        link,
        environment,
      );
      const filter = createFilter([], roots[0]?.exclude ?? []);
      expect(filter.enters('keep')).toBe(true);
      expect(filter.enters('keep/vault')).toBe(false);
    } finally {
      await rm(link);
    }
  });

  it.each(['.', 'data', '..'])('cannot be at %j when data/sub is backed up', async (vault) => {
    await expect(
      resolveSet(set([{ root: 'data/sub' }], { vault }), workspace, environment),
    ).rejects.toMatchObject({
      code: 'vault-holds-root',
    });
    await expect(
      resolveSet(set([{ root: 'x' }], { vault: 'x' }), workspace, environment),
    ).rejects.toMatchObject({
      code: 'vault-holds-root',
      message: `The root “workspace” of set “crm” cannot be backed up: ${workspace}/x lies in ${workspace}/x, where backups are kept.`,
    });
  });
});
