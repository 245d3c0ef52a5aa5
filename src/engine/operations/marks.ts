import { forgetBackups, takeBack } from '../../core/retention/forget.ts';
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
    await forgetBackups(vault, [record], task);
    return null;
  };
}

/** Puts a forgotten backup back on the list. */
export function unforget(vaults: Vaults): Handler<'unforget'> {
  return async (target, task) => {
    const vault = await vaults.existing(await vaults.place(target));
    await takeBack(vault, [{ id: target.backup }], task);
    return null;
  };
}
