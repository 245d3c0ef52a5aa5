import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVault, writePrivateFile } from '../../../src/core/create-vault.ts';
import { createRecoveryKey, setPassphrase } from '../../../src/core/keys.ts';
import {
  openForReading,
  openSet,
  openVault,
  openWorkspace,
  placeSet,
  type PlacedSet,
} from '../../../src/core/open.ts';
import type { NewSet } from '../../../src/core/set/definition.ts';
import { createFilter } from '../../../src/core/set/match.ts';
import { addSet } from '../../../src/core/set/write.ts';
import type { Surroundings } from '../../../src/core/surroundings.ts';
import { asOrdinaryUser } from '../../build/ordinary-user.ts';
import { temporaryFolder, type TemporaryFolder } from '../../build/tree.ts';

let folder: TemporaryFolder;
let workspace: string;
let home: string;
beforeEach(() => {
  folder = temporaryFolder();
  workspace = join(folder.path, 'crm');
  home = join(folder.path, 'home');
  mkdirSync(join(workspace, 'data'), { recursive: true });
});
afterEach(() => folder[Symbol.asyncDispose]());

function surroundings(env: Record<string, string> = {}, cwd = workspace): Surroundings {
  return { env: { CRM_BACKUP_HOME: home, ...env }, cwd, platform: process.platform, userHome: folder.path };
}

async function addSets(...sets: readonly Partial<NewSet>[]): Promise<void> {
  for (const set of sets) await addSet(workspace, { name: 'crm', files: [{ root: 'data' }], ...set });
}

async function place(name = 'crm', vault?: string): Promise<PlacedSet> {
  const { directory, sets } = await openWorkspace(undefined, surroundings());
  const set = sets.find((each) => each.name === name)!;
  return placeSet({ directory, sets }, set, vault, surroundings());
}

describe('the workspace', () => {
  it('is the nearest folder upwards with a set file, or the one that was named', async () => {
    await addSets({});
    expect((await openWorkspace(undefined, { cwd: join(workspace, 'data') })).directory).toBe(workspace);
    expect((await openWorkspace('crm', { cwd: folder.path })).sets[0]?.name).toBe('crm');
    await expect(openWorkspace(undefined, { cwd: folder.path })).rejects.toMatchObject({
      code: 'no-set-file',
    });
    await expect(openWorkspace('data', { cwd: workspace })).rejects.toMatchObject({ code: 'no-set-file' });
  });
});

describe('the place of a vault', () => {
  it('is what was named, else what the set says, else among the user’s own data, the same for all sets', async () => {
    await addSets({}, { name: 'second' }, { name: 'third', vault: '../backups' });
    const own = await place();
    expect(own.vaultDirectory).toMatch(new RegExp(`^${home}/vaults/crm-[0-9a-f]{8}$`));
    expect((await place('second')).vaultDirectory).toBe(own.vaultDirectory);
    expect((await place('third')).vaultDirectory).toBe(join(folder.path, 'backups'));
    expect((await place('third', 'here')).vaultDirectory).toBe(join(workspace, 'here'));
  });

  it('is never backed up itself', async () => {
    await addSets({ files: [{ root: '.' }] });
    const { set } = await place('crm', 'here');
    expect(set.roots[0]?.exclude.some((pattern) => pattern.includes('here'))).toBe(true);
  });

  it('is not backed up by the other sets of the workspace either', async () => {
    await addSets(
      { files: [{ root: '.' }], vault: 'backups/a' },
      { name: 'second', files: [{ root: '.' }, { name: 'kept', root: 'backups' }], vault: 'backups/b' },
      { name: 'third', vault: '${env:UNKNOWN}' },
      { name: 'fourth', vault: 'rclone:drive:crm' },
    );
    const { roots } = (await place('second')).set;
    const [whole, kept] = roots.map(({ include, exclude }) => createFilter(include, exclude));
    expect(['backups', 'backups/a', 'backups/b'].filter((path) => whole?.enters(path))).toEqual(['backups']);
    expect(['a', 'b', 'c'].filter((path) => kept?.enters(path))).toEqual(['c']);
    await addSets({ name: 'fifth', files: [{ root: 'backups/a/packs' }] });
    await expect(place('fifth')).rejects.toMatchObject({ code: 'vault-holds-root' });
  });

  it('cannot be remote yet, which is said', async () => {
    await addSets({ vault: 'rclone:drive:crm' });
    await expect(place()).rejects.toMatchObject({ code: 'remote-not-supported' });
    await expect(place('crm', 'rclone:drive:crm')).rejects.toMatchObject({ code: 'remote-not-supported' });
  });
});

describe('making a vault', () => {
  it('keeps its key for the user alone, under the vault’s id', async () => {
    const { vault, keyFile } = await createVault(join(folder.path, 'vault'), undefined, surroundings());
    expect(keyFile).toBe(join(home, 'keys', `${vault.id}.key`));
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, 'keys')).mode & 0o777).toBe(0o700);
    expect((await openVault(join(folder.path, 'vault'), undefined, surroundings())).id).toBe(vault.id);
  });

  it('uses a key that is there already, and writes one where it was named', async () => {
    const file = join(folder.path, 'my.key');
    const first = await createVault(join(folder.path, 'one'), file, surroundings());
    expect(first.keyFile).toBe(file);
    const text = readFileSync(file, 'utf8');
    const env = { CRM_BACKUP_KEY_FILE: file };
    await createVault(join(folder.path, 'two'), undefined, surroundings(env));
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect((await openVault(join(folder.path, 'two'), file, surroundings())).id).not.toBe(first.vault.id);
  });

  it('leaves an existing vault alone, and no key behind when it fails', async () => {
    const directory = join(folder.path, 'vault');
    await createVault(directory, undefined, surroundings());
    await expect(createVault(directory, undefined, surroundings())).rejects.toMatchObject({
      code: 'vault-exists',
    });
    expect(readdirSync(join(home, 'keys'))).toHaveLength(1);
    writeFileSync(join(folder.path, 'file'), '');
    await expect(createVault(join(folder.path, 'file/vault'), undefined, surroundings())).rejects.toThrow();
    expect(readdirSync(join(home, 'keys'))).toHaveLength(1);
  });

  it('lets a passphrase open it that was given from the start', async () => {
    const env = { CRM_BACKUP_PASSPHRASE: 'correct horse battery' };
    const directory = join(folder.path, 'vault');
    await createVault(directory, undefined, surroundings(env));
    rmSync(join(home, 'keys'), { recursive: true });
    await openVault(directory, undefined, surroundings(env));
  });

  it('never writes over a file', async () => {
    const file = join(folder.path, 'secret');
    expect(await writePrivateFile(file, 'one')).toBe(true);
    expect(await writePrivateFile(file, 'two')).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('one');
    await expect(writePrivateFile(join(file, 'below'), '')).rejects.toMatchObject({ code: 'storage-failed' });
  });
});

describe('opening a vault', () => {
  let directory: string;
  beforeEach(async () => {
    directory = join(folder.path, 'vault');
    await createVault(directory, undefined, surroundings());
  });

  it('takes the key that was named before the passphrase, and that before its own key file', async () => {
    const vault = await openVault(directory, undefined, surroundings());
    const recovery = join(folder.path, 'recovery.key');
    await createRecoveryKey(vault, recovery);
    await setPassphrase(vault, 'correct horse battery');
    const wrong = { CRM_BACKUP_PASSPHRASE: 'something else' };
    await expect(openVault(directory, undefined, surroundings(wrong))).rejects.toMatchObject({
      code: 'wrong-key',
    });
    await openVault(directory, recovery, surroundings(wrong));
    await openVault(directory, undefined, surroundings({ ...wrong, CRM_BACKUP_KEY_FILE: recovery }));
    const right = { CRM_BACKUP_PASSPHRASE: 'correct horse battery' };
    await openVault(directory, undefined, surroundings(right));
    const nowhere = { ...right, CRM_BACKUP_KEY_FILE: '/nowhere' };
    await expect(openVault(directory, undefined, surroundings(nowhere))).rejects.toMatchObject({
      code: 'missing-key',
    });
  });

  it('tells a missing key from a wrong one and from a file that holds none', async () => {
    const other = join(folder.path, 'other.key');
    await createVault(join(folder.path, 'other'), other, surroundings());
    await expect(openVault(directory, other, surroundings())).rejects.toMatchObject({ code: 'wrong-key' });
    writeFileSync(other, 'nothing');
    await expect(openVault(directory, other, surroundings())).rejects.toMatchObject({ code: 'invalid-key' });
    rmSync(join(home, 'keys'), { recursive: true });
    await expect(openVault(directory, undefined, surroundings())).rejects.toMatchObject({
      code: 'missing-key',
    });
  });

  it('tells a vault that is gone from one that never was', async () => {
    renameSync(directory, `${directory}-away`);
    const gone = await openVault(directory, undefined, surroundings()).catch((error: unknown) => error);
    expect(gone).toMatchObject({
      code: 'no-vault',
      message: `The vault at ${directory} is not there any more.`,
    });
    const link = join(folder.path, 'link');
    symlinkSync(folder.path, link);
    const byLink = openVault(join(link, relative(folder.path, directory)), undefined, surroundings());
    await expect(byLink).rejects.toThrow('is not there any more');
    const never = await openVault(`${directory}2`, undefined, surroundings()).catch(
      (error: unknown) => error,
    );
    expect(never).toMatchObject({ code: 'no-vault', message: `There is no vault at ${directory}2.` });
  });

  it('says when the disk does not let it', async () => {
    chmodSync(folder.path, 0o755);
    chmodSync(directory, 0o700);
    await asOrdinaryUser(async () => {
      if (process.geteuid?.() !== 65534) return;
      await expect(openVault(directory, undefined, surroundings())).rejects.toMatchObject({
        code: 'permission',
      });
    });
  });
});

describe('a further key', () => {
  it('is not made when it could not be written down', async () => {
    const { vault } = await createVault(join(folder.path, 'vault'), undefined, surroundings());
    const keys = readdirSync(join(folder.path, 'vault/keys'));
    const file = join(folder.path, 'taken');
    writeFileSync(file, 'mine');
    await expect(createRecoveryKey(vault, file)).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(setPassphrase(vault, 'short')).rejects.toMatchObject({ code: 'weak-passphrase' });
    expect(readdirSync(join(folder.path, 'vault/keys'))).toEqual(keys);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('replaces the passphrase before it, but no recovery key', async () => {
    const directory = join(folder.path, 'vault');
    const { vault } = await createVault(directory, undefined, surroundings());
    const files = [join(folder.path, 'a.key'), join(folder.path, 'b.key')];
    for (const file of files) await createRecoveryKey(vault, file);
    for (const file of files) await openVault(directory, file, surroundings());
    await setPassphrase(vault, 'the first passphrase');
    await setPassphrase(vault, 'the second passphrase');
    const first = surroundings({ CRM_BACKUP_PASSPHRASE: 'the first passphrase' });
    await expect(openVault(directory, undefined, first)).rejects.toMatchObject({ code: 'wrong-key' });
    await openVault(directory, undefined, surroundings({ CRM_BACKUP_PASSPHRASE: 'the second passphrase' }));
  });
});

describe('opening to read', () => {
  it('needs no workspace when the vault is named, and then means all sets', async () => {
    const directory = join(folder.path, 'vault');
    await createVault(directory, undefined, surroundings());
    const there = surroundings({}, folder.path);
    expect(await openForReading({ vault: 'vault' }, there)).toMatchObject({ setName: undefined, placed: [] });
    expect(await openForReading({ vault: 'vault', set: 'x' }, there)).toMatchObject({
      setName: 'x',
      placed: [],
    });
    await expect(openForReading({ vault: 'vault' }, there, true)).rejects.toMatchObject({
      code: 'no-set-file',
    });
  });

  it('means all sets of a workspace that share a vault, and asks for one where they do not', async () => {
    await addSets({}, { name: 'second' });
    await createVault((await place()).vaultDirectory, undefined, surroundings());
    const both = await openForReading({}, surroundings());
    expect(both.setName).toBeUndefined();
    expect(both.placed.map(({ set }) => set.name)).toEqual(['crm', 'second']);
    expect((await openForReading({ set: 'second' }, surroundings())).setName).toBe('second');
    await expect(openForReading({ set: 'secnd' }, surroundings())).rejects.toMatchObject({
      code: 'unknown-set',
      hint: 'Did you mean “second”?',
    });
    await addSets({ name: 'third', vault: '../elsewhere' });
    await expect(openForReading({}, surroundings())).rejects.toMatchObject({ code: 'several-sets' });
    await expect(openSet({}, surroundings())).rejects.toMatchObject({ code: 'several-sets' });
  });
});
