import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary, Operation, Output } from '../../../src/engine/protocol.ts';
import { Engine } from '../../../src/vscode/engine.ts';
import type { Sets } from '../../../src/vscode/sets.ts';
import { BackupBadges } from '../../../src/vscode/tree/backup-badges.ts';
import type { BackupsTree } from '../../../src/vscode/tree/backups-tree.ts';
import { DragOut } from '../../../src/vscode/tree/drag.ts';
import type { Node } from '../../../src/vscode/tree/nodes.ts';
import { hasBackups, stateOf } from '../../../src/vscode/view-state.ts';
import { watchSets } from '../../../src/vscode/watch.ts';
import { Decorations } from '../../../src/vscode/working/decorations.ts';
import { until } from './answers.ts';
import { MortalEngine } from './engines.ts';
import {
  at,
  engineScript,
  type OwnTree,
  ownTree,
  quiet,
  run,
  set,
  suiteEngine,
  text,
  workspace,
} from './workspace.ts';

/** An engine that keeps what it has found of working changes to itself for a while. */
class HeldEngine extends Engine {
  isHeld = false;
  #held: Promise<void> | undefined;

  /** Holds answers back until the result is called. */
  hold(): () => void {
    let letGo: (() => void) | undefined;
    this.#held = new Promise((resolve) => (letGo = resolve));
    return () => letGo?.();
  }

  override async call<O extends Operation>(...call: Parameters<Engine['call']>): Promise<Output<O>> {
    const found = await super.call(...call);
    this.isHeld = this.#held !== undefined && call[0] === 'workingChanges';
    if (this.isHeld) await this.#held;
    return found;
  }
}

suite('The tree', () => {
  const engine = suiteEngine();
  let sets: Sets;
  let tree: BackupsTree;
  let own: OwnTree;
  let latest: BackupSummary;

  suiteSetup(async () => {
    own = ownTree(engine);
    ({ sets, tree } = own);
    await run('backUpFull');
    await appendFile(at('data/config.php'), '// for the tree\n');
    await writeFile(at('data/added.txt'), 'added\n');
    latest = await run<BackupSummary>('backUpDifferential');
    await run('pin', { workspace, set, backup: latest.id });
    await sets.refresh();
  });
  suiteTeardown(() => {
    own.dispose();
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
  const siblings = async (node: Node): Promise<Node[]> => tree.getChildren(tree.getParent(node));
  const spoken = ({ accessibilityInformation }: vscode.TreeItem): string =>
    accessibilityInformation?.label ?? '';
  const newest = async (): Promise<Node> => {
    const today = await child(await child(undefined, set), 'Today');
    return (await tree.getChildren(today))[0]!;
  };

  test('shows sets, days and backups, the newest first, with what matters', async () => {
    const item = tree.getTreeItem(await newest());
    assert.match(label(await newest()), /^\d\d:\d\d/);
    assert.match(String(item.description), /^differential · [\d.]+ K?B$/);
    assert.deepEqual(item.iconPath, new vscode.ThemeIcon('pinned'));
    assert.match(spoken(item), /^\d\d:\d\d, differential, [\d.]+ K?B, pinned$/);
    assert.equal(item.contextValue, 'backup.pinned');
    const older = tree.getTreeItem((await siblings(await newest()))[1]!);
    assert.deepEqual(older.iconPath, new vscode.ThemeIcon('circle-large-filled'));
  });

  test('follows a set file whose folder goes and comes back as a whole', async () => {
    const watching = watchSets(sets);
    const isThere = () => sets.find({ workspace, set }) !== undefined;
    await rename(at('.vscode'), at('gone'));
    try {
      await until(() => (isThere() ? undefined : true));
    } finally {
      await rename(at('gone'), at('.vscode'));
    }
    await until(() => isThere() || undefined);
    watching.dispose();
  });

  test('tells in which folder a set file has a mistake, and what is in the others', async () => {
    const other = await mkdtemp(path.join(os.tmpdir(), 'crm-backup-other-'));
    const folders = Object.getOwnPropertyDescriptor(vscode.workspace, 'workspaceFolders');
    await mkdir(path.join(other, '.vscode'));
    await writeFile(path.join(other, '.vscode/crm-backup.json'), '{ "version": 1, "sets": [ {');
    const [first] = vscode.workspace.workspaceFolders ?? [];
    const value = [first, { uri: vscode.Uri.file(other), name: 'other', index: 1 }];
    Object.defineProperty(vscode.workspace, 'workspaceFolders', { value, configurable: true });
    const both = ownTree(engine);
    try {
      const [mistake, good] = (await both.tree.getChildren()).map(label);
      assert.match(mistake ?? '', /^other: /);
      assert.equal(good, set);
      assert.deepEqual([stateOf(both.sets), hasBackups(both.sets)], ['failed', true]);
    } finally {
      both.dispose();
      if (folders !== undefined) Object.defineProperty(vscode.workspace, 'workspaceFolders', folders);
      await rm(other, { recursive: true });
    }
  });

  test('tells on a set’s line what matters first: last backup, size, ratio', async () => {
    const item = tree.getTreeItem(await child(undefined, set));
    const ratio = sets.find({ workspace, set })?.state.ratio ?? assert.fail('there is a ratio');
    assert.match(String(item.description), /^\d\d:\d\d · [\d.]+ [KM]?B · [\d.,]+×$/);
    assert.ok(String(item.description).endsWith(` · ${ratio.toFixed(1)}×`), `${ratio}`);
    assert.match(spoken(item), /, backup ratio [\d.,]+×$/);
  });

  test('tells everything known about a backup to whoever rests on it, and asks for it only then', async () => {
    const node = await newest();
    const item = tree.getTreeItem(node);
    assert.ok(!('tooltip' in item) || item.tooltip === undefined);
    const { tooltip } = await tree.resolveTreeItem(item, node);
    assert.ok(tooltip instanceof vscode.MarkdownString);
    const told = tooltip.value.replaceAll('\\', '').replaceAll('&nbsp;', ' ');
    for (const row of [
      /\| Kind \| differential \|/,
      /\| Base \| full \d\d:\d\d \|/,
      /\| Files \| \d+ \(1 added, 1 modified, 0 deleted\) \|/,
      /\| Size \| [\d.]+ K?B, takes [\d.]+ K?B \|/,
      /\| Ratio \| [\d.,]+× \|/,
      /\| Took \| [\d.]+ m?s \|/,
      /\| Phases \| .*Reading [\d.]+ m?s.* \|/,
      /\| Recovery time \| (?:not measured yet|about .*|.*, measured) \|/,
      /\$\(pinned\) Pinned/,
    ]) {
      assert.match(told, row);
    }
  });

  test('has a check at the end of the line of a backup that was verified', async () => {
    const badges = new BackupBadges(sets);
    try {
      const { resourceUri = assert.fail() } = tree.getTreeItem(await newest());
      assert.equal(badges.provideFileDecoration(resourceUri), undefined);
      const drawn = new Promise<vscode.Uri[]>((resolve) => badges.onDidChangeFileDecorations(resolve));
      await engine.call('verify', { workspace, set, backup: latest.id, level: 'data' });
      await sets.refresh();
      assert.deepEqual((await drawn).map(String), [resourceUri.toString()]);
      assert.equal(badges.provideFileDecoration(resourceUri)?.badge, '✓');
      const item = tree.getTreeItem(await newest());
      assert.match(spoken(item), /, pinned, verified$/);
      await tree.resolveTreeItem(item, await newest());
      assert.match((item.tooltip as vscode.MarkdownString).value, /\$\(shield\) Verified/);
    } finally {
      badges.dispose();
    }
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

  test('shows how the workspace differs from the newest backup, and what was saved since', async () => {
    const working = await child(await child(undefined, set), /^Working changes since \d\d:\d\d$/);
    const files = async (): Promise<unknown[]> =>
      (await tree.getChildren(working)).map((node) => [label(node), tree.getTreeItem(node).description]);
    await own.working.refresh({ workspace, set });
    assert.deepEqual(await files(), []);
    assert.equal(tree.getTreeItem(working).description, 'none');
    const badges = new Decorations(sets, own.working);
    const { resourceUri = assert.fail() } = tree.getTreeItem(working);
    assert.equal(badges.provideFileDecoration(resourceUri), undefined);

    const watching = own.working.watch();
    try {
      const original = await readFile(at('data/config.php'), 'utf8');
      const document = await vscode.workspace.openTextDocument(at('data/config.php'));
      const edit = new vscode.WorkspaceEdit();
      edit.insert(document.uri, new vscode.Position(1, 0), '// saved in the editor\n');
      await vscode.workspace.applyEdit(edit);
      const fired = new Promise<Node | undefined>((resolve) => {
        const listening = tree.onDidChangeTreeData((node) => {
          listening.dispose();
          resolve(node);
        });
      });
      await document.save();
      assert.ok((await fired) === working, 'only this line is drawn anew');
      assert.equal(tree.getTreeItem(working).description, '1 file');
      assert.deepEqual(badges.provideFileDecoration(resourceUri), { badge: '1', tooltip: '1 file' });
      assert.deepEqual(await files(), [['config.php', 'data']]);
      await writeFile(at('data/config.php'), original);
    } finally {
      watching.dispose();
      badges.dispose();
    }
    await own.working.refresh({ workspace, set });
    assert.deepEqual(await files(), []);
  });

  test('shows what was saved while it was looking', async () => {
    const slow = new HeldEngine(engineScript(), quiet);
    const another = ownTree(slow);
    const watching = another.working.watch();
    const names = ['data/config.php', 'data/added.txt'];
    const originals = await Promise.all(names.map(text));
    try {
      await another.sets.refresh();
      await another.working.refresh({ workspace, set });
      const [first, second] = await Promise.all(
        names.map(async (name) => vscode.workspace.openTextDocument(at(name))),
      );
      const edit = new vscode.WorkspaceEdit();
      for (const { uri } of [first!, second!]) edit.insert(uri, new vscode.Position(1, 0), 'saved\n');
      await vscode.workspace.applyEdit(edit);
      const letGo = slow.hold();
      await first!.save();
      await until(() => (slow.isHeld ? true : undefined));
      await second!.save();
      // Long enough for the look that this save asks for to find the other one under way.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      letGo();
      await until(() => {
        const { files = [] } = another.working.of({ workspace, set }) ?? {};
        return files.length === 2 ? true : undefined;
      });
    } finally {
      watching.dispose();
      another.dispose();
      slow.dispose();
      await Promise.all(names.map(async (name, number) => writeFile(at(name), originals[number]!)));
    }
    // A window that nobody uses looks again after a minute.
  }).timeout(30_000);

  test('draws only the line anew that is different', async () => {
    const backup = await newest();
    const drawn: (Node | undefined)[] = [];
    const listening = tree.onDidChangeTreeData((node) => drawn.push(node));
    try {
      await run('unpin', { workspace, set, backup: latest.id });
      await sets.refresh();
      // The set tells of its newest backup; a change of another one is that line's alone.
      const older = (await tree.getChildren(tree.getParent(backup)))[1]!;
      drawn.length = 0;
      await run('pin', older);
      await sets.refresh();
      assert.equal(drawn.length, 1);
      assert.ok(drawn[0] === older);
      assert.deepEqual(tree.getTreeItem(older).iconPath, new vscode.ThemeIcon('pinned'));
      await sets.refresh();
      assert.equal(drawn.length, 1);
      await run('unpin', older);
      await sets.refresh();
    } finally {
      listening.dispose();
    }
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

  test('lets what it shows be dragged out, to be copied', async () => {
    const data = new vscode.DataTransfer();
    const backup = await newest();
    const config = await child(await child(await child(backup, 'Files'), 'data'), 'config.php');
    new DragOut().handleDrag([backup, config], data);
    const list = (await data.get('text/uri-list')?.asString()) ?? assert.fail();
    const [whole, one] = list.split('\r\n').map((line) => vscode.Uri.parse(line));
    const names = (await vscode.workspace.fs.readDirectory(whole!)).map(([name]) => name);
    assert.deepEqual(names, ['files']);
    const copy = vscode.Uri.file(at('data/copied.php'));
    await vscode.workspace.fs.copy(one!, copy);
    assert.match(await readFile(copy.fsPath, 'utf8'), /for the tree/);
    await vscode.workspace.fs.delete(copy);
  });

  test('marks files that changed since the newest backup, for as long as that is wanted', async () => {
    const decorations = new Decorations(sets, own.working);
    const uri = vscode.Uri.file(at('data/config.php'));
    const original = await readFile(uri.fsPath, 'utf8');
    const settings = vscode.workspace.getConfiguration('crmBackup');
    try {
      await own.working.refresh({ workspace, set });
      assert.equal(decorations.provideFileDecoration(uri), undefined);
      await appendFile(uri.fsPath, '// not backed up\n');
      const told = new Promise<vscode.Uri[]>((resolve) => decorations.onDidChangeFileDecorations(resolve));
      await own.working.refresh({ workspace, set });
      assert.deepEqual((await told).map(String), [uri.toString()]);
      const mark = decorations.provideFileDecoration(uri);
      assert.match(mark?.tooltip ?? '', /^Changed since the backup of /);
      assert.deepEqual(mark?.color, new vscode.ThemeColor('crmBackup.modifiedSinceBackup'));
      await settings.update('decorations', false, vscode.ConfigurationTarget.Global);
      assert.equal(decorations.provideFileDecoration(uri), undefined);
    } finally {
      await settings.update('decorations', undefined, vscode.ConfigurationTarget.Global);
      await writeFile(uri.fsPath, original);
      decorations.dispose();
    }
  });

  test('says what keeps it from telling what is in a backup, and tells it once nothing does', async () => {
    const mortal = new MortalEngine('list', 2);
    const another = ownTree(mortal);
    const { tree: lines } = another;
    await another.sets.load();
    const drawn: (Node | undefined)[] = [];
    const listening = lines.onDidChangeTreeData((node) => drawn.push(node));
    const below = async (node: Node | undefined): Promise<string[]> =>
      (await lines.getChildren(node)).map((each) => spoken(lines.getTreeItem(each)) || label(each));
    try {
      const [top] = await lines.getChildren();
      const today = (await lines.getChildren(top)).find(({ type }) => type === 'period');
      const [backup] = await lines.getChildren(today);
      const failed = await below(backup);
      assert.equal(failed.length, 1);
      assert.match(failed[0] ?? '', /The backup engine stopped unexpectedly/);
      await another.sets.refresh();
      assert.deepEqual(drawn, [backup]);
      assert.deepEqual((await below(backup)).at(-1), 'Files');
      await another.sets.refresh();
      assert.deepEqual(drawn, [backup]);
      // Killed only once, it is asked again at once.
      mortal.lives = 1;
      const files = (await lines.getChildren(backup)).at(-1);
      assert.ok((await below(files)).includes('data'));
      assert.equal(mortal.lives, 0);
    } finally {
      listening.dispose();
      another.dispose();
      mortal.dispose();
    }
  });

  test('finds the parent of a line', async () => {
    const backup = await newest();
    const today = tree.getParent(backup) ?? assert.fail();
    assert.equal(label(today), 'Today');
    assert.equal(label(tree.getParent(today) ?? assert.fail()), set);
  });
});
