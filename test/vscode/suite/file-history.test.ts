import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary, FileVersion, RestoreResult } from '../../../src/engine/protocol.ts';
import { answer, askAgain, noteMessages, told, until } from './answers.ts';
import { type QuickPicks, watchQuickPicks } from './quick-pick.ts';
import { addressOf, at, folder, run, set, suiteEngine, workspace } from './workspace.ts';

const first = 'custom/first.php';
const second = 'custom/second.php';
const lines = Array.from({ length: 20 }, (_, number) => `// line ${number + 1}\n`).join('');

suite('The history of a file', () => {
  const engine = suiteEngine();
  let backups: BackupSummary[];
  const uri = vscode.Uri.joinPath(folder.uri, second);
  let picks: QuickPicks;

  suiteSetup(async () => {
    backups = [];
    await writeFile(at(first), lines);
    backups.unshift(await run<BackupSummary>('backUpNow'));
    await appendFile(at(first), '// added\n');
    backups.unshift(await run<BackupSummary>('backUpNow'));
    await rename(at(first), at(second));
    await appendFile(at(second), '// renamed\n');
    backups.unshift(await run<BackupSummary>('backUpNow'));
    picks = watchQuickPicks();
  });
  suiteTeardown(async () => {
    picks.dispose();
    await rm(at(second), { force: true });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
  teardown(askAgain);

  /** Opens the history, has something done with its versions, and gives what the command gives. */
  async function open(
    target: unknown,
    act: (pick: vscode.QuickPick<vscode.QuickPickItem>) => Promise<unknown>,
  ): Promise<readonly FileVersion[]> {
    const next = picks.next();
    const done = run<readonly FileVersion[]>('fileHistory', target);
    const pick = await next;
    await picks.items(pick);
    await act(pick);
    return done;
  }

  async function activeDiff(): Promise<vscode.TabInputTextDiff> {
    return until(() => {
      const input: unknown = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      return input instanceof vscode.TabInputTextDiff ? input : undefined;
    });
  }

  async function textOf(address: vscode.Uri): Promise<string> {
    return (await vscode.workspace.openTextDocument(address)).getText();
  }

  test('lists every version with its change, through renames; the one picked is shown with what it changed', async () => {
    let listed: (string | undefined)[][] = [];
    const versions = await open(uri, async (pick) => {
      listed = pick.items.map(({ description, detail }) => [description, detail]);
      await picks.accept(pick, 0);
    });
    assert.deepEqual(listed, [
      [`renamed · +1 −0 · ${(lines.length + 20).toString()} B`, `was ${first}`],
      [`modified · +1 −0 · ${(lines.length + 9).toString()} B`, `as ${first}`],
      [`added · ${lines.length} B`, `as ${first}`],
    ]);
    assert.deepEqual(
      versions.map(({ backup }) => backup),
      backups.map(({ id }) => id),
    );
    const diff = await activeDiff();
    assert.equal(await textOf(diff.original), `${lines}// added\n`);
    assert.equal(await textOf(diff.modified), `${lines}// added\n// renamed\n`);
  });

  test('shows the first version alone', async () => {
    await open(uri, async (pick) => picks.accept(pick, 2));
    const document = await until(() => {
      const shown = vscode.window.activeTextEditor?.document;
      return shown?.uri.scheme === 'crm-backup' && shown.getText() === lines ? shown : undefined;
    });
    assert.match(document.uri.path, /first\.php$/);
  });

  test('compares a version with the file as it is now, and opens it', async () => {
    const press = async (button: number): Promise<void> => {
      await open(uri, async (pick) => {
        picks.press(pick.items[2]!, button);
        return Promise.resolve();
      });
    };
    await press(0);
    const diff = await activeDiff();
    assert.equal(diff.modified.toString(), uri.toString());
    assert.equal(await textOf(diff.original), lines);
    await press(1);
    await until(() => (vscode.window.activeTextEditor?.document.getText() === lines ? true : undefined));
  });

  test('is found from the tree and from a version that is open', async () => {
    const path = `files/workspace/${second}`;
    for (const target of [{ workspace, set, path }, addressOf(backups[0]!.id, second)]) {
      const versions = await open(target, async (pick) => {
        pick.hide();
        return Promise.resolve();
      });
      assert.equal(versions.length, 3);
    }
  });

  test('says in which version the line with the cursor was changed', async () => {
    const address = addressOf(backups[0]!.id, second);
    const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(address));
    editor.selection = new vscode.Selection(20, 0, 20, 0);
    let marked: string | undefined;
    await open(undefined, async (pick) => {
      marked = await until(() => {
        const detail = pick.items[1]?.detail;
        return detail?.includes('line') === true ? detail : undefined;
      });
      pick.hide();
    });
    assert.equal(marked, `as ${first} · line 21 is as in this version`);
  });

  test('brings back a version of another name without touching a file that has that name now', async () => {
    const target = await mkdtemp(path.join(tmpdir(), 'crm-backup-version-'));
    await writeFile(at(first), 'another file\n');
    noteMessages();
    answer('showOpenDialog', () => [vscode.Uri.file(target)]);
    answer('showWarningMessage', (_question: string, _options: unknown, yes: string) => yes);
    try {
      const shown = picks.next();
      const done = run<RestoreResult>('restoreFile', uri);
      const pick = await shown;
      const items = await picks.items(pick);
      const detail = `as ${first}, where another file is now: restored into a folder you choose`;
      assert.deepEqual(
        items.map((item) => item.detail),
        [`was ${first}`, detail, detail],
      );
      await picks.accept(pick, 2);
      assert.equal((await done).plan.create, 1);
      assert.equal(await readFile(at(first), 'utf8'), 'another file\n');
      assert.equal(await readFile(path.join(target, 'files/workspace', first), 'utf8'), lines);
    } finally {
      await rm(at(first), { force: true });
      await rm(target, { recursive: true });
    }
  });

  test('of a file that is not backed up, or that no backup has, is said to be none', async () => {
    noteMessages();
    await run('fileHistory', vscode.Uri.file('/elsewhere/file.php'));
    assert.match(told.at(-1)?.text ?? '', /file\.php is in none of the folders/);
    await run('fileHistory', vscode.Uri.joinPath(folder.uri, 'custom/never.php'));
    assert.match(told.at(-1)?.text ?? '', /No backup has “files\/workspace\/custom\/never\.php”/);
  });

  test('of renamed and changed files shows in the changes of a backup', async () => {
    const changes = await engine.call('changes', {
      workspace,
      set,
      backup: backups[0]!.id,
      from: backups[1]!.id,
      paths: [],
      probe: true,
    });
    const renamed = changes.changes.find(({ change }) => change === 'renamed');
    assert.deepEqual(
      [renamed?.path, renamed?.oldPath],
      [`files/workspace/${second}`, `files/workspace/${first}`],
    );
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await run('showChanges', { workspace, set, backup: backups[0]!.id });
    await until(() => {
      const texts = vscode.workspace.textDocuments.map((document) => document.getText());
      return (
        (texts.includes(`${lines}// added\n`) && texts.some((text) => text.endsWith('// renamed\n'))) ||
        undefined
      );
    });
  });
});
