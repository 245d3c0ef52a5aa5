import assert from 'node:assert/strict';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { until } from './answers.ts';
import { type QuickPicks, watchQuickPicks } from './quick-pick.ts';
import { at, run, set, suiteEngine, workspace } from './workspace.ts';

const file = 'custom/Findable.php';

suite('Finding in backups', () => {
  suiteEngine();
  let picks: QuickPicks;

  suiteSetup(async () => {
    await writeFile(at(file), '<?php\n');
    await run('backUpNow');
    await appendFile(at(file), "$host = 'smtp.example.org';\n");
    await run('backUpNow');
    await rm(at(file));
    await run('backUpNow');
    picks = watchQuickPicks();
  });
  suiteTeardown(async () => {
    picks.dispose();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function type(text: string): Promise<vscode.QuickPick<vscode.QuickPickItem>> {
    const next = picks.next();
    done = run('findInBackups', { workspace, set });
    const pick = await next;
    pick.value = text;
    await picks.items(pick);
    return pick;
  }
  let done: Promise<unknown>;

  test('a file that is gone is found by a part of its name, and shown with its versions', async () => {
    const pick = await type('findab');
    const [text, found, ...others] = pick.items;
    assert.deepEqual(
      [text?.label, found?.label, others.length],
      ['Search the text “findab”', 'Findable.php', 0],
    );
    assert.match(found?.description ?? '', /^custom · \d+ B · not in the last backup$/);
    const versions = picks.next();
    await picks.accept(pick, 1);
    const history = await versions;
    const items = await picks.items(history);
    assert.deepEqual(
      items.map(({ description }) => description?.split(' · ')[0]),
      ['deleted', 'modified', 'added'],
    );
    history.hide();
    await done;
  });

  test('files are found by a pattern', async () => {
    const pick = await type('custom/F*.php');
    assert.deepEqual(
      pick.items.slice(1).map(({ label }) => label),
      ['Findable.php'],
    );
    pick.hide();
    await done;
  });

  test('a text is found in the backups that brought it and took it out, and shown there', async () => {
    const pick = await type('smtp.example');
    await picks.accept(pick, 0);
    await until(() => (pick.items.length === 2 ? true : undefined));
    assert.deepEqual(
      pick.items.map(({ description }) => description),
      ['custom/Findable.php · deleted', 'custom/Findable.php · modified'],
    );
    await picks.accept(pick, 1);
    await done;
    const diff = await until(() => {
      const input: unknown = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      return input instanceof vscode.TabInputTextDiff ? input : undefined;
    });
    const texts = await Promise.all(
      [diff.original, diff.modified].map(async (uri) => vscode.workspace.openTextDocument(uri)),
    );
    assert.deepEqual(
      texts.map((document) => document.getText()),
      ['<?php\n', "<?php\n$host = 'smtp.example.org';\n"],
    );
  });

  test('a text that no backup has is said to be none', async () => {
    const pick = await type('in no backup');
    await picks.accept(pick, 0);
    await until(() => pick.items.find(({ label }) => label.startsWith('No backup brought')));
    pick.hide();
    await done;
  });
});
