/**
 * Works on a vault in a process of its own, to be killed:
 * `node vault-child.js VAULT SECRET full|incremental|differential|prune|repair [ROOT]`.
 */
import { backUp } from '../../src/core/backup.ts';
import { LocalStorage } from '../../src/core/storage/local.ts';
import { prune } from '../../src/core/vault/prune.ts';
import { repair } from '../../src/core/vault/repair.ts';
import { Vault } from '../../src/core/vault/vault.ts';

const [, , directory = '', secret = '', action = '', root = ''] = process.argv;

async function main(): Promise<void> {
  const vault = await Vault.open(new LocalStorage(directory), { secret: Buffer.from(secret, 'hex') });
  process.stdout.write('ready\n');
  if (action === 'prune') await prune(vault);
  else if (action === 'repair') await repair(vault);
  else {
    const roots = [{ name: 'workspace', directory: root, include: [], exclude: [] }];
    const kind = action as 'full' | 'incremental' | 'differential';
    await backUp(vault, { name: 'crm', roots, databases: [] }, { kind });
  }
}

void main();
