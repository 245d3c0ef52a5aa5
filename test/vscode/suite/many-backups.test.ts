import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { serialize } from 'node:v8';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import { openVault } from '../../../src/core/open.ts';
import { processSurroundings } from '../../../src/core/surroundings.ts';
import type { BackupSummary, Input, Operation, Output } from '../../../src/engine/protocol.ts';
import { Engine } from '../../../src/vscode/engine.ts';
import type { Node } from '../../../src/vscode/tree/nodes.ts';
import { addBackups } from '../../build/many-backups.ts';
import { askAgain } from './answers.ts';
import {
  at,
  engineScript,
  type OwnTree,
  ownEngine,
  ownTree,
  provideBackup,
  quiet,
  run,
  workspace,
} from './workspace.ts';

const set = 'many';
const setFile = '.vscode/crm-backup.json';
const COUNT = 10_000;
const FIVE_MINUTES_MS = 300_000;
/** As many can be taken in a day, and so be shown at once. */
const MOST_A_DAY = 289;

/** An engine that notes what it is asked and how much it answers. */
class CountingEngine extends Engine {
  readonly asked: { readonly operation: Operation; readonly bytes: number }[] = [];

  override async call<O extends Operation>(operation: O, input: Input<O>): Promise<Output<O>> {
    const answer = await super.call(operation, input);
    this.asked.push({ operation, bytes: serialize(answer).length });
    return answer;
  }
}

suite('With 10,000 backups the tree', () => {
  let helper: Engine;
  let engine: CountingEngine;
  let own: OwnTree;
  let original: string;
  let vaultDirectory: string;
  let before: ReadonlySet<string>;
  const drawn: (Node | undefined)[] = [];

  const records = async (): Promise<string[]> => readdir(path.join(vaultDirectory, 'backups'));

  suiteSetup(async function () {
    this.timeout(180_000);
    helper = ownEngine();
    await provideBackup(helper);
    original = await readFile(at(setFile), 'utf8');
    const sets = [{ name: set, files: [{ root: 'data' }] }];
    await writeFile(at(setFile), JSON.stringify({ version: 1, sets }));
    const { sets: states } = await helper.call('state', { workspace });
    vaultDirectory = states[0]?.vault ?? assert.fail();
    before = new Set(await records());
    await run('refresh');
    await run<BackupSummary>('backUpFull', { workspace, set });
    const vault = await openVault(vaultDirectory, undefined, processSurroundings());
    await addBackups(vault, set, COUNT - 1, FIVE_MINUTES_MS);
    engine = new CountingEngine(engineScript(), quiet);
    own = ownTree(engine);
    own.tree.onDidChangeTreeData((node) => drawn.push(node));
  });
  suiteTeardown(async () => {
    own.dispose();
    engine.dispose();
    helper.dispose();
    await writeFile(at(setFile), original);
    const added = (await records()).filter((name) => !before.has(name));
    for (const name of added) await rm(path.join(vaultDirectory, 'backups', name));
    await run('refresh');
  });
  teardown(askAgain);

  /** Asks for everything the view shows when it opens; gives the lines. */
  const open = async (): Promise<Node[]> => {
    const lines: Node[] = [];
    const visit = async (node?: Node): Promise<void> => {
      for (const child of await own.tree.getChildren(node)) {
        lines.push(child);
        const { collapsibleState } = own.tree.getTreeItem(child);
        if (collapsibleState === vscode.TreeItemCollapsibleState.Expanded) await visit(child);
      }
    };
    await visit();
    return lines;
  };

  test('is made with one question and of one day’s lines', async function () {
    this.timeout(120_000);
    const lines = await open();
    const periods = lines.flatMap((node) => (node.type === 'period' ? node.backups.length : []));
    assert.equal(
      periods.reduce((sum, count) => sum + count, 0),
      COUNT,
    );
    const shown = lines.filter(({ type }) => type === 'backup').length;
    assert.ok(shown > 0 && shown <= MOST_A_DAY, `${shown} backups are shown`);
    assert.ok(lines.length <= shown + periods.length + 2, `${lines.length} lines`);
    assert.deepEqual(
      engine.asked.map(({ operation }) => operation),
      ['state'],
    );
  });

  test('asks for next to nothing, and draws nothing, when nothing is new', async () => {
    engine.asked.length = drawn.length = 0;
    await own.sets.refresh();
    assert.equal(drawn.length, 0);
    assert.equal(engine.asked.length, 1);
    assert.ok(engine.asked[0]!.bytes < 4_000, `${engine.asked[0]!.bytes} bytes`);
  });

  test('draws one line for a backup that is pinned', async () => {
    const shown = (await open()).findLast((node) => node.type === 'backup') ?? assert.fail();
    engine.asked.length = drawn.length = 0;
    await run('pin', { workspace, set, backup: shown.backup });
    await own.sets.refresh();
    // Not compared whole: a message with ten thousand backups takes minutes to make, and all memory.
    assert.deepEqual(
      drawn.map((node) => node?.type),
      ['backup'],
    );
    assert.ok(drawn[0] === shown);
    assert.deepEqual(own.tree.getTreeItem(shown).iconPath, new vscode.ThemeIcon('pinned'));
    assert.ok(engine.asked[0]!.bytes < 4_000, `${engine.asked[0]!.bytes} bytes`);
  });

  test('draws the set for a new backup, of which alone it is told', async () => {
    engine.asked.length = drawn.length = 0;
    const { id } = await run<BackupSummary>('backUpIncremental', { workspace, set });
    await own.sets.refresh();
    assert.deepEqual(
      drawn.map((node) => node?.type),
      ['set'],
    );
    assert.ok(engine.asked[0]!.bytes < 6_000, `${engine.asked[0]!.bytes} bytes`);
    assert.equal(own.sets.all()[0]?.state.backups[0]?.id, id);
  });
});
