import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import type { Engine } from '../../../src/vscode/engine.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import { BackupsTree } from '../../../src/vscode/tree/backups-tree.ts';
import type { Node } from '../../../src/vscode/tree/nodes.ts';
import { at, ownEngine, provideBackup, run, set, workspace } from './workspace.ts';

suite('The tree', () => {
  let engine: Engine;
  let sets: Sets;
  let tree: BackupsTree;
  let latest: BackupSummary;

  suiteSetup(async () => {
    engine = ownEngine();
    sets = new Sets(engine);
    tree = new BackupsTree(sets, engine);
    await provideBackup(engine);
    await run('backUpFull');
    await appendFile(at('data/config.php'), '// for the tree\n');
    await writeFile(at('data/added.txt'), 'added\n');
    latest = await run<BackupSummary>('backUpDifferential');
    await run('pin', { workspace, set, backup: latest.id });
    await sets.refresh();
  });
  suiteTeardown(() => {
    for (const part of [tree, sets, engine]) part.dispose();
  });

  const label = (node: Node): string => {
    const { label: text } = tree.getTreeItem(node);
    return typeof text === 'string' ? text : (text?.label ?? '');
  };
  const child = async (node: Node | undefined, name: string | RegExp): Promise<Node> => {
    const children = await tree.getChildren(node);
    const labels = children.map(label);
    const at = labels.findIndex((text) => (typeof name === 'string' ? text === name : name.test(text)));
    return children[at] ?? assert.fail(`${String(name)} is not among ${labels.join(' | ')}`);
  };
  const newest = async (): Promise<Node> => {
    const today = await child(await child(undefined, set), 'Today');
    return (await tree.getChildren(today))[0]!;
  };

  test('shows sets, days and backups, the newest first, with what matters', async () => {
    const item = tree.getTreeItem(await newest());
    assert.match(label(await newest()), /^\d\d:\d\d/);
    assert.match(String(item.description), /^differential · [\d.]+ K?B · pinned/);
    assert.deepEqual(item.iconPath, new vscode.ThemeIcon('color-mode'));
    assert.equal(item.contextValue, 'backup.pinned');
    assert.ok(item.tooltip instanceof vscode.MarkdownString);
  });

  test('shows what changed', async () => {
    const changes = await child(await newest(), /^Changes since full/);
    assert.equal(tree.getTreeItem(changes).description, '2 files');
    const files = (await tree.getChildren(changes)).map((node) => [
      label(node),
      tree.getTreeItem(node).tooltip,
    ]);
    assert.deepEqual(files, [
      ['added.txt', 'files/workspace/data/added.txt · added'],
      ['config.php', 'files/workspace/data/config.php · modified'],
    ]);
  });

  test('shows the files as a tree, folders first, and opens them', async () => {
    const files = await child(await newest(), 'Files');
    const top = (await tree.getChildren(files)).map(label);
    assert.deepEqual(top, ['.vscode', 'custom', 'data']);
    const data = await tree.getChildren(await child(files, 'data'));
    assert.equal(label(data[0]!), 'upload');
    const config = data.find((node) => label(node) === 'config.php') ?? assert.fail();
    const { command } = tree.getTreeItem(config);
    assert.equal(command?.command, 'vscode.open');
    const document = await vscode.workspace.openTextDocument(command.arguments?.[0] as vscode.Uri);
    assert.match(document.getText(), /for the tree/);
  });

  test('gives every line a name that can be read out', async () => {
    const visit = async (node: Node | undefined): Promise<void> => {
      for (const each of await tree.getChildren(node)) {
        const item = tree.getTreeItem(each);
        const name = item.accessibilityInformation?.label ?? label(each);
        assert.ok(name.trim() !== '', JSON.stringify(each));
        assert.ok(item.id, 'every line keeps its place');
        if (item.collapsibleState !== vscode.TreeItemCollapsibleState.None) await visit(each);
      }
    };
    await visit(undefined);
  });

  test('finds the parent of a line', async () => {
    const backup = await newest();
    const today = tree.getParent(backup) ?? assert.fail();
    assert.equal(label(today), 'Today');
    assert.equal(label(tree.getParent(today) ?? assert.fail()), set);
  });
});
