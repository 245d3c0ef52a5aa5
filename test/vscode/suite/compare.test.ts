import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary, RestoreResult } from '../../../src/engine/protocol.ts';
import { schedulerItem } from '../../../src/vscode/destinations/scheduler-line.ts';
import { DestinationsTree } from '../../../src/vscode/destinations/destinations-tree.ts';
import { answer, askAgain, noteMessages, pick, told, until } from './answers.ts';
import { watchQuickPicks } from './quick-pick.ts';
import { at, ownTree, remove, run, set, stateOfSet, suiteEngine, workspace } from './workspace.ts';

const file = 'custom/compared.txt';

suite('Comparing', () => {
  const engine = suiteEngine();
  let backups: readonly BackupSummary[];

  suiteSetup(async () => {
    const taken: BackupSummary[] = [];
    for (const text of ['one\n', 'one\ntwo\n', 'one\ntwo\nthree\n']) {
      await writeFile(at(file), text);
      taken.push(await run<BackupSummary>('backUpIncremental'));
    }
    backups = taken;
  });
  suiteTeardown(() => remove(file));
  teardown(async () => {
    askAgain();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  const target = (place: number): object => ({ workspace, set, backup: backups[place]!.id });
  const shownTab = async (has: (label: string) => boolean): Promise<vscode.Tab> =>
    until(() => {
      const { activeTab } = vscode.window.tabGroups.activeTabGroup;
      return activeTab !== undefined && has(activeTab.label) ? activeTab : undefined;
    });
  const shows = async (scheme: string, text: string): Promise<vscode.TextDocument> =>
    until(() =>
      vscode.workspace.textDocuments.find(
        (document) => document.uri.scheme === scheme && document.getText() === text,
      ),
    );

  test('two selected backups are compared, the older one first', async () => {
    await run('compare', target(2), [target(2), target(0)]);
    await shownTab((label) => label.startsWith(`${set}: `) && label.includes('↔'));
    await shows('crm-backup', 'one\n');
    await shows('crm-backup', 'one\ntwo\nthree\n');
  });

  test('the other backup is asked for where only one is named', async () => {
    let offered: string[] = [];
    answer('showQuickPick', async (items: Promise<vscode.QuickPickItem[]>) => {
      const all = (await items) as (vscode.QuickPickItem & { summary?: BackupSummary })[];
      offered = all.flatMap(({ summary }) => summary?.id ?? []);
      return all.find(({ summary }) => summary?.id === backups[1]!.id);
    });
    await run('compare', target(2));
    assert.ok(!offered.includes(backups[2]!.id), 'a backup is not compared with itself');
    await shows('crm-backup', 'one\ntwo\n');
    await shows('crm-backup', 'one\ntwo\nthree\n');
  });

  test('a backup is compared with the one before it', async () => {
    await run('compareWithPrevious', target(1));
    await shows('crm-backup', 'one\n');
    await shows('crm-backup', 'one\ntwo\n');
    noteMessages();
    const { backups: all } = await stateOfSet(engine);
    await run('compareWithPrevious', { workspace, set, backup: all.at(-1)!.id });
    assert.match(told[0]?.text ?? '', /first backup/);
  });

  test('a backup is compared with the workspace, whose files can be edited there', async () => {
    await appendFile(at(file), 'four\n');
    await run('compareWithWorkspace', target(0));
    await shownTab((label) => label.includes('↔ now'));
    await shows('crm-backup', 'one\n');
    const document = await shows('file', 'one\ntwo\nthree\nfour\n');
    assert.equal(document.uri.fsPath, at(file));
    assert.ok(vscode.workspace.fs.isWritableFileSystem(document.uri.scheme));
  });

  test('what changed since the newest backup opens from its line', async () => {
    const own = ownTree(engine);
    try {
      await writeFile(at(file), 'one\ntwo\nthree\nfour\n');
      const [top] = await own.tree.getChildren();
      const [working] = await own.tree.getChildren(top);
      const lines = await own.tree.getChildren(working);
      const line = lines.find((node) => own.tree.getTreeItem(node).label === 'compared.txt') ?? assert.fail();
      const { command, contextValue } = own.tree.getTreeItem(line);
      assert.equal(contextValue, 'working.change');
      await vscode.commands.executeCommand(command!.command, ...((command?.arguments ?? []) as unknown[]));
      const tab = await shownTab((label) => label.startsWith('compared.txt ('));
      assert.ok(tab.input instanceof vscode.TabInputTextDiff);
      assert.equal(tab.input.modified.fsPath, at(file));
      assert.equal(tab.input.original.scheme, 'crm-backup');
      assert.equal(
        tab.input.original.path,
        tab.input.modified.path,
        'it is not shown as a file that was moved',
      );
    } finally {
      own.dispose();
    }
  });

  test('a file is restored from a version that is shown before, and that is undone', async () => {
    const picks = watchQuickPicks();
    try {
      let asked = '';
      noteMessages();
      answer('showWarningMessage', (question: string, _options: unknown, yes: string) => {
        asked = question;
        return yes;
      });
      const shown = picks.next();
      const done = run<RestoreResult>('restoreFile', vscode.Uri.file(at(file)));
      const list = await shown;
      const items = await picks.items(list);
      assert.equal(items.length, 3);
      await shownTab((label) => label.startsWith('compared.txt ('));
      await picks.accept(list, 2);
      const result = await done;
      assert.equal(asked, 'Replace 1 file?');
      assert.equal(result.plan.replace, 1);
      assert.equal(await readFile(at(file), 'utf8'), 'one\n');
      await run('undoRestore');
      assert.equal(await readFile(at(file), 'utf8'), 'one\ntwo\nthree\nfour\n');
    } finally {
      picks.dispose();
    }
  });

  test('a restore can be compared before it is agreed to', async () => {
    noteMessages();
    pick('All files', 'Original place', 'Cancel');
    answer('showWarningMessage', (_question: string, _options: unknown, ...actions: string[]) =>
      actions.find((action) => action.startsWith('Compare')),
    );
    await run('restore', target(0));
    await shownTab((label) => label.includes('↔ now'));
    assert.equal(await readFile(at(file), 'utf8'), 'one\ntwo\nthree\nfour\n');
  });
});

suite('Destinations', () => {
  const engine = suiteEngine();
  teardown(askAgain);

  test('show the vault, what it takes and when it was verified', async () => {
    const own = ownTree(engine);
    const destinations = new DestinationsTree(engine, own.sets, own.works);
    try {
      pick('Every byte');
      noteMessages();
      await run('verify', { workspace, set });
      const [vault, scheduler, ...others] = await destinations.getChildren();
      assert.equal(others.length, 0);
      const item = destinations.getTreeItem(vault ?? assert.fail());
      assert.equal(item.label, `Vault of ${set}`);
      assert.match(String(item.description), /^healthy · [\d.]+ [KM]B · verified \d\d:\d\d$/);
      assert.equal(item.contextValue, 'vault.healthy');
      assert.match(item.accessibilityInformation?.label ?? '', /healthy/);
      assert.match((item.tooltip as vscode.MarkdownString).value, /Free(?: |&nbsp;)space/);
      const line = destinations.getTreeItem(scheduler ?? assert.fail());
      assert.equal(line.label, 'Scheduler');
      assert.equal(line.description, 'nothing is scheduled');
      assert.equal(line.contextValue, 'scheduler.idle');
    } finally {
      destinations.dispose();
      own.dispose();
    }
  });

  test('say whether scheduled backups need VS Code, and when the next is', () => {
    const nextRun = new Date(Date.now() + 60_000).toISOString();
    const lineOf = (isHandedOver: boolean): vscode.TreeItem =>
      schedulerItem({
        type: 'scheduler',
        workspace,
        state: { isHandedOver, nextRun },
        folderName: undefined,
      });
    const here = lineOf(false);
    assert.match(String(here.description), /^only while VS Code is open · next .*\d\d:\d\d$/);
    assert.equal(here.contextValue, 'scheduler.editor');
    const system = lineOf(true);
    assert.match(system.accessibilityInformation?.label ?? '', /^Scheduler, also without VS Code, next /);
    assert.equal(system.contextValue, 'scheduler.system');
    assert.match((system.tooltip as vscode.MarkdownString).value, /secrets/);
  });

  test('a recovery key is saved for its user alone, and never beside what it opens', async () => {
    const key = path.join(os.tmpdir(), `crm-backup-recovery-${process.pid}.txt`);
    try {
      noteMessages();
      answer('showSaveDialog', () => vscode.Uri.file(at('key.txt')));
      await run('showRecoveryKey', { workspace, set });
      assert.match(told.at(-1)?.text ?? '', /outside of the vault/);
      assert.ok(!existsSync(at('key.txt')));

      answer('showSaveDialog', () => vscode.Uri.file(key));
      await run('showRecoveryKey', { workspace, set });
      assert.match(told.at(-1)?.text ?? '', /^Saved\. Whoever has this file/);
      assert.match(await readFile(key, 'utf8'), /Recovery key/);
      if (process.platform !== 'win32') assert.equal((await stat(key)).mode & 0o777, 0o600);
    } finally {
      await rm(key, { force: true });
    }
  });
});
