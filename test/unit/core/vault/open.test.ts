import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalStorage } from '../../../../src/core/storage/local.ts';
import { createSecret } from '../../../../src/core/vault/key.ts';
import { Vault } from '../../../../src/core/vault/vault.ts';
import { temporaryFolder } from '../../../build/tree.ts';
import { buildVault, readBackup, storeBackup } from '../../../build/vault.ts';

const CONTENT = { 'a.txt': 'some text', 'b/c.bin': Buffer.alloc(100_000, 'b') };

function keyFiles(directory: string): string[] {
  return readdirSync(join(directory, 'keys')).map((name) => join(directory, 'keys', name));
}

function flipBit(file: string, byte: number, bit: number): void {
  const bytes = readFileSync(file);
  bytes[byte] = bytes[byte]! ^ (1 << bit);
  writeFileSync(file, bytes);
}

describe('a vault', () => {
  it('opens with its key alone, and gives back what was stored', async () => {
    await using built = await buildVault();
    const record = await storeBackup(built.vault, CONTENT);
    const again = await built.reopen();
    expect(again.id).toBe(built.vault.id);
    expect((await readBackup(again, record))['a.txt']?.toString()).toBe('some text');
    await expect(Vault.open(built.storage, { secret: createSecret() })).rejects.toMatchObject({
      code: 'wrong-key',
    });
    await expect(Vault.open(built.storage, { passphrase: 'a guess' })).rejects.toMatchObject({
      code: 'wrong-key',
    });
  });

  it('opens with any of its keys, and no longer with one that was replaced', async () => {
    await using built = await buildVault();
    const record = await storeBackup(built.vault, CONTENT);
    const recovery = createSecret();
    await built.vault.addKey('recovery-key', { secret: recovery });
    await built.vault.addKey('passphrase', { passphrase: 'one' });
    await built.vault.addKey('passphrase', { passphrase: 'two' }, true);
    for (const unlock of [{ secret: built.secret }, { secret: recovery }, { passphrase: 'two' }]) {
      const opened = await Vault.open(built.storage, unlock);
      expect((await opened.records()).records.map(({ id }) => id)).toEqual([record.id]);
    }
    await expect(Vault.open(built.storage, { passphrase: 'one' })).rejects.toMatchObject({
      code: 'wrong-key',
    });
  });

  it('is not made where one is, by two at once or later', async () => {
    await using folder = temporaryFolder();
    const makes = await Promise.allSettled(
      Array.from({ length: 4 }, async () =>
        Vault.create(new LocalStorage(folder.path), 'key-file', { secret: createSecret() }),
      ),
    );
    expect(makes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const make of makes) {
      if (make.status === 'rejected') expect(make.reason).toMatchObject({ code: 'vault-exists' });
    }
    const storage = new LocalStorage(folder.path);
    await expect(Vault.create(storage, 'key-file', { secret: createSecret() })).rejects.toMatchObject({
      code: 'vault-exists',
    });
  });

  it('is not there where nothing is, or where its making was interrupted', async () => {
    await using folder = temporaryFolder();
    const storage = new LocalStorage(join(folder.path, 'vault'));
    const secret = createSecret();
    await expect(Vault.open(storage, { secret })).rejects.toMatchObject({ code: 'no-vault' });
    expect(await Vault.identify(storage)).toBeUndefined();
    const failing = new LocalStorage(storage.location, {
      beforeStep: (_, name) => {
        if (name === 'vault.json') throw new Error('killed');
      },
    });
    await expect(Vault.create(failing, 'key-file', { secret })).rejects.toThrow('killed');
    expect(await Vault.identify(storage)).toBeUndefined();
    const vault = await Vault.create(storage, 'key-file', { secret });
    expect((await Vault.open(storage, { secret })).id).toBe(vault.id);
  });

  it('of a newer format is left alone', async () => {
    await using built = await buildVault();
    const config = join(built.directory, 'vault.json');
    for (const file of keyFiles(built.directory)) rmSync(file);
    writeFileSync(config, readFileSync(config, 'utf8').replace('"format": 1', '"format": 2'));
    const newer = { code: 'newer-format', hint: expect.stringContaining('Update') as string };
    await expect(built.reopen()).rejects.toMatchObject(newer);
    await expect(Vault.identify(built.storage)).rejects.toMatchObject(newer);
  });

  it('opens with any bit of its vault.json flipped, and says that it is damaged', async () => {
    await using built = await buildVault();
    const file = join(built.directory, 'vault.json');
    const bytes = readFileSync(file);
    for (let byte = 0; byte < bytes.length; byte += 3) {
      flipBit(file, byte, byte % 8);
      const opened = await built.reopen();
      expect(opened.id).toBe(built.vault.id);
      expect(opened.config.isCopy).toBe(true);
      writeFileSync(file, bytes);
    }
    expect((await built.reopen()).config.isCopy).toBe(false);
  });

  it('opens without its vault.json', async () => {
    await using built = await buildVault();
    const record = await storeBackup(built.vault, CONTENT);
    rmSync(join(built.directory, 'vault.json'));
    expect(await Vault.identify(built.storage)).toBe(built.vault.id);
    const opened = await built.reopen();
    expect(opened.config.isCopy).toBe(true);
    expect(Object.keys(await readBackup(opened, record))).toEqual(Object.keys(CONTENT));
  });

  it('does not believe a vault.json that somebody without a key has changed everywhere', async () => {
    await using built = await buildVault();
    for (const file of keyFiles(built.directory)) rmSync(file);
    await using other = await buildVault();
    cpSync(join(other.directory, 'keys'), join(built.directory, 'keys'), { recursive: true });
    const config = readFileSync(join(other.directory, 'vault.json'), 'utf8');
    writeFileSync(join(built.directory, 'vault.json'), config.replace('262144', '131072'));
    // The copy beside the key is the one that was sealed.
    const opened = await Vault.open(built.storage, { secret: other.secret });
    expect(opened.config).toMatchObject({ isCopy: true, config: { chunkSizes: { average: 262_144 } } });
  });

  it('names a key file that is damaged where no other opens it', async () => {
    await using built = await buildVault();
    const [file] = keyFiles(built.directory);
    const bytes = readFileSync(file!);
    const wrapped = bytes.indexOf('"wrapped"') + 12;
    for (const byte of [wrapped, wrapped + 30, bytes.indexOf('"salt"') + 10, bytes.indexOf('key-file'), 0]) {
      flipBit(file!, byte, 0);
      await expect(built.reopen()).rejects.toMatchObject({
        code: 'damaged',
        message: expect.stringContaining(file!.slice(-37)) as string,
      });
      writeFileSync(file!, bytes);
    }
    // What only describes the key does not lock anybody out.
    flipBit(file!, bytes.indexOf('createdAt') + 14, 0);
    await built.reopen();
  });
});
