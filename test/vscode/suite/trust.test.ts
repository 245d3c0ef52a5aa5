import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import { type CommandEntry, commandTable } from '../../../src/vscode/commands/table.ts';
import type { Engine } from '../../../src/vscode/engine.ts';
import { answer, askAgain, noteMessages, told } from './answers.ts';
import {
  addressOf,
  ownEngine,
  ownTree,
  provideBackup,
  run,
  set,
  stateOfSet,
  text,
  workspace,
} from './workspace.ts';

suite('In Restricted Mode', () => {
  let engine: Engine;
  let backup: BackupSummary;
  const trust = Object.getOwnPropertyDescriptor(vscode.workspace, 'isTrusted');
  suiteSetup(async () => {
    engine = ownEngine();
    backup = await provideBackup(engine);
    Object.defineProperty(vscode.workspace, 'isTrusted', { value: false, configurable: true });
  });
  suiteTeardown(() => {
    if (trust !== undefined) Object.defineProperty(vscode.workspace, 'isTrusted', trust);
    engine.dispose();
  });
  teardown(askAgain);

  test('nothing that changes or reads the workspace runs', async () => {
    const before = await stateOfSet(engine);
    for (const [id, { needsTrust }] of Object.entries<CommandEntry>(commandTable)) {
      if (!needsTrust) continue;
      noteMessages();
      told.length = 0;
      await vscode.commands.executeCommand(id, { workspace, set, backup: backup.id });
      assert.match(told[0]?.text ?? '', /^In Restricted Mode/, id);
    }
    assert.ok(isDeepStrictEqual(await stateOfSet(engine), before));
  });

  test('backups are browsed', async () => {
    const content = await vscode.workspace.fs.readFile(addressOf(backup.id, 'data/config.php'));
    assert.match(Buffer.from(content).toString(), /^<\?php/);
  });

  test('nothing is compared, and the workspace is as soon as it is trusted', async () => {
    const granted = new vscode.EventEmitter<void>();
    const before = Object.getOwnPropertyDescriptor(vscode.workspace, 'onDidGrantWorkspaceTrust');
    Object.defineProperty(vscode.workspace, 'onDidGrantWorkspaceTrust', {
      value: granted.event,
      configurable: true,
    });
    const own = ownTree(engine);
    const { tree, working } = own;
    const trusts = (value: boolean): unknown =>
      Object.defineProperty(vscode.workspace, 'isTrusted', { value, configurable: true });
    try {
      const [top] = await tree.getChildren();
      const types = async () => (await tree.getChildren(top)).map(({ type }) => type);
      assert.ok(!(await types()).includes('working'));
      const drawn: unknown[] = [];
      tree.onDidChangeTreeData((node) => drawn.push(node));
      trusts(true);
      granted.fire();
      assert.deepEqual(drawn, [top]);
      assert.ok((await types()).includes('working'));
      assert.ok(working.of({ workspace, set }) !== undefined);
    } finally {
      trusts(false);
      own.dispose();
      if (before !== undefined) Object.defineProperty(vscode.workspace, 'onDidGrantWorkspaceTrust', before);
      granted.dispose();
    }
  });

  test('a backup is restored into another folder, and offered no other place', async () => {
    const before = await text('data/config.php');
    const target = await mkdtemp(path.join(os.tmpdir(), 'crm-backup-target-'));
    try {
      const asked: string[][] = [];
      noteMessages();
      answer('showQuickPick', (items: vscode.QuickPickItem[]) => {
        asked.push(items.map(({ label }) => label));
        return items[0];
      });
      answer('showOpenDialog', () => [vscode.Uri.file(target)]);
      await run('restore', { workspace, set, backup: backup.id });
      assert.deepEqual(asked[1], ['$(folder-opened) Another folder…']);
      const restored = path.join(target, 'files/workspace/data/config.php');
      assert.match(await readFile(restored, 'utf8'), /^<\?php/);
      assert.equal(await text('data/config.php'), before);
    } finally {
      await rm(target, { recursive: true, force: true });
    }
  });
});
