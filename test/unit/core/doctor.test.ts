import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVault } from '../../../src/core/create-vault.ts';
import { examine } from '../../../src/core/doctor.ts';
import type { Check } from '../../../src/core/doctor/check.ts';
import { openWorkspace, placeSet } from '../../../src/core/open.ts';
import { addSet } from '../../../src/core/set/write.ts';
import type { Surroundings } from '../../../src/core/surroundings.ts';
import { lockVault } from '../../../src/core/vault/lock.ts';
import type { Vault } from '../../../src/core/vault/vault.ts';
import { temporaryFolder, type TemporaryFolder } from '../../build/tree.ts';
import { storeBackup } from '../../build/vault.ts';

let folder: TemporaryFolder;
let workspace: string;
beforeEach(() => {
  folder = temporaryFolder();
  workspace = join(folder.path, 'crm');
  mkdirSync(join(workspace, 'data'), { recursive: true });
  writeFileSync(join(workspace, 'data/file'), '');
});
afterEach(() => folder[Symbol.asyncDispose]());

function surroundings(): Surroundings {
  const env = { CRM_BACKUP_HOME: join(folder.path, 'home') };
  return { env, cwd: workspace, platform: process.platform, userHome: folder.path };
}

async function setUp(): Promise<{ vault: Vault; keyFile: string; directory: string }> {
  await addSet(workspace, { name: 'crm', files: [{ root: 'data' }] });
  const { sets } = await openWorkspace(undefined, surroundings());
  const { vaultDirectory } = await placeSet(
    { directory: workspace, sets },
    sets[0]!,
    undefined,
    surroundings(),
  );
  return { ...(await createVault(vaultDirectory, undefined, surroundings())), directory: vaultDirectory };
}

async function checks(named: Parameters<typeof examine>[0] = {}): Promise<Record<string, Check>> {
  const all = await examine(named, surroundings());
  return Object.fromEntries(all.map((check) => [check.name, check]));
}

describe('the doctor', () => {
  it('finds everything well when it is', async () => {
    await setUp();
    const found = await checks();
    expect(Object.keys(found)).toEqual([
      'runtime',
      'git',
      'set file',
      'source crm/workspace',
      'vault',
      'key',
      'lock',
      'disk space',
      'restores',
    ]);
    expect(Object.values(found).filter(({ status }) => status === 'failed')).toEqual([]);
    expect(found['vault']?.status).toBe('ok');
    expect(found['restores']?.status).toBe('ok');
  });

  it('says that copies which are asked for are not made', async () => {
    const files = [{ root: 'data' }];
    await addSet(workspace, { name: 'crm', files, replicas: ['gdrive:crm-backups'] });
    const found = (await checks())['replicas crm'];
    expect(found).toMatchObject({ status: 'warning' });
    expect(found?.detail).toContain('gdrive:crm-backups');
  });

  it('goes on where there is no workspace, or only a vault', async () => {
    expect((await checks())['set file']).toMatchObject({
      status: 'failed',
      hint: expect.any(String) as string,
    });
    const { directory } = await setUp();
    const found = await checks({ vault: directory });
    expect(found['set file']).toBeUndefined();
    expect(found['vault']?.status).toBe('ok');
    expect((await checks({ vault: 'rclone:x:y' }))['vault']?.status).toBe('failed');
  });

  it('names the mistakes of the set file with their place', async () => {
    mkdirSync(join(workspace, '.vscode'));
    writeFileSync(join(workspace, '.vscode/crm-backup.json'), '{\n  "version": 1,\n  "sets": 5\n}');
    const found = (await checks())['set file'];
    expect(found?.status).toBe('failed');
    expect(found?.detail).toContain('line 3');
  });

  it('warns of a key that others may read', async () => {
    const { keyFile } = await setUp();
    chmodSync(keyFile, 0o644);
    expect((await checks())['key']).toMatchObject({ status: 'warning', hint: `Run: chmod 600 ${keyFile}` });
  });

  it('tells who has locked the vault', async () => {
    const { vault } = await setUp();
    await using _lock = await lockVault(vault.storage, 'exclusive', { purpose: 'a prune' });
    expect((await checks())['lock']).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('a prune') as string,
    });
  });

  it('finds a vault that is gone, and backups that cannot be read', async () => {
    const { vault, directory } = await setUp();
    const record = await storeBackup(vault, { a: 'x' });
    writeFileSync(join(directory, 'backups', record.id), 'damaged');
    expect((await checks())['vault']).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('1 of 1 backups cannot be read') as string,
    });
    renameSync(directory, `${directory}-away`);
    expect((await checks())['vault']).toMatchObject({
      status: 'failed',
      detail: `The vault at ${directory} is not there any more.`,
    });
  });

  it('finds sources that are gone or empty, and databases that are not there', async () => {
    await setUp();
    mkdirSync(join(workspace, 'empty'));
    await addSet(workspace, {
      name: 'second',
      files: [{ root: 'gone' }, { name: 'empty', root: 'empty' }, { name: 'file', root: 'data/file' }],
      databases: [{ name: 'db', url: 'sqlite:app.db' }],
    });
    const found = await checks();
    expect(found['source second/workspace']).toMatchObject({ status: 'failed' });
    expect(found['source second/empty']).toMatchObject({ status: 'warning' });
    expect(found['source second/file']).toMatchObject({ status: 'failed' });
    expect(found['source second/db']).toMatchObject({ status: 'failed' });
  });

  it('finds what is to be included and is not there', async () => {
    mkdirSync(join(workspace, 'custom/a'), { recursive: true });
    symlinkSync('custom', join(workspace, 'link'));
    const there = ['data/**', '/custom', 'custom/*/x', 'data/file', '*.nowhere', '**/nowhere'];
    const idle = ['dta/**', 'custom/b/**', '/nowhere', 'data/file/**', 'link/**', 'data/file/'];
    await addSet(workspace, { name: 'all', files: [{ root: '.', include: there }] });
    await addSet(workspace, { name: 'some', files: [{ root: '.', include: [...there, ...idle] }] });
    const found = await checks();
    expect(found['source all/workspace']?.status).toBe('ok');
    expect(found['source some/workspace']).toMatchObject({
      status: 'warning',
      detail: `${workspace} has nothing that ${idle.map((each) => `“${each}”`).join(', ')} of “include” could match.`,
    });
  });

  it('tells of a restore that was interrupted', async () => {
    await setUp();
    const journal = join(folder.path, 'home/restores/0123456789ab');
    mkdirSync(journal, { recursive: true });
    const header = { version: 1, id: '0123456789ab' };
    writeFileSync(join(journal, 'journal.jsonl'), `${JSON.stringify(header)}\n`);
    expect((await checks())['restores']).toMatchObject({ status: 'warning' });
    // What stands there is no file that can be read.
    mkdirSync(join(folder.path, 'home/restores/fedcba987654/journal.jsonl'), { recursive: true });
    expect((await checks())['restores']).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('fedcba987654') as string,
    });
  });
});
