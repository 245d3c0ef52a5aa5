import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { suite, suiteSetup, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { App } from '../../../src/vscode/app.ts';
import { showDashboard } from '../../../src/vscode/dashboard/dashboard.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import type { ToPage } from '../../../src/webview/dashboard/messages.ts';
import { askAgain, noteMessages, told, until } from './answers.ts';
import { at, folder, run, set, suiteEngine } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';

suite('What cannot be reached', () => {
  const engine = suiteEngine();
  let original: string;
  suiteSetup(async () => {
    original = await readFile(at(setFile), 'utf8');
  });
  teardown(async () => {
    askAgain();
    await writeFile(at(setFile), original);
    await run('refresh');
  });
  async function writeSets(...sets: readonly object[]): Promise<void> {
    await writeFile(at(setFile), JSON.stringify({ version: 1, sets }));
    await run('refresh');
  }

  /** What a command of the extension says that cannot do its work. */
  async function saidBy(name: string, ...args: unknown[]): Promise<string | undefined> {
    noteMessages();
    told.length = 0;
    await run(name, ...args);
    return told.find(({ how }) => how === 'showErrorMessage')?.text;
  }

  /** What the dashboard is first told. */
  async function dashboardTold(sets: Sets): Promise<ToPage> {
    const heard: ToPage[] = [];
    const create = vscode.window.createWebviewPanel;
    const noting = (...args: Parameters<typeof create>): vscode.WebviewPanel => {
      const panel = create(...args);
      Object.assign(panel.webview, {
        postMessage: async (message: ToPage) => Promise.resolve(heard.push(message) > 0),
      });
      return panel;
    };
    Object.assign(vscode.window, { createWebviewPanel: noting });
    try {
      const extension = vscode.extensions.getExtension('crm-backup.crm-backup') ?? assert.fail();
      showDashboard({ engine, sets } as unknown as App, extension.extensionUri, undefined);
      return await until(() => heard[0]);
    } finally {
      Object.assign(vscode.window, { createWebviewPanel: create });
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    }
  }

  test('of a set file with a mistake, the mistake is told by all who need a set', async () => {
    await writeSets({ name: set, files: [{ rot: 'custom' }] });
    const file = vscode.Uri.joinPath(folder.uri, 'data/config.php');
    for (const name of ['fileHistory', 'restoreFile'])
      assert.match((await saidBy(name, file)) ?? '', /set file/, name);
    const sets = new Sets(engine);
    try {
      const message = await dashboardTold(sets);
      assert.match(message.type === 'failed' ? message.message : '', /set file/);
    } finally {
      sets.dispose();
    }
  });
});
