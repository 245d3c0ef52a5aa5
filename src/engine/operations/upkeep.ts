import { examine } from '../../core/doctor.ts';
import { dropForgottenHistory } from '../../core/history.ts';
import { prune as pruneVault } from '../../core/vault/prune.ts';
import { verify as verifyVault } from '../../core/vault/verify.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** Frees the space of what no backup needs. */
export function prune(vaults: Vaults): Handler<'prune'> {
  return async (target, task) => {
    const vault = await vaults.existing(await vaults.place(target));
    const { freedBytes } = await pruneVault(vault, {}, task);
    await dropForgottenHistory(vaults.surroundings, vault, [target.set], task);
    return { freedBytes };
  };
}

/** Checks a set's whole vault, or one backup and what it needs. */
export function verify(vaults: Vaults): Handler<'verify'> {
  return async ({ level, backup, ...target }, task) => {
    const vault = await vaults.existing(await vaults.place(target));
    const record = backup === undefined ? undefined : { id: backup };
    return verifyVault(vault, { level, record }, task);
  };
}

/** Looks at everything that backups of a workspace depend on. */
export function doctor({ surroundings }: Vaults): Handler<'doctor'> {
  return async ({ workspace }, task) => examine({ workspace }, surroundings, task);
}
