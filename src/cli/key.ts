import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Vault } from '../core/vault/vault.ts';
import { printable } from '../core/printable.ts';
import { askSecrets, firstLine } from './prompt.ts';
import type { Act, Session } from './session.ts';
import { UsageError } from './usage.ts';

/** `key recovery` and `key passphrase`: further ways to open the vault. */
export function defineKey(program: Command, act: Act): void {
  const key = program.command('key').description('add ways to open the vault');
  key
    .command('recovery')
    .description('make a recovery key to keep in a safe place; it works as --key-file')
    .option('--out <file>', 'write it to a new file instead of stdout')
    .action(({ out }: { out?: string }) =>
      act(async (session) => {
        const { createRecoveryKey } = await import('../core/keys.ts');
        const vault = await openOnly(session);
        const file = out === undefined ? undefined : resolve(session.surroundings.cwd, out);
        const text = await createRecoveryKey(vault, file);
        if (file === undefined) return { json: { recoveryKey: text }, text };
        return {
          json: { file },
          summary: `The recovery key is in ${printable(file)}. Keep it apart from the backups, best on paper.`,
        };
      }),
    );
  key
    .command('passphrase')
    .description('set or change the passphrase; typed, or the first line of stdin')
    .action(() =>
      act(async (session) => {
        const { setPassphrase } = await import('../core/keys.ts');
        const vault = await openOnly(session);
        await setPassphrase(vault, await newPassphrase(session));
        return {
          json: { passphrase: 'set' },
          summary: 'The passphrase is set; CRM_BACKUP_PASSPHRASE opens the vault with it.',
        };
      }),
    );
}

async function openOnly({ options, surroundings }: Session): Promise<Vault> {
  const { openForReading } = await import('../core/open.ts');
  return (await openForReading(options, surroundings)).vault;
}

async function newPassphrase({ dialogue, stdin }: Session): Promise<string> {
  if (dialogue === undefined) return firstLine(stdin);
  const [passphrase = '', again] = await askSecrets(dialogue, ['New passphrase:', 'Again:']);
  if (passphrase !== again) throw new UsageError('the two passphrases differ, so nothing was changed.');
  return passphrase;
}
