import { lockVault } from '../../core/vault/lock.ts';
import { EngineError } from '../error.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** Keeps a backup for good, or no longer. */
export function pin(vaults: Vaults): Handler<'pin'> {
  return async ({ pinned, ...target }) => {
    const { vault, record } = await vaults.backup(target);
    await vault.note({ backup: record.id, pinned });
    return null;
  };
}

/** Names a backup, or takes its name away. */
export function label(vaults: Vaults): Handler<'label'> {
  return async ({ label: text, ...target }) => {
    const { vault, record } = await vaults.backup(target);
    await vault.note({ backup: record.id, label: text });
    return null;
  };
}

/** Takes a backup off the list. A pinned one was meant to stay. */
export function forget(vaults: Vaults): Handler<'forget'> {
  return async (target, task) => {
    const { vault, record } = await vaults.backup(target);
    if (record.pinned) {
      throw new EngineError('pinned', 'A pinned backup is not forgotten: unpin it first.');
    }
    await using _lock = await lockVault(vault.storage, 'shared', { purpose: 'forgetting a backup' }, task);
    await vault.forget(record.id);
    return null;
  };
}

/** Puts a forgotten backup back on the list. */
export function unforget(vaults: Vaults): Handler<'unforget'> {
  return async (target, task) => {
    const vault = await vaults.existing(await vaults.place(target));
    const purpose = 'taking a backup back';
    await using _lock = await lockVault(vault.storage, 'shared', { purpose }, task);
    await vault.unforget(target.backup);
    return null;
  };
}
