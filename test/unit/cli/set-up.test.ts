import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { fill, firstBackup } from '../../build/first-backup.ts';

const cli = await useCli();

describe('starting', () => {
  it('keeps the compiled program among the user’s own data, once there is any', async () => {
    const start = async (): Promise<number | null> =>
      (await cli.run(['--version'], { env: { CRM_BACKUP_CACHE: '' } })).code;
    expect(await start()).toBe(0);
    expect(existsSync(cli.home)).toBe(false);
    mkdirSync(cli.home);
    expect(await start()).toBe(0);
    const cache = join(cli.home, 'cache');
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    // Whatever stands there, the program starts.
    const [folder = ''] = readdirSync(cache);
    const kept = readdirSync(join(cache, folder));
    expect(kept.length).toBe(1);
    for (const file of kept) writeFileSync(join(cache, folder, file), 'not compiled');
    expect(await start()).toBe(0);
    rmSync(cache, { recursive: true });
    writeFileSync(cache, '');
    expect(await start()).toBe(0);
  });
});

describe('init', () => {
  it('writes the set file and makes vault and key', async () => {
    const { code, value } = await cli.json(['init', '--name', 'espo', '--yes']);
    expect(code).toBe(0);
    expect(value).toEqual({
      set: 'espo',
      crm: null,
      vault: expect.stringContaining(join(cli.home, 'vaults', 'workspace-')) as string,
      keyFile: expect.stringContaining(join(cli.home, 'keys')) as string,
    });
    expect(statSync(value.keyFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(cli.workspace, '.vscode/crm-backup.json'), 'utf8')).toContain('"name": "espo"');
  });

  it('keeps what there is, and makes what is missing', async () => {
    const first = (await cli.json(['init', '--yes'])).value;
    const file = join(cli.workspace, '.vscode/crm-backup.json');
    const text = readFileSync(file, 'utf8');
    expect((await cli.json(['init'])).value).toEqual(first);
    rmSync(first.vault, { recursive: true });
    const again = (await cli.json(['init'])).value;
    expect(again.vault).toBe(first.vault);
    expect(again.keyFile).not.toBe(first.keyFile);
    expect(readFileSync(file, 'utf8')).toBe(text);
    await cli.must(['init', '--name', 'second'], ['backup', '--set', 'second']);
  });

  it('puts the vault where it was told, for good', async () => {
    fill(cli);
    const vault = join(cli.scratch, 'vault');
    await cli.must(['init', '--vault', '../scratch/vault', '--key-file', '../scratch/key']);
    const { value } = await cli.json(['backup', '--key-file', '../scratch/key']);
    expect(
      (
        await cli.json(['list', '--vault', vault], {
          cwd: '/',
          env: { CRM_BACKUP_KEY_FILE: join(cli.scratch, 'key') },
        })
      ).value.backups.map(({ id }) => id),
    ).toEqual([value.id]);
  });

  it('says that a passphrase opens the vault, too, and refuses one that protects nothing', async () => {
    const weak = await cli.json(['init'], { env: { CRM_BACKUP_PASSPHRASE: 'x' } });
    expect([weak.code, weak.value.error.code]).toEqual([1, 'weak-passphrase']);
    expect([existsSync(cli.home), readdirSync(cli.workspace)]).toEqual([false, []]);
    const env = { CRM_BACKUP_PASSPHRASE: 'correct horse battery' };
    const { code, text } = await cli.run(['init'], { env });
    expect(code).toBe(0);
    expect(text).toMatch(/^passphrase +that of CRM_BACKUP_PASSPHRASE/m);
    rmSync(join(cli.home, 'keys'), { recursive: true });
    expect((await cli.run(['list'], { env })).code).toBe(0);
  });

  it('makes no vault that the set would not use', async () => {
    cli.writeSets({ name: 'crm', files: [{ root: '.' }], vault: join(cli.scratch, 'vault') });
    const other = ['init', '--vault', '../scratch/other'];
    const { code, value } = await cli.json(other);
    expect([code, value.error.code]).toEqual([2, 'usage']);
    expect(value.error.message).toContain(
      `the set “crm” keeps its backups in ${join(cli.scratch, 'vault')}, not in`,
    );
    expect([existsSync(cli.home), readdirSync(cli.scratch)]).toEqual([false, []]);
    await cli.must(['init', '--vault', '../scratch/vault'], ['backup', '--quiet']);
    expect((await cli.json(other)).code).toBe(2);
    rmSync(join(cli.workspace, '.vscode'), { recursive: true });
    cli.writeSets({ name: 'crm', files: [{ root: '.' }] });
    expect((await cli.json(other)).value.error.message).toContain(join(cli.home, 'vaults'));
  });

  it('makes no vault for a set that cannot be written', async () => {
    const place = join(cli.workspace, '.vscode');
    const mustFail = async (name: string): Promise<void> => {
      const before = readdirSync(cli.workspace);
      const { code, value } = await cli.json(['init', '--name', name]);
      expect([code, value.error.code]).toEqual([1, 'set-file-unwritable']);
      expect(value.error.message).toContain('nothing was changed');
      expect([existsSync(cli.home), readdirSync(cli.workspace)]).toEqual([false, before]);
    };
    writeFileSync(place, 'no folder');
    await mustFail('first');
    rmSync(place);
    mkdirSync(place);
    symlinkSync('gone.json', join(place, 'crm-backup.json'));
    await mustFail('first');
    expect(readlinkSync(join(place, 'crm-backup.json'))).toBe('gone.json');
    rmSync(place, { recursive: true });
    // What goes wrong with the vault leaves no trace of the set either.
    const env = { CRM_BACKUP_PASSPHRASE: 'x' };
    expect((await cli.run(['init'], { env })).code).toBe(1);
    expect(readdirSync(cli.workspace)).toEqual([]);
  });

  it('refuses a name that no folder can have', async () => {
    const { code, value } = await cli.json(['init', '--name', 'a/b']);
    expect([code, value.error.code]).toEqual([2, 'usage']);
  });
});

describe('key', () => {
  it('adds a recovery key and a passphrase, each of which opens the vault', async () => {
    await firstBackup(cli);
    const file = join(cli.scratch, 'recovery.key');
    expect((await cli.json(['key', 'recovery', '--out', file])).value).toEqual({ file });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const shown = await cli.run(['key', 'recovery']);
    writeFileSync(join(cli.scratch, 'shown.key'), shown.stdout);
    const passphrase = 'correct horse battery';
    expect((await cli.run(['key', 'passphrase'], { input: `${passphrase}\n` })).code).toBe(0);

    rmSync(join(cli.home, 'keys'), { recursive: true });
    expect((await cli.run(['list'])).code).toBe(12);
    await cli.must(['list', '--key-file', file], ['list', '--key-file', join(cli.scratch, 'shown.key')]);
    expect((await cli.run(['list'], { env: { CRM_BACKUP_KEY_FILE: file } })).code).toBe(0);
    expect((await cli.run(['list'], { env: { CRM_BACKUP_PASSPHRASE: passphrase } })).code).toBe(0);
    expect((await cli.run(['list'], { env: { CRM_BACKUP_PASSPHRASE: 'wrong' } })).code).toBe(12);
  });

  it.each([
    ['UTF-8', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['UTF-16 LE', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16 BE', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
  ])('takes a key and a passphrase that begin with a byte order mark: %s', async (_, saved) => {
    await firstBackup(cli);
    const file = join(cli.scratch, 'saved.key');
    writeFileSync(file, saved((await cli.run(['key', 'recovery'])).text.replaceAll('\n', '\r\n')));
    // The bytes of a line’s end, but not one.
    const passphrase = 'p\u0a0ass \u010aphrase';
    const input = saved(`${passphrase}\r\nnext line`);
    expect((await cli.run(['key', 'passphrase'], { input })).code).toBe(0);

    rmSync(join(cli.home, 'keys'), { recursive: true });
    await cli.must(['list', '--key-file', file]);
    expect((await cli.run(['list'], { env: { CRM_BACKUP_PASSPHRASE: passphrase } })).code).toBe(0);
  });

  it.each([
    ['too short', 'weak-passphrase', 'short'],
    ['with a NUL', 'invalid-passphrase', 'correct horse\0battery'],
    ['longer than an environment variable', 'invalid-passphrase', 'long'.repeat(75_000)],
  ])('refuses a passphrase: %s', async (_, error, passphrase) => {
    await firstBackup(cli);
    const { code, value } = await cli.json(['key', 'passphrase'], { input: `${passphrase}\n` });
    expect([code, value.error.code]).toEqual([1, error]);
  });
});

describe('doctor', () => {
  it('prints its checks and fails when one does', async () => {
    await firstBackup(cli);
    const well = await cli.json(['doctor']);
    expect(well.code).toBe(0);
    expect(well.value).toMatchObject({
      checks: expect.arrayContaining([
        { name: 'vault', status: 'ok', detail: expect.any(String) as string, hint: null },
        { name: 'key', status: 'ok', detail: expect.any(String) as string, hint: null },
      ]) as object,
    });
    rmSync(join(cli.home, 'vaults'), { recursive: true });
    expect((await cli.run(['doctor'])).code).toBe(1);
  });
});
