import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { suiteSetup, suiteTeardown } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary, SetState } from '../../../src/engine/protocol.ts';
import { Engine } from '../../../src/vscode/engine.ts';
import type { Log } from '../../../src/vscode/log.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import { BackupsTree } from '../../../src/vscode/tree/backups-tree.ts';
import { WorkingChanges } from '../../../src/vscode/working/working-changes.ts';
import { Works } from '../../../src/vscode/works.ts';
import { answer, askAgain } from './answers.ts';

/** The folder that is open. */
export const folder = vscode.workspace.workspaceFolders?.[0] ?? assert.fail('a folder is open');
export const workspace = folder.uri.fsPath;
export const set = 'espocrm';

/** Notes nothing. */
export const quiet: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  show: () => undefined,
  dispose: () => undefined,
};

/** An engine of the test's own, as another window has one. */
export function ownEngine(): Engine {
  return new Engine(engineScript(), quiet);
}

/** An engine for the tests of a suite: before the first there is a backup, after the last it ends. */
export function suiteEngine(): Engine {
  const engine = ownEngine();
  suiteSetup(() => provideBackup(engine));
  suiteTeardown(() => engine.dispose());
  return engine;
}

/** What an engine's process runs. */
export function engineScript(): string {
  const extension = vscode.extensions.getExtension('crm-backup.crm-backup') ?? assert.fail();
  return path.join(extension.extensionPath, 'dist', 'engine.js');
}

/** A tree of the test's own, with what it is made of. */
export interface OwnTree extends vscode.Disposable {
  readonly sets: Sets;
  readonly works: Works;
  readonly working: WorkingChanges;
  readonly tree: BackupsTree;
}

/** Makes a tree as the view has one. */
export function ownTree(engine: Engine): OwnTree {
  const sets = new Sets(engine);
  const works = new Works();
  const working = new WorkingChanges(sets, engine, works);
  const tree = new BackupsTree(sets, engine, working);
  const dispose = (): void => {
    for (const part of [tree, working, works, sets]) part.dispose();
  };
  return { sets, works, working, tree, dispose };
}

/** A file of the workspace. */
export function at(name: string): string {
  return path.join(workspace, name);
}

/** A file's text. */
export async function text(name: string): Promise<string> {
  return readFile(at(name), 'utf8');
}

/** Runs a command of the extension. */
export async function run<T>(name: string, ...args: unknown[]): Promise<T> {
  return vscode.commands.executeCommand<T>(`crmBackup.${name}`, ...args);
}

/** What is known of the set now. */
export async function stateOfSet(engine: Engine, named = set): Promise<SetState> {
  const { sets } = await engine.call('state', { workspace });
  return sets.find(({ name }) => name === named) ?? assert.fail(`there is a set ${named}`);
}

/** Makes the set with its first backup, unless an earlier test has. */
export async function provideBackup(engine: Engine): Promise<BackupSummary> {
  const { sets } = await engine.call('state', { workspace });
  if (sets.length === 0) {
    answer('showInputBox', () => set);
    await run('createSet');
    askAgain();
  }
  const [latest] = (await stateOfSet(engine)).backups;
  return latest ?? run<BackupSummary>('backUpFull');
}

/** The address of a file in a backup. */
export function addressOf(backup: string, name: string): vscode.Uri {
  return vscode.Uri.from({ scheme: 'crm-backup', path: `/${set}/${backup}/files/workspace/${name}` });
}

/** Removes what a test has made. */
export function remove(name: string): void {
  rmSync(at(name), { recursive: true, force: true });
}
