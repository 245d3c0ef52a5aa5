import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { DrillReport } from '../../../src/core/drill/drill.ts';
import { readSchedule } from '../../../src/core/schedule/state.ts';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import { answer, askAgain, noteMessages, told, until } from './answers.ts';
import { at, run, set, suiteEngine, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';

suite('Schedule', () => {
  const engine = suiteEngine();
  let written: string;
  suiteSetup(async () => {
    written = await readFile(at(setFile), 'utf8');
  });
  suiteTeardown(async () => {
    await writeFile(at(setFile), written);
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

  test('from the palette the backup to rehearse is picked', async () => {
    noteMessages();
    const taken = await run<BackupSummary>('backUpFull', { workspace, set });
    await run('backUpFull', { workspace, set });
    answer('showQuickPick', (items: readonly { summary?: BackupSummary }[]) =>
      items.find(({ summary }) => summary?.id === taken.id),
    );
    const report = await run<DrillReport | undefined>('drill');
    assert.equal(report?.backup, taken.id);
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

  test('what is never due yet is remembered from the first look on', async () => {
    const file = JSON.parse(written.replace(/^\s*\/\/.*$/gm, '')) as { sets: object[] };
    const schedule = [{ kind: 'drill', every: 'month', on: 1 }];
    file.sets.push({ name: 'rehearsed', files: [{ root: 'custom' }], schedule });
    await writeFile(at(setFile), JSON.stringify(file, undefined, 2));
    await until(() => {
      const { jobs } = readSchedule(process.env['CRM_BACKUP_HOME'] ?? '', workspace);
      return jobs.find(
        ({ set: name, dealtWithUntil }) => name === 'rehearsed' && dealtWithUntil !== undefined,
      );
    });
  });

  test('a scheduled run that failed, and one that found damage, are told once each', async () => {
    noteMessages();
    const vault = path.join(mkdtempSync(path.join(tmpdir(), 'crm-backup-test-')), 'vault');
    const schedule = [{ kind: 'incremental', every: 'day', at: '02:00' }];
    const kept = { name: 'kept', files: [{ root: 'custom' }], vault };
    const writeSets = async (...more: readonly object[]): Promise<void> => {
      const file = JSON.parse(written.replace(/^\s*\/\/.*$/gm, '')) as { sets: object[] };
      file.sets.push(kept, ...more);
      await writeFile(at(setFile), JSON.stringify(file, undefined, 2));
    };
    try {
      await writeSets();
      await engine.call('backup', { workspace, set: 'kept', kind: 'full' });
      rmSync(path.join(vault, 'packs'), { recursive: true });
      const warnings = (name: string): string[] =>
        told.flatMap(({ how, text }) =>
          how === 'showWarningMessage' && text.startsWith(`${name}: `) ? [text] : [],
        );
      // Alone: where its vault cannot be opened, nothing else has it run.
      const failing = {
        name: 'failing',
        files: [{ root: 'custom' }],
        vault: at(`${setFile}/vault`),
        schedule,
      };
      await writeSets(failing);
      await until(() => (warnings('failing').length > 0 ? true : undefined));
      // Its vault is that of the other set, which has lost all it had.
      await writeSets({ name: 'hurt', files: [{ root: '.vscode' }], vault, schedule }, failing);
      await until(() => (warnings('hurt').length > 0 ? true : undefined));
      assert.equal(warnings('hurt').length + warnings('failing').length, 2);
      assert.match(warnings('hurt')[0] ?? '', /found damage in the vault/);
      assert.match(warnings('failing')[0] ?? '', /a scheduled run failed/);
      const { sets } = await engine.call('state', { workspace });
      const codes = sets.flatMap(({ name, troubles }) => troubles.map(({ code }) => `${name} ${code}`));
      assert.deepEqual(codes.toSorted(), ['failing failed', 'hurt damaged']);
    } finally {
      rmSync(path.dirname(vault), { recursive: true, force: true });
    }
  });

  test('the set file opens at the schedule of the set, or at the set that has none', async () => {
    await addScheduled();
    const current = await readFile(at(setFile), 'utf8');
    // The editor notices a moment later that the file was written.
    await until(async () => {
      const document = await vscode.workspace.openTextDocument(at(setFile));
      return document.getText() === current ? true : undefined;
    });
    const openedAt = async (name: string): Promise<string> => {
      await run('editSchedule', { workspace, set: name });
      const editor = await until(() => {
        const { activeTextEditor } = vscode.window;
        return activeTextEditor?.document.fileName.endsWith('crm-backup.json') === true
          ? activeTextEditor
          : undefined;
      });
      return editor.document.lineAt(editor.selection.active.line).text;
    };
    assert.match(await openedAt('nightly'), /"schedule"/);
    assert.match(await openedAt(set), /"name": "espocrm"/);
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });
});
