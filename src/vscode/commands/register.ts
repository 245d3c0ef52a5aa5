import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { codeOf, EditorError } from '../error.ts';
import { showFailure } from '../failures.ts';
import { backUpDifferential, backUpFull, backUpIncremental, backUpNow } from './back-up.ts';
import { compare } from './compare.ts';
import { compareWithPrevious } from './compare-with-previous.ts';
import { compareWithWorkspace } from './compare-with-workspace.ts';
import { createSet } from './create-set.ts';
import { doctor } from './doctor.ts';
import { drill } from './drill.ts';
import { editSchedule } from './edit-schedule.ts';
import { editSet } from './edit-set.ts';
import { fileHistory } from './file-history.ts';
import { findInBackups } from './find-in-backups.ts';
import { forget } from './forget.ts';
import { openAsFolder } from './open-as-folder.ts';
import { openDashboard } from './open-dashboard.ts';
import { pin, unpin } from './pin.ts';
import { manageSecrets } from './manage-secrets.ts';
import { prune } from './prune.ts';
import { rename } from './rename.ts';
import { restoreFile } from './restore-file.ts';
import { restore } from './restore.ts';
import { revealVault } from './reveal-vault.ts';
import { showChanges } from './show-changes.ts';
import { showRecoveryKey } from './show-recovery-key.ts';
import { type CommandId, commandTable } from './table.ts';
import { undoRestore } from './undo-restore.ts';
import { verify } from './verify.ts';

/**
 * What runs when a command is called: from the palette without arguments, from a menu with the node it was opened
 * on and all that are selected, from a key with nothing.
 */
export type CommandHandler = (app: App, target?: unknown, selected?: unknown) => unknown;

const handlers: Readonly<Record<CommandId, CommandHandler>> = {
  'crmBackup.createSet': createSet,
  'crmBackup.backUpNow': backUpNow,
  'crmBackup.backUpFull': backUpFull,
  'crmBackup.backUpIncremental': backUpIncremental,
  'crmBackup.backUpDifferential': backUpDifferential,
  'crmBackup.restore': restore,
  'crmBackup.undoRestore': undoRestore,
  'crmBackup.showChanges': showChanges,
  'crmBackup.compare': compare,
  'crmBackup.compareWithWorkspace': compareWithWorkspace,
  'crmBackup.compareWithPrevious': compareWithPrevious,
  'crmBackup.openAsFolder': openAsFolder,
  'crmBackup.restoreFile': restoreFile,
  'crmBackup.fileHistory': fileHistory,
  'crmBackup.findInBackups': findInBackups,
  'crmBackup.openDashboard': openDashboard,
  'crmBackup.pin': pin,
  'crmBackup.unpin': unpin,
  'crmBackup.rename': rename,
  'crmBackup.verify': verify,
  'crmBackup.drill': drill,
  'crmBackup.forget': forget,
  'crmBackup.prune': prune,
  'crmBackup.showRecoveryKey': showRecoveryKey,
  'crmBackup.revealVault': revealVault,
  'crmBackup.editSet': editSet,
  'crmBackup.editSchedule': editSchedule,
  'crmBackup.manageSecrets': manageSecrets,
  'crmBackup.doctor': doctor,
  'crmBackup.showLog': (app) => app.log.show(),
  'crmBackup.refresh': async (app) => {
    app.working.forget();
    await app.sets.refresh();
  },
};

/** Registers every command of the table. What one throws is told to the user, not to its caller. */
export function registerCommands(app: App): vscode.Disposable {
  const ids = Object.keys(commandTable) as CommandId[];
  return vscode.Disposable.from(
    ...ids.map((id) =>
      vscode.commands.registerCommand(id, async (target?: unknown, selected?: unknown) => {
        try {
          if (commandTable[id].needsTrust) requireTrust();
          return await handlers[id](app, target, selected);
        } catch (error) {
          // An engine that has died is started again at once: what it left half done is put in order then.
          if (codeOf(error) === 'stopped') void app.sets.refresh();
          // Not awaited: whoever called the command need not wait for the message to be closed.
          void showFailure(app.log, error);
          return undefined;
        }
      }),
    ),
  );
}

/** @throws {EditorError} `untrusted` in Restricted Mode */
function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new EditorError(
    'untrusted',
    vscode.l10n.t('In Restricted Mode, backups can only be browsed and restored into another folder.'),
  );
}
