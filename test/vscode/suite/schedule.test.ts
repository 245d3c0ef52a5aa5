import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { DrillReport } from '../../../src/core/drill/drill.ts';
import type { Engine } from '../../../src/vscode/engine.ts';
import { askAgain, noteMessages, told, until } from './answers.ts';
import { at, ownEngine, provideBackup, run, set, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';

suite('Schedule', () => {
  let engine: Engine;
  let written: string;
  suiteSetup(async () => {
    engine = ownEngine();
    await provideBackup(engine);
    written = await readFile(at(setFile), 'utf8');
  });
  suiteTeardown(async () => {
    await writeFile(at(setFile), written);
    engine.dispose();
  });
  teardown(askAgain);

  /** The set file with another set, which has never been backed up and has a schedule. */
  async function addScheduled(): Promise<void> {
    const file = JSON.parse(written.replace(/^\s*\/\/.*$/gm, '')) as { sets: Record<string, unknown>[] };
    const schedule = [{ kind: 'incremental', every: 'day', at: '02:00' }];
    file.sets.push({ name: 'nightly', files: [{ root: 'custom' }], schedule });
    await writeFile(at(setFile), JSON.stringify(file, undefined, 2));
  }

  test('a restore is rehearsed, and said to have gone well', async () => {
    noteMessages();
    // The newest backup may be of another test's set, which had databases.
    await run('backUpFull', { workspace, set });
    const report = await run<DrillReport | undefined>('drill', { workspace, set });
    assert.ok(report, told.map(({ text }) => text).join(' '));
    assert.equal(report.differenceCount, 0);
    assert.ok(report.recoveryTimeMs > 0);
    assert.ok(report.compared.entries > 0);
  });

  test('what is due is done while the window is open, and the next time is told', async () => {
    await addScheduled();
    const taken = await until(async () => {
      const { sets } = await engine.call('state', { workspace });
      return sets.find(({ name, backups }) => name === 'nightly' && backups.length > 0);
    });
    assert.equal(taken.backups[0]?.label, 'Scheduled');
    const jobs = await until(async () => {
      const found = await engine.call('jobs', { workspace });
      return found[0]?.lastStatus === null ? undefined : found;
    });
    assert.equal(jobs[0]?.lastStatus, 'done');
    const { sets } = await engine.call('state', { workspace });
    const { next } = sets.find(({ name }) => name === 'nightly') ?? assert.fail();
    assert.ok(Date.parse(next?.at ?? '') > Date.now());
  });

  test('the set file opens at the schedule', async () => {
    await addScheduled();
    await run('editSchedule', { workspace, set: 'nightly' });
    const editor = await until(() => {
      const { activeTextEditor } = vscode.window;
      return activeTextEditor?.document.fileName.endsWith('crm-backup.json') === true
        ? activeTextEditor
        : undefined;
    });
    assert.match(editor.document.lineAt(editor.selection.active.line).text, /"schedule"/);
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });
});
