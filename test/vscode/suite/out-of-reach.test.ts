import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary, Operation, Output } from '../../../src/engine/protocol.ts';
import type { App } from '../../../src/vscode/app.ts';
import { showDashboard } from '../../../src/vscode/dashboard/dashboard.ts';
import { Engine } from '../../../src/vscode/engine.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import { showStatus } from '../../../src/vscode/status-bar.ts';
import { hasBackups } from '../../../src/vscode/view-state.ts';
import { watchSets } from '../../../src/vscode/watch.ts';
import { Works } from '../../../src/vscode/works.ts';
import type { ToPage } from '../../../src/webview/dashboard/messages.ts';
import { answer, askAgain, noteMessages, told, until } from './answers.ts';
import { at, engineScript, folder, quiet, run, set, suiteEngine, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';

/** An engine that counts how often it is asked for the sets. */
class CountingEngine extends Engine {
  asked = 0;

  override async call<O extends Operation>(...call: Parameters<Engine['call']>): Promise<Output<O>> {
    if (call[0] === 'state') this.asked++;
    return super.call(...call);
  }
}

suite('What cannot be reached', () => {
  const engine = suiteEngine();
  let original: string;
  let place: string;
  let vault: string;
  suiteSetup(async () => {
    original = await readFile(at(setFile), 'utf8');
    place = await mkdtemp(path.join(tmpdir(), 'crm-backup-test-'));
    vault = path.join(place, 'vault');
  });
  teardown(async () => {
    askAgain();
    await writeFile(at(setFile), original);
    await run('refresh');
  });
  suiteTeardown(async () => {
    await rm(place, { recursive: true, force: true });
  });

  async function writeSets(...sets: readonly object[]): Promise<void> {
    await writeFile(at(setFile), JSON.stringify({ version: 1, sets }));
    await run('refresh');
  }

  /** What a command of the extension says that cannot do its work. */
  async function saidBy(name: string, ...args: unknown[]): Promise<string | undefined> {
    noteMessages();
    told.length = 0;
    await run(name, ...args);
    return told.find(({ how }) => how === 'showErrorMessage')?.text;
  }

  /** The item in the status bar of the test's own. */
  function statusOf(sets: Sets, works: Works): readonly [vscode.StatusBarItem, vscode.Disposable] {
    const create = vscode.window.createStatusBarItem;
    const item = vscode.window.createStatusBarItem('crmBackup.ofTest');
    Object.assign(vscode.window, { createStatusBarItem: () => item });
    try {
      return [item, showStatus(sets, works)];
    } finally {
      Object.assign(vscode.window, { createStatusBarItem: create });
    }
  }

  /** Whether commands are offered that take a backup. */
  async function mayHaveBackups(): Promise<boolean> {
    const sets = new Sets(engine);
    await sets.refresh();
    sets.dispose();
    return hasBackups(sets);
  }

  /** What the dashboard is first told. */
  async function dashboardTold(sets: Sets): Promise<ToPage> {
    const heard: ToPage[] = [];
    const create = vscode.window.createWebviewPanel;
    const noting = (...args: Parameters<typeof create>): vscode.WebviewPanel => {
      const panel = create(...args);
      Object.assign(panel.webview, {
        postMessage: async (message: ToPage) => Promise.resolve(heard.push(message) > 0),
      });
      return panel;
    };
    Object.assign(vscode.window, { createWebviewPanel: noting });
    try {
      const extension = vscode.extensions.getExtension('crm-backup.crm-backup') ?? assert.fail();
      showDashboard({ engine, sets } as unknown as App, extension.extensionUri, undefined);
      return await until(() => heard[0]);
    } finally {
      Object.assign(vscode.window, { createWebviewPanel: create });
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    }
  }

  test('a vault that is not there is said to be so everywhere', async () => {
    const away = { workspace, set: 'away' };
    await writeSets({ name: 'away', files: [{ root: 'custom' }], vault });
    const backup = await run<BackupSummary>('backUpFull', away);
    await rename(vault, `${vault} elsewhere`);
    await run('refresh');
    for (const name of ['restore', 'forget', 'drill'])
      assert.match((await saidBy(name, away)) ?? '', /^The vault at .* is not there any more\.$/, name);
    assert.match((await saidBy('pin', { ...away, backup: backup.id })) ?? '', /not there any more/);

    const sets = new Sets(engine);
    const works = new Works();
    const [item, status] = statusOf(sets, works);
    try {
      await sets.refresh();
      assert.equal(item.text, '$(warning) Backups out of reach');
      assert.match(
        item.accessibilityInformation?.label ?? '',
        /^CRM Backup: Backups out of reach\. The vault/,
      );
      assert.match(
        (item.tooltip as vscode.MarkdownString).value,
        /is&nbsp;not&nbsp;there&nbsp;any&nbsp;more/,
      );
      await rename(`${vault} elsewhere`, vault);
      await sets.refresh();
      assert.match(item.text, /^\$\(archive\) /);
    } finally {
      status.dispose();
      works.dispose();
      sets.dispose();
    }
  });

  test('a vault that is back is used at once by who asks for a backup in it', async () => {
    const away = { workspace, set: 'away' };
    await writeSets({ name: 'away', files: [{ root: 'custom' }], vault });
    await run<BackupSummary>('backUpFull', away);
    await rename(vault, `${vault} elsewhere`);
    await run('refresh');
    await rename(`${vault} elsewhere`, vault);
    assert.equal(await saidBy('unpin', away), 'None of the backups of away can be chosen for this.');
  });

  for (const how of ['after a while', 'when the window gets the focus'] as const)
    test(`what is wrong with a set is looked at again ${how}`, async () => {
      await writeSets({ name: 'away', files: [{ root: 'custom' }], vault: '${env:CRM_BACKUP_NOT_SET}' });
      const counting = new CountingEngine(engineScript(), quiet);
      const focus = new vscode.EventEmitter<vscode.WindowState>();
      const before = Object.getOwnPropertyDescriptor(vscode.window, 'onDidChangeWindowState');
      const property = { value: focus.event, configurable: true };
      Object.defineProperty(vscode.window, 'onDidChangeWindowState', property);
      const sets = new Sets(counting);
      const watching = watchSets(sets, how === 'after a while' ? 500 : undefined);
      try {
        await sets.refresh();
        assert.equal(sets.find({ workspace, set: 'away' })?.state.problem?.code, 'missing-variable');
        // By then the editor has told what was written before.
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const { asked } = counting;
        if (how !== 'after a while') focus.fire({ focused: true, active: true });
        await until(() => (counting.asked > asked ? true : undefined));
      } finally {
        watching.dispose();
        sets.dispose();
        counting.dispose();
        focus.dispose();
        if (before !== undefined) Object.defineProperty(vscode.window, 'onDidChangeWindowState', before);
      }
    });

  test('of a set file with a mistake, the mistake is told by all who need a set', async () => {
    await writeSets({ name: set, files: [{ rot: 'custom' }] });
    const file = vscode.Uri.joinPath(folder.uri, 'data/config.php');
    for (const name of ['fileHistory', 'restoreFile'])
      assert.match((await saidBy(name, file)) ?? '', /set file/, name);
    assert.equal(await mayHaveBackups(), true);
    const sets = new Sets(engine);
    try {
      const message = await dashboardTold(sets);
      assert.match(message.type === 'failed' ? message.message : '', /set file/);
    } finally {
      sets.dispose();
    }
  });

  test('where there is no set file, one is offered to be made by who would edit it', async () => {
    await rm(at(setFile));
    await run('refresh');
    for (const name of ['editSet', 'editSchedule']) {
      const asked: unknown[][] = [];
      answer('showErrorMessage', (...question) => void asked.push(question));
      await run(name);
      assert.deepEqual(asked, [['This workspace has no backup set yet.', 'Create Backup Set…', 'Show Log']]);
    }
  });

  test('who has no backup to choose is told why', async () => {
    const named = { workspace, set: 'fresh' };
    await writeSets({ name: 'fresh', files: [{ root: 'custom' }], vault: path.join(place, 'fresh') });
    assert.equal(await mayHaveBackups(), false);
    for (const name of ['restore', 'compareWithWorkspace', 'pin', 'forget', 'showChanges'])
      assert.equal(await saidBy(name, named), 'There is no backup of fresh yet.', name);
    await run<BackupSummary>('backUpFull', named);
    assert.equal(await mayHaveBackups(), true);
    assert.equal(await saidBy('unpin', named), 'None of the backups of fresh can be chosen for this.');
    const gone = { ...named, backup: '0'.repeat(64) };
    assert.equal(await saidBy('forget', gone), 'There is no such backup of fresh.');
  });
});
