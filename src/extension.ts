import * as vscode from 'vscode';
import type { InSet } from './engine/protocol.ts';
import type { App } from './vscode/app.ts';
import { registerCommands } from './vscode/commands/register.ts';
import { Engine } from './vscode/engine.ts';
import { DestinationsTree } from './vscode/destinations/destinations-tree.ts';
import { BackupFiles } from './vscode/files/backup-files.ts';
import { BACKUP_SCHEME } from './vscode/files/backup-uri.ts';
import { DESTINATIONS_VIEW } from './vscode/ids.ts';
import { tellLacks } from './vscode/lacks.ts';
import { openLog } from './vscode/log.ts';
import { tellTroubles } from './vscode/notifications.ts';
import { registerRowsEditor } from './vscode/rows/rows-editor.ts';
import { tellInterrupted } from './vscode/restore/awakened.ts';
import { runSchedules } from './vscode/scheduler.ts';
import { Secrets } from './vscode/secrets.ts';
import { showSetFileProblems } from './vscode/set-file-problems.ts';
import { Sets } from './vscode/sets.ts';
import { showStatus } from './vscode/status-bar.ts';
import { TextDocuments } from './vscode/text-documents.ts';
import { BackupsTree } from './vscode/tree/backups-tree.ts';
import { BackupBadges } from './vscode/tree/backup-badges.ts';
import { showBackups } from './vscode/tree/backups-view.ts';
import { registerTools } from './vscode/tools/register.ts';
import { tellState } from './vscode/view-state.ts';
import { watchSets } from './vscode/watch.ts';
import { Decorations } from './vscode/working/decorations.ts';
import { WorkingChanges } from './vscode/working/working-changes.ts';
import { Works } from './vscode/works.ts';

/** Wires the parts together. Nothing heavy is loaded and no process started: the first need does that. */
export function activate(context: vscode.ExtensionContext): void {
  const log = openLog();
  const storage = context.globalStorageUri.fsPath;
  const works = new Works();
  const secrets = new Secrets(context.secrets, () => works.current !== undefined);
  const engine = new Engine(context.asAbsolutePath('dist/engine.js'), log, storage, secrets);
  const sets = new Sets(engine);
  const documents = new TextDocuments();
  const working = new WorkingChanges(sets, engine, works);
  const tree = new BackupsTree(sets, engine, working);
  const destinations = new DestinationsTree(engine, sets, works);
  const files = new BackupFiles(engine, sets);
  const rowsChanged = new vscode.EventEmitter<InSet>();
  const extension = context.extensionUri;
  const app: App = { engine, sets, works, working, log, documents, rowsChanged, secrets, extension };
  context.subscriptions.push(
    log,
    engine,
    sets,
    works,
    documents,
    working,
    tree,
    files,
    showBackups(tree, working),
    new Decorations(sets, working),
    new BackupBadges(sets),
    destinations,
    vscode.window.createTreeView(DESTINATIONS_VIEW, { treeDataProvider: destinations }),
    vscode.workspace.registerFileSystemProvider(BACKUP_SCHEME, files, {
      isCaseSensitive: true,
      isReadonly: true,
    }),
    registerCommands(app),
    registerRowsEditor(app),
    registerTools(app),
    tellState(sets),
    tellLacks(engine, sets),
    showStatus(sets, works),
    tellTroubles(sets, context.workspaceState),
    runSchedules(app),
    showSetFileProblems(sets),
    watchSets(sets),
    tellInterrupted(engine, log),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration('crmBackup.home')) return;
      engine.restart();
      files.forget();
      void vscode.commands.executeCommand('crmBackup.refresh');
    }),
  );
}
