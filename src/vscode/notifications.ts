import * as vscode from 'vscode';
import type { FoundSet, Sets } from './sets.ts';
import { troubleText } from './trouble-words.ts';
import { showWarningMessage } from './window.ts';

/** Which troubles were told, so that none is told again, in this window or after a reload. */
const TOLD = 'toldTroubles';
const MOST_REMEMBERED = 50;
/** What is overdue becomes so without anything happening. */
const LOOK_AGAIN_MS = 30 * 60_000;

/**
 * Silent when all is well; one message for the worst trouble of a set when it comes about. It stays in the tree and in
 * the status bar for as long as it lasts.
 */
export function tellTroubles(sets: Sets, memory: vscode.Memento): vscode.Disposable {
  const timer = setInterval(() => {
    if (sets.known) void sets.refresh();
  }, LOOK_AGAIN_MS);
  const tellNew = (): void => {
    const told = memory.get<readonly string[]>(TOLD, []);
    const fresh = sets.all().flatMap((found) => newTrouble(found, told));
    if (fresh.length === 0) return;
    const remembered = [...told, ...fresh.map(({ key }) => key)].slice(-MOST_REMEMBERED);
    void memory.update(TOLD, remembered);
    for (const { found, trouble } of fresh) void tell(found, trouble);
  };
  return vscode.Disposable.from(sets.onDidChange(tellNew), { dispose: () => clearInterval(timer) });
}

type Trouble = FoundSet['state']['troubles'][number];

function newTrouble(found: FoundSet, told: readonly string[]) {
  const [trouble] = found.state.troubles;
  if (trouble === undefined) return [];
  const key = [found.workspace, found.set, trouble.code, trouble.at].join('\n');
  return told.includes(key) ? [] : [{ key, found, trouble }];
}

async function tell({ workspace, set }: FoundSet, trouble: Trouble): Promise<void> {
  const remedy =
    trouble.code === 'damaged'
      ? { title: vscode.l10n.t('Verify…'), command: 'crmBackup.verify' }
      : { title: vscode.l10n.t('Back Up Now'), command: 'crmBackup.backUpNow' };
  const open = vscode.l10n.t('Open Dashboard');
  const chosen = await showWarningMessage(troubleText(set, trouble), remedy.title, open);
  const command = chosen === open ? 'crmBackup.openDashboard' : remedy.command;
  if (chosen !== undefined) await vscode.commands.executeCommand(command, { type: 'set', workspace, set });
}
