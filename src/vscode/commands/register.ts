import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { codeOf, EditorError } from '../error.ts';
import { showFailure } from '../failures.ts';
import { type CommandId, commandTable } from './table.ts';

/**
 * What runs when a command is called: from the palette without arguments, from a menu with the node it was opened
 * on and all that are selected, from a key with nothing.
 */
export type CommandHandler = (app: App, target?: unknown, selected?: unknown) => unknown;

/** What the commands run, each loaded by its first use. */
const handlers: Readonly<Record<CommandId, () => CommandHandler | Promise<CommandHandler>>> = {
  'crmBackup.createSet': async () => (await import('./create-set.ts')).createSet,
  'crmBackup.backUpNow': async () => (await import('./back-up.ts')).backUpNow,
  'crmBackup.backUpFull': async () => (await import('./back-up.ts')).backUpFull,
  'crmBackup.backUpIncremental': async () => (await import('./back-up.ts')).backUpIncremental,
  'crmBackup.backUpDifferential': async () => (await import('./back-up.ts')).backUpDifferential,
  'crmBackup.restore': async () => (await import('./restore.ts')).restore,
  'crmBackup.undoRestore': async () => (await import('./undo-restore.ts')).undoRestore,
  'crmBackup.showChanges': async () => (await import('./show-changes.ts')).showChanges,
  'crmBackup.compare': async () => (await import('./compare.ts')).compare,
  'crmBackup.compareWithWorkspace': async () =>
    (await import('./compare-with-workspace.ts')).compareWithWorkspace,
  'crmBackup.compareWithPrevious': async () =>
    (await import('./compare-with-previous.ts')).compareWithPrevious,
  'crmBackup.openAsFolder': async () => (await import('./open-as-folder.ts')).openAsFolder,
  'crmBackup.restoreFile': async () => (await import('./restore-file.ts')).restoreFile,
  'crmBackup.fileHistory': async () => (await import('./file-history.ts')).fileHistory,
  'crmBackup.findInBackups': async () => (await import('./find-in-backups.ts')).findInBackups,
  'crmBackup.openDashboard': async () => (await import('./open-dashboard.ts')).openDashboard,
  'crmBackup.pin': async () => (await import('./pin.ts')).pin,
  'crmBackup.unpin': async () => (await import('./pin.ts')).unpin,
  'crmBackup.rename': async () => (await import('./rename.ts')).rename,
  'crmBackup.verify': async () => (await import('./verify.ts')).verify,
  'crmBackup.drill': async () => (await import('./drill.ts')).drill,
  'crmBackup.forget': async () => (await import('./forget.ts')).forget,
  'crmBackup.prune': async () => (await import('./prune.ts')).prune,
  'crmBackup.showRecoveryKey': async () => (await import('./show-recovery-key.ts')).showRecoveryKey,
  'crmBackup.revealVault': async () => (await import('./reveal-vault.ts')).revealVault,
  'crmBackup.handOverSchedules': async () => (await import('./hand-over.ts')).handOverSchedules,
  'crmBackup.takeBackSchedules': async () => (await import('./hand-over.ts')).takeBackSchedules,
  'crmBackup.editSet': async () => (await import('./edit-set.ts')).editSet,
  'crmBackup.editSchedule': async () => (await import('./edit-schedule.ts')).editSchedule,
  'crmBackup.manageSecrets': async () => (await import('./manage-secrets.ts')).manageSecrets,
  'crmBackup.doctor': async () => (await import('./doctor.ts')).doctor,
  'crmBackup.showLog': () => (app) => app.log.show(),
  'crmBackup.refresh': () => async (app) => {
    const sets = app.sets.all().map(({ workspace, set }) => ({ workspace, set }));
    // Asked of no database, this only has what is open of the live ones opened anew; what fails is told by who reads.
    const none = { from: null, to: null, databases: [] };
    await Promise.allSettled(sets.map(async (set) => app.engine.call('tables', { ...set, ...none })));
    app.working.forget();
    for (const set of sets) app.rowsChanged.fire(set);
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
          const handler = await handlers[id]();
          return await handler(app, target, selected);
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
