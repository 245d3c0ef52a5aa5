/** Restores a backup in a process of its own, to be killed: `node restore-child.js VAULT SECRET ROOT HOME BACKUP`. */
import { restore } from '../../src/core/restore/restore.ts';
import { LocalStorage } from '../../src/core/storage/local.ts';
import { Vault } from '../../src/core/vault/vault.ts';

const [, , directory = '', secret = '', root = '', home = '', backup = ''] = process.argv;

async function main(): Promise<void> {
  const vault = await Vault.open(new LocalStorage(directory), { secret: Buffer.from(secret, 'hex') });
  const record = (await vault.records()).records.find(({ id }) => id === backup)!;
  const set = { name: 'test', roots: [{ name: 'workspace', directory: root, include: [], exclude: [] }] };
  process.stdout.write('ready\n');
  await restore(vault, record, { home, set, delete: true, safetyBackup: false });
}

void main();
