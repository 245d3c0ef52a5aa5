import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary, RestoreResult } from '../../../src/engine/protocol.ts';
import { dashboardOf } from '../../../src/vscode/dashboard/dashboard.ts';
import { formatBytes } from '../../../src/vscode/format.ts';
import { rowsTarget } from '../../../src/vscode/rows/rows-uri.ts';
import type { BackupsTree } from '../../../src/vscode/tree/backups-tree.ts';
import type { Node } from '../../../src/vscode/tree/nodes.ts';
import { answer, askAgain, noteMessages, pick, told, until } from './answers.ts';
import { at, ownTree, remove, run, set, suiteEngine, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';

/** The line of the databases below the working changes, and theirs. */
async function workingDatabases(tree: BackupsTree): Promise<{ working: Node | undefined; line: Node }> {
  const [top] = await tree.getChildren();
  const [working] = await tree.getChildren(top);
  const line = (await tree.getChildren(working)).find(({ type }) => type === 'workingDatabases');
  return { working, line: line ?? assert.fail('the databases have a line') };
}

suite('Databases', () => {
  const engine = suiteEngine();
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

  test('are compared with the newest backup when their line is opened, once', async () => {
    const own = ownTree(engine);
    const { tree } = own;
    try {
      const { working, line } = await workingDatabases(tree);
      assert.equal(tree.getTreeItem(line).description, 'compared when opened');
      const drawn: (Node | undefined)[] = [];
      tree.onDidChangeTreeData((node) => drawn.push(node));
      const tables = await tree.getChildren(line);
      const shown = tables.map((node) => [tree.getTreeItem(node).label, tree.getTreeItem(node).description]);
      assert.deepEqual(shown, [['crm.contact', '+1 ~1']]);
      assert.equal(drawn.length, 1);
      assert.ok(drawn[0] === working);
      // The editor asks again for what is below a line it draws anew.
      await tree.getChildren(line);
      assert.equal(drawn.length, 1);
      assert.equal(tree.getTreeItem(line).description, '1 table');
      await own.working.refresh({ workspace, set });
      assert.equal(tree.getTreeItem(working!).description, '1 table');
      // What nobody has looked at is not said to be the same.
      own.working.forget();
      assert.equal(tree.getTreeItem(working!).description, 'databases not compared');
      await rename(at('crm.db'), at('gone.db'));
      try {
        const [failed] = await tree.getChildren(line);
        assert.ok(failed?.type === 'message');
        assert.match(failed.text, /crm\.db/);
        assert.equal(tree.getTreeItem(working!).description, 'databases not compared');
      } finally {
        await rename(at('gone.db'), at('crm.db'));
      }
    } finally {
      own.dispose();
    }
  });

  test('have views that differ listed, and opened beside what the backup has', async () => {
    const own = ownTree(engine);
    const { tree } = own;
    try {
      execute('CREATE VIEW named AS SELECT name FROM contact');
      const { working, line } = await workingDatabases(tree);
      const lines = await tree.getChildren(line);
      assert.deepEqual(
        lines.map((node) => [tree.getTreeItem(node).label, tree.getTreeItem(node).description]),
        [
          ['schema.sql', 'crm'],
          ['crm.contact', '+1 ~1'],
        ],
      );
      assert.equal(tree.getTreeItem(line).description, '1 table · 1 object');
      assert.match(String(tree.getTreeItem(working!).description), /1 table · 1 object$/);
      const { command, contextValue, accessibilityInformation } = tree.getTreeItem(lines[0]!);
      assert.equal(contextValue, 'working.other', 'it cannot be restored alone');
      assert.equal(accessibilityInformation?.label, 'schema.sql, modified, crm');
      const open = async (): Promise<vscode.TabInputTextDiff> => {
        // The extension has an engine of its own, which may still have the database open.
        await run('refresh');
        await vscode.commands.executeCommand(command!.command, ...((command?.arguments ?? []) as unknown[]));
        const tab = await until(() => vscode.window.tabGroups.activeTabGroup.activeTab);
        assert.match(tab.label, /^schema\.sql \(\d\d:\d\d ↔ now\)$/);
        assert.ok(tab.input instanceof vscode.TabInputTextDiff);
        return tab.input;
      };
      const textOf = async (uri: vscode.Uri): Promise<string> =>
        (await vscode.workspace.openTextDocument(uri)).getText();
      const { original, modified } = await open();
      assert.equal(original.scheme, 'crm-backup');
      assert.equal(original.path, modified.path, 'it is not shown as a file that was moved');
      assert.doesNotMatch(await textOf(original), /CREATE VIEW/);
      assert.match(await textOf(modified), /CREATE TABLE contact[^]*CREATE VIEW named/);

      // What is shown is what is there when it is opened.
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      execute('DROP VIEW named');
      const again = await open();
      assert.equal(await textOf(again.modified), await textOf(again.original));
    } finally {
      own.dispose();
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      execute('DROP VIEW IF EXISTS named');
    }
  });

  test('are compared with the newest backup after a restore of files, too: its safety backup is none', async () => {
    const own = ownTree(engine);
    const { tree, sets, working } = own;
    const file = 'data/config.php';
    const before = await readFile(at(file), 'utf8');
    try {
      const { line } = await workingDatabases(tree);
      await tree.getChildren(line);
      await writeFile(at(file), 'changed\n');
      const paths = [`files/workspace/${file}`];
      const request = { workspace, set, backup: backup.id, paths, delete: false, safetyBackup: true };
      const { safetyBackup } = await engine.call('restore', request);
      await sets.refresh();
      const found = sets.find({ workspace, set }) ?? assert.fail();
      assert.equal(found.state.backups[0]?.id, safetyBackup);
      // It was restored over: what was known of the workspace is looked at anew.
      assert.deepEqual(working.of(found), {
        from: found.state.backups[1],
        files: undefined,
        problems: [],
        tables: undefined,
        objects: [],
        unread: [],
      });

      const [top] = await tree.getChildren();
      const { description } = tree.getTreeItem(top!);
      assert.ok(
        String(description).includes(formatBytes(backup.bytes.source, vscode.env.language)),
        String(description),
      );
      const fresh = await workingDatabases(tree);
      assert.ok(fresh.working?.type === 'working' && fresh.working.backup === backup.id);
      const tables = await tree.getChildren(fresh.line);
      assert.deepEqual(
        tables.map((node) => tree.getTreeItem(node).description),
        ['+1 ~1'],
      );
      const told = await engine.call('figures', { workspace, set });
      const { lastBackup, growth } = dashboardOf(sets.all(), found, told);
      assert.equal(lastBackup, Date.parse(backup.createdAt));
      assert.equal(growth.at(-1)?.at, lastBackup);
    } finally {
      own.dispose();
      await writeFile(at(file), before);
    }
  });

  test('show the rows that changed when a table below them is selected', async () => {
    const own = ownTree(engine);
    const { tree } = own;
    try {
      const { line } = await workingDatabases(tree);
      const [table] = await tree.getChildren(line);
      const { command } = tree.getTreeItem(table ?? assert.fail('a table differs'));
      await vscode.commands.executeCommand(command?.command ?? '', table);
      const tab = await until(() => vscode.window.tabGroups.activeTabGroup.activeTab);
      assert.match(tab.label, /^contact \(\d\d:\d\d ↔ now\)$/);
      assert.ok(tab.input instanceof vscode.TabInputCustom);
      assert.deepEqual(rowsTarget(tab.input.uri.query), {
        workspace,
        set,
        from: backup.id,
        to: null,
        database: 'crm',
        table: 'tables/main.contact',
      });
    } finally {
      own.dispose();
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    }
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

    // What an undo does to rows can be read before, too.
    answer(
      'showWarningMessage',
      (_question: string, _options: unknown, _yes: string, review: string) => review,
    );
    pick('Cancel');
    await run('undoRestore');
    const preview = vscode.window.activeTextEditor?.document.getText() ?? assert.fail('a preview is open');
    assert.match(preview, /^ +contact: rows replaced: 1, deleted: 0, created: 1$/m);
    assert.deepEqual(names(), ['Åsa']);

    answer('showWarningMessage', (_question: string, _options: unknown, yes: string) => yes);
    await run('undoRestore');
    assert.deepEqual(names(), ['Bo', null]);
  });

  test('have their tables among what changed since the base, and not their file as well', async () => {
    execute('CREATE VIEW named AS SELECT name FROM contact');
    const later = await run<BackupSummary>('backUpDifferential');
    const own = ownTree(engine);
    const { tree } = own;
    try {
      await own.sets.load();
      const node: Node = { type: 'backup', workspace, set, backup: later.id, summary: later };
      const changes = (await tree.getChildren(node)).find(({ type }) => type === 'changes') ?? assert.fail();
      assert.match(String(tree.getTreeItem(changes).description), /1 table · 1 object$/);
      const nodes = await tree.getChildren(changes);
      const lines = nodes.map((each) => tree.getTreeItem(each).label);
      assert.ok(lines.includes('contact'), JSON.stringify(lines));
      assert.ok(!lines.includes('database.sqlite'), JSON.stringify(lines));
      // Views are told by their text.
      const { command, description } = tree.getTreeItem(nodes[lines.indexOf('schema.sql')] ?? assert.fail());
      assert.equal(description, 'crm');
      await vscode.commands.executeCommand(command!.command, ...((command?.arguments ?? []) as unknown[]));
      const tab = await until(() => vscode.window.tabGroups.activeTabGroup.activeTab);
      assert.ok(tab.input instanceof vscode.TabInputTextDiff);
      const shown = await vscode.workspace.openTextDocument(tab.input.modified);
      assert.match(shown.getText(), /CREATE VIEW named/);
    } finally {
      own.dispose();
    }
  });
});
