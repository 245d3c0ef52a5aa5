import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import manifest from '../../../package.json';
import type { BackupSummary, RestorePlan } from '../../../src/engine/protocol.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import { createBackupTool } from '../../../src/vscode/tools/create-backup.ts';
import { askAgain, noteMessages } from './answers.ts';
import { at, remove, run, set, stateOfSet, suiteEngine, text, workspace } from './workspace.ts';

/** What the tools answer, as far as it is looked at. */
interface Answer {
  readonly set: string;
  readonly id: string;
  readonly label: string;
  readonly status: string;
  readonly total: number;
  readonly backups: readonly { readonly id: string }[];
  readonly entries: readonly { readonly path: string; readonly change: string }[];
  readonly plan: RestorePlan;
  readonly steps: RestorePlan['steps'];
}

/** Asks a tool as an agent does. */
async function ask(tool: string, input: object = {}): Promise<Answer> {
  const { content } = await vscode.lm.invokeTool(tool, { input, toolInvocationToken: undefined });
  const [part] = content;
  assert.ok(part instanceof vscode.LanguageModelTextPart);
  return JSON.parse(part.value) as Answer;
}

suite('Agents', () => {
  const engine = suiteEngine();
  let first: BackupSummary;

  suiteSetup(async () => {
    first = await run<BackupSummary>('backUpFull', { workspace, set });
  });
  suiteTeardown(() => remove('data/agent.txt'));
  teardown(askAgain);

  test('are offered the tools of the manifest', () => {
    const offered = vscode.lm.tools.filter(({ tags }) => tags.includes('crm-backup')).map(({ name }) => name);
    assert.deepEqual(offered.sort(), manifest.contributes.languageModelTools.map(({ name }) => name).sort());
  });

  test('have the user asked before they take a backup', async () => {
    // Under test the editor takes every question before a tool as answered with yes.
    const sets = new Sets(engine);
    const { confirmationMessages } = await createBackupTool.prepare({ sets }, {});
    assert.equal(confirmationMessages?.title, `Back up ${set}?`);
    assert.ok(JSON.stringify(confirmationMessages.message).includes(workspace));
    sets.dispose();
  });

  test('take a backup with a label, and compare and list what there is', async () => {
    await writeFile(at('data/agent.txt'), 'written by an agent\n');
    const taken = await ask('create_backup', { kind: 'differential', label: 'Before the agent’s work' });
    assert.deepEqual([taken.set, taken.label, taken.status], [set, 'Before the agent’s work', 'complete']);
    assert.equal((await stateOfSet(engine)).backups[0]?.id, taken.id);

    const { backups, total } = await ask('list_backups', { limit: 2 });
    assert.deepEqual(
      backups.map(({ id }) => id),
      [taken.id, first.id],
    );
    assert.equal(total, (await stateOfSet(engine)).backups.length);

    const { entries } = await ask('compare_backups', { backup: 'latest', from: first.id.slice(0, 12) });
    assert.deepEqual(
      entries.map(({ path, change }) => [path, change]),
      [['files/workspace/data/agent.txt', 'added']],
    );
  });

  test('are told what a restore would do, and nothing is done', async () => {
    const config = await text('data/config.php');
    await appendFile(at('data/config.php'), '// changed\n');
    try {
      const before = await stateOfSet(engine);
      const { plan, steps } = await ask('preview_restore', { backup: first.id, deleteAdded: true });
      assert.deepEqual([plan.create, plan.replace, plan.delete], [0, 1, 1]);
      const named = steps.toSorted((a, b) => a.path.localeCompare(b.path));
      assert.deepEqual(named, [
        { path: 'files/workspace/data/agent.txt', action: 'delete' },
        { path: 'files/workspace/data/config.php', action: 'replace' },
      ]);
      assert.match(await text('data/config.php'), /changed/);
      assert.ok(isDeepStrictEqual(await stateOfSet(engine), before));
    } finally {
      await writeFile(at('data/config.php'), config);
    }
  });

  test('are told in a sentence what they did not name well', async () => {
    noteMessages();
    await assert.rejects(ask('compare_backups', { backup: 'ffffffff' }), /list_backups/);
    await assert.rejects(ask('list_backups', { set: 'other' }), new RegExp(`“${set}”`));
  });

  test('may do nothing with the workspace in Restricted Mode', async () => {
    const trust = Object.getOwnPropertyDescriptor(vscode.workspace, 'isTrusted');
    Object.defineProperty(vscode.workspace, 'isTrusted', { value: false, configurable: true });
    try {
      for (const tool of ['create_backup', 'preview_restore'])
        await assert.rejects(ask(tool), /Restricted Mode/, tool);
    } finally {
      if (trust !== undefined) Object.defineProperty(vscode.workspace, 'isTrusted', trust);
    }
  });
});
