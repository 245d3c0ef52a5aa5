import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary, RestoreResult } from '../../../src/engine/protocol.ts';
import type { Engine } from '../../../src/vscode/engine.ts';
import type { Node } from '../../../src/vscode/tree/nodes.ts';
import { answer, askAgain, noteMessages, pick, told, until } from './answers.ts';
import { at, ownEngine, ownTree, provideBackup, remove, run, set, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';

suite('Databases', () => {
  let engine: Engine;
  let original: string;
  let backup: BackupSummary;

  const execute = (sql: string): void => {
    using database = new DatabaseSync(at('crm.db'));
    database.exec(sql);
  };
  const names = (): unknown[] => {
    using database = new DatabaseSync(at('crm.db'), { readOnly: true });
    return database
      .prepare('SELECT name FROM contact ORDER BY id')
      .all()
      .map(({ name }) => name);
  };

  suiteSetup(async () => {
    engine = ownEngine();
    await provideBackup(engine);
    execute(
      "CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO contact VALUES (1, 'Åsa')",
    );
    original = await readFile(at(setFile), 'utf8');
    const databases = [{ name: 'crm', url: 'sqlite:crm.db' }];
    const definition = { version: 1, sets: [{ name: set, files: [{ root: '.' }], databases }] };
    await writeFile(at(setFile), JSON.stringify(definition));
    backup = await run<BackupSummary>('backUpFull');
    execute("UPDATE contact SET name = 'Bo'; INSERT INTO contact VALUES (2, NULL)");
  });
  suiteTeardown(async () => {
    await writeFile(at(setFile), original);
    remove('crm.db');
    engine.dispose();
  });
  teardown(askAgain);

  test('stand in the tree with their tables and what makes them', async () => {
    const own = ownTree(engine);
    const { tree } = own;
    try {
      const label = (node: Node): unknown => tree.getTreeItem(node).label;
      const child = async (node: Node | undefined, name: string): Promise<Node> => {
        const children = await tree.getChildren(node);
        return children.find((one) => label(one) === name) ?? assert.fail(children.map(label).join(' | '));
      };
      const today = await child(await child(undefined, set), 'Today');
      const [newest] = await tree.getChildren(today);
      const crm = await child(await child(newest, 'Databases'), 'crm');
      const table = tree.getTreeItem(await child(await child(crm, 'tables'), 'main.contact'));
      assert.deepEqual(table.iconPath, new vscode.ThemeIcon('table'));
      assert.equal(table.contextValue, 'entry.table');
      assert.equal(table.command?.command, 'crmBackup.openRows');
      const schema = tree.getTreeItem(await child(crm, 'schema.sql'));
      assert.equal(schema.contextValue, 'part');
      const document = await vscode.workspace.openTextDocument(schema.resourceUri ?? assert.fail());
      assert.match(document.getText(), /CREATE TABLE contact/);
    } finally {
      own.dispose();
    }
  });

  test('have what becomes of the rows of each table in the preview', async () => {
    answer(
      'showWarningMessage',
      (_question: string, _options: unknown, _yes: string, preview: string) => preview,
    );
    pick('Database crm', 'Original place', 'Cancel');
    await run('restore', { workspace, set, backup: backup.id });
    const preview = vscode.window.activeTextEditor?.document.getText() ?? assert.fail('a preview is open');
    assert.match(preview, /^ +contact: rows replaced: 1, deleted: 1, created: 0$/m);
    assert.deepEqual(names(), ['Bo', null]);
  });

  test('are restored alone after a question, and that is undone', async () => {
    let asked = '';
    noteMessages();
    answer('showWarningMessage', (question: string, _options: unknown, yes: string) => {
      asked = question;
      return yes;
    });
    pick('Database crm', 'Original place');
    const result = await run<RestoreResult>('restore', { workspace, set, backup: backup.id });
    assert.equal(asked, 'Replace database crm?');
    assert.deepEqual(
      result.plan.databases.map(({ database, creates }) => ({ database, creates })),
      [{ database: 'crm', creates: false }],
    );
    assert.deepEqual(names(), ['Åsa']);
    const sentence = await until(() =>
      told.find(({ text }) => text.startsWith('database crm restored and verified')),
    );
    assert.ok(sentence);

    await run('undoRestore');
    assert.deepEqual(names(), ['Bo', null]);
  });
});
