/**
 * Restores a backup in a process of its own, to be killed: `node restore-child.js VAULT SECRET ROOT HOME BACKUP [URL]`,
 * the URL being that of a database `crm`. With STOP_AT it says “stopped” and stands still before it makes that path.
 */
import { restore } from '../../src/core/restore/restore.ts';
import { LocalStorage } from '../../src/core/storage/local.ts';
import { Vault } from '../../src/core/vault/vault.ts';
import { stoppingDisk } from './faulty-disk.ts';

const [, , directory = '', secret = '', root = '', home = '', backup = '', url] = process.argv;

async function main(): Promise<void> {
  const vault = await Vault.open(new LocalStorage(directory), { secret: Buffer.from(secret, 'hex') });
  const record = (await vault.records()).records.find(({ id }) => id === backup)!;
  const source = { name: 'crm', url: url ?? '' };
  const crm = { name: 'crm', source, address: async () => Promise.resolve({ ...source, workspace: root }) };
  const set = {
    name: 'test',
    roots: [{ name: 'workspace', directory: root, include: [], exclude: ['.crm-backup-*', 'crm.db*'] }],
    databases: url === undefined ? [] : [crm],
  };
  process.stdout.write('ready\n');
  const stopAt = process.env['STOP_AT'];
  const disk = stopAt === undefined ? undefined : stoppingDisk(stopAt);
  await restore(vault, record, { home, set, delete: true, safetyBackup: false, disk });
}

void main();
