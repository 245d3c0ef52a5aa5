import * as vscode from 'vscode';
import type { Engine } from './engine.ts';
import { Context } from './ids.ts';
import { localFolders, type Sets } from './sets.ts';
import { stateOf } from './view-state.ts';

/** Looks, while there is no backup yet, for what the welcome texts should say is missing: git, or a way to a database. */
export function tellLacks(engine: Engine, sets: Sets): vscode.Disposable {
  let looked = '';
  const look = async (): Promise<void> => {
    const state = stateOf(sets);
    const [folder] = localFolders();
    if (folder === undefined || (state !== 'none' && state !== 'empty') || !vscode.workspace.isTrusted)
      return;
    const databases = sets.all().flatMap(({ set, state }) => state.databases.map((name) => `${set}/${name}`));
    const key = [state, folder.uri.toString(), ...databases].join('\n');
    if (looked === key) return;
    looked = key;
    // What cannot be found out is not said to be missing.
    const checks = await engine.call('doctor', { workspace: folder.uri.fsPath }).catch(() => []);
    const lacksGit = checks.some(({ name, status }) => name === 'git' && status !== 'ok');
    const failed = checks.filter(({ status }) => status === 'failed');
    const lacksDatabase = databases.some((database) =>
      failed.some(({ name }) => `${name} `.startsWith(`source ${database} `)),
    );
    void vscode.commands.executeCommand('setContext', Context.lacksGit, lacksGit);
    void vscode.commands.executeCommand('setContext', Context.lacksDatabase, lacksDatabase);
  };
  return sets.onDidChange(() => void look());
}
