import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { Verification } from '../../../src/core/vault/verify.ts';
import type { BackupSummary, RestoreResult } from '../../../src/engine/protocol.ts';
import { commandTable } from '../../../src/vscode/commands/table.ts';
import { dashboardOf } from '../../../src/vscode/dashboard/dashboard.ts';
import { vaultItem } from '../../../src/vscode/destinations/vault-line.ts';
import type { Engine } from '../../../src/vscode/engine.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import { backupItem } from '../../../src/vscode/tree/lines/backup.ts';
import { answer, askAgain, noteMessages, pick, told, until } from './answers.ts';
import {
  addressOf,
  at,
  folder,
  ownEngine,
  provideBackup,
  remove,
  run,
  set,
  stateOfSet,
  text,
  workspace,
} from './workspace.ts';

const config = 'data/config.php';
const setFile = '.vscode/crm-backup.json';

/** Where the newest backup, its vault and its set are said to be damaged. */
async function shownOfDamage(engine: Engine): Promise<object> {
  const sets = new Sets(engine);
  try {
    await sets.refresh();
    const found = sets.find({ workspace, set }) ?? assert.fail();
    const summary = found.state.backups[0] ?? assert.fail();
    const item = backupItem({ type: 'backup', workspace, set, backup: summary.id, summary });
    const [state] = await engine.call('vaults', { workspace });
    const vault = vaultItem({ type: 'vault', workspace, set, state: state!, folderName: undefined });
    const dashboard = dashboardOf(sets.all(), found, await engine.call('figures', { workspace, set }));
    const isVerified = item.accessibilityInformation?.label.includes('verified') === true;
    const isDamaged = String(item.description).startsWith('damaged · ');
    assert.notEqual(isVerified, isDamaged);
    return {
      backup: isDamaged,
      vault: /^damaged · [^·]+$/.test(String(vault.description)),
      dashboard: dashboard.troubles.some((text) => text.includes(' damaged. “Verify…”')),
    };
  } finally {
    sets.dispose();
  }
}

suite('Backups', () => {
  let engine: Engine;
  suiteSetup(() => {
    engine = ownEngine();
  });
  suiteTeardown(() => engine.dispose());
  teardown(askAgain);

  test('every command of the table is there', async () => {
    await vscode.extensions.getExtension('crm-backup.crm-backup')?.activate();
    const ids = await vscode.commands.getCommands(true);
    for (const id of Object.keys(commandTable)) assert.ok(ids.includes(id), id);
  });

  test('a set is created, its vault outside of the workspace', async () => {
    answer('showInputBox', () => set);
    await run('createSet');
    assert.match(await text(setFile), /"name": "espocrm"/);
    const { vault, roots, backups } = await stateOfSet(engine);
    assert.deepEqual(roots, [{ name: 'workspace', directory: workspace }]);
    assert.deepEqual(backups, []);
    assert.ok(vault && existsSync(vault));
    assert.ok(path.relative(workspace, vault).startsWith('..'));
  });

  test('the first backup is full, the next incremental, against it', async () => {
    const full = await run<BackupSummary>('backUpNow');
    assert.equal(full.kind, 'full');
    await appendFile(at(config), '// one\n');
    const incremental = await run<BackupSummary>('backUpNow');
    assert.deepEqual([incremental.kind, incremental.base], ['incremental', full.id]);
    assert.equal(incremental.files.modified, 1);
  });

  test('every kind can be asked for', async () => {
    const full = await run<BackupSummary>('backUpFull');
    await writeFile(at('custom/new.json'), '{}\n');
    await run<BackupSummary>('backUpIncremental');
    await appendFile(at(config), '// two\n');
    const differential = await run<BackupSummary>('backUpDifferential');
    assert.deepEqual([full.kind, differential.kind, differential.base], ['full', 'differential', full.id]);
    const { added, modified, deleted } = differential.files;
    assert.deepEqual({ added, modified, deleted }, { added: 1, modified: 1, deleted: 0 });
  });

  test('commands around a backup that failed and were not to stop it are told, in one warning', async () => {
    const written = await text(setFile);
    const failing = { command: 'exit 3', onFailure: 'continue' };
    const hooked = {
      name: 'hooked',
      files: [{ root: 'custom' }],
      hooks: { before: failing, after: failing },
    };
    noteMessages();
    try {
      const file = JSON.parse(written.replace(/^\s*\/\/.*$/gm, '')) as { sets: object[] };
      await writeFile(at(setFile), JSON.stringify({ ...file, sets: [...file.sets, hooked] }));
      await run('backUpNow', { workspace, set: 'hooked' });
      const warnings = told.filter(({ how }) => how === 'showWarningMessage');
      assert.deepEqual(
        warnings.map(({ text: warning }) => warning),
        [
          'hooked is backed up, but not all went well: The command before the backup of “hooked” ended with 3. ' +
            'The command after the backup of “hooked” ended with 3.',
        ],
      );
      const { content } = await vscode.lm.invokeTool('create_backup', {
        input: { set: 'hooked' },
        toolInvocationToken: undefined,
      });
      assert.match(JSON.stringify(content), /The command after the backup of “hooked” ended with 3/);
    } finally {
      await writeFile(at(setFile), written);
      await run('refresh');
    }
  });

  test('changes are shown file by file', async () => {
    const [latest] = (await stateOfSet(engine)).backups;
    await run('showChanges', { workspace, set, backup: latest!.id });
    const tab = await until(() => {
      const { activeTab } = vscode.window.tabGroups.activeTabGroup;
      return activeTab?.label.includes('(2 files)') ? activeTab : undefined;
    });
    assert.ok(tab.label.startsWith(`${set}: `));
    await until(() => {
      const shown = vscode.workspace.textDocuments.filter(({ uri }) => uri.scheme === 'crm-backup');
      return shown.some((document) => document.getText().includes('// two')) || undefined;
    });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  test('a backup with nothing before it says so instead of showing changes', async () => {
    noteMessages();
    const first = (await stateOfSet(engine)).backups.at(-1)!;
    await run('showChanges', { workspace, set, backup: first.id });
    assert.match(told[0]?.text ?? '', /first backup/);
  });

  test('a backup is pinned, named, unpinned', async () => {
    const [latest] = (await stateOfSet(engine)).backups;
    const target = { workspace, set, backup: latest!.id };
    await run('pin', target);
    answer('showInputBox', () => 'Before the upgrade');
    await run('rename', target);
    const [named] = (await stateOfSet(engine)).backups;
    assert.deepEqual([named?.pinned, named?.label], [true, 'Before the upgrade']);
    pick('Before the upgrade');
    await run('unpin');
    assert.equal((await stateOfSet(engine)).backups[0]?.pinned, false);
  });

  test('a name with a link or an icon in it is shown as it is, and runs nothing', async () => {
    const [latest] = (await stateOfSet(engine)).backups;
    const target = { workspace, set, backup: latest!.id };
    let label = '$(zap) [now](command:crmBackup.prune)';
    answer('showInputBox', () => label);
    await run('rename', target);
    noteMessages();
    await run('forget', target);
    const [question] = told.filter(({ how }) => how === 'showWarningMessage');
    assert.match(question?.text ?? '', /\[now\]\u2060\(command:/);
    let listed = '';
    answer('showQuickPick', (items: readonly vscode.QuickPickItem[]) => {
      listed = items.map((item) => item.label).join('\n');
    });
    await run('pin', { workspace, set });
    assert.match(listed, /\$\u2060\(zap\) \[now\]/);
    label = '';
    await run('rename', target);
  });

  test('a backup of another process is found, and of what is gone nothing else is taken', async () => {
    noteMessages();
    const asked: unknown[] = [];
    answer('showQuickPick', (items: unknown) => void asked.push(items));
    const { id } = await engine.call('backup', { workspace, set, kind: 'incremental' });
    await run('pin', { workspace, set, backup: id });
    assert.equal((await stateOfSet(engine)).backups.find((backup) => backup.id === id)?.pinned, true);
    await run('unpin', { workspace, set, backup: id });
    const before = (await stateOfSet(engine)).backups.length;
    await run('pin', { workspace, set, backup: 'gone' });
    await run('backUpFull', { workspace, set: 'gone' });
    assert.deepEqual(
      told.map(({ text }) => text),
      [`There is no such backup of ${set}.`, 'This workspace has no backup set gone.'],
    );
    assert.equal(asked.length, 0);
    assert.equal((await stateOfSet(engine)).backups.length, before);
  });

  test('a backup is forgotten, and taken back', async () => {
    const before = await stateOfSet(engine);
    const target = { workspace, set, backup: before.backups[0]!.id };
    noteMessages();
    answer('showWarningMessage', (_: string, action: string) => action);
    let after: number | undefined;
    answer('showInformationMessage', async (_: string, action: string) => {
      after = (await stateOfSet(engine)).backups.length;
      return action;
    });
    await run('forget', target);
    assert.equal(await until(() => after), before.backups.length - 1);
    await until(async () => {
      const { backups } = await stateOfSet(engine);
      return backups.length === before.backups.length || undefined;
    });
  });

  test('everything is restored to its original place, and that is undone', async () => {
    const { id } = await run<BackupSummary>('backUpNow');
    const original = await text(config);
    await writeFile(at(config), '<?php // broken\n');
    await writeFile(at('data/later.txt'), 'later\n');
    remove('custom/new.json');

    let asked = '';
    noteMessages();
    pick('All files', 'exactly as it was');
    answer('showWarningMessage', (question: string, _options: unknown, yes: string) => {
      asked = question;
      return yes;
    });
    const result = await run<RestoreResult>('restore', { workspace, set, backup: id });
    assert.equal(asked, 'Replace 1 file and delete 1 file?');
    const { create, replace, delete: removed } = result.plan;
    assert.deepEqual({ create, replace, removed }, { create: 1, replace: 1, removed: 1 });
    assert.equal(result.verified, true);
    assert.equal(await text(config), original);
    assert.equal(await text('custom/new.json'), '{}\n');
    assert.equal(existsSync(at('data/later.txt')), false);

    await run('undoRestore');
    assert.equal(await text(config), '<?php // broken\n');
    assert.equal(await text('data/later.txt'), 'later\n');
    assert.equal(existsSync(at('custom/new.json')), false);

    await run('undoRestore');
    assert.equal(await text(config), original);
  });

  test('a question that is declined leaves everything as it is', async () => {
    const [latest] = (await stateOfSet(engine)).backups;
    await writeFile(at(config), '<?php // mine\n');
    noteMessages();
    pick('All files', 'Original place');
    const result = await run('restore', { workspace, set, backup: latest!.id });
    assert.equal(result, undefined);
    assert.equal(await text(config), '<?php // mine\n');
  });

  test('one file is restored, and no other', async () => {
    const { id } = await run<BackupSummary>('backUpNow');
    const original = await text(config);
    await writeFile(at(config), '<?php // broken\n');
    await writeFile(at('data/other.txt'), 'changed\n');
    noteMessages();
    pick('Original place');
    answer('showWarningMessage', (_: string, _options: unknown, yes: string) => yes);
    const entry = { workspace, set, backup: id, path: `files/workspace/${config}` };
    await run('restore', entry, [entry]);
    assert.equal(await text(config), original);
    assert.equal(await text('data/other.txt'), 'changed\n');
  });

  test('a folder found by walking through the backup is restored into another folder', async () => {
    const [latest] = (await stateOfSet(engine)).backups;
    const target = await mkdtemp(path.join(os.tmpdir(), 'crm-backup-target-'));
    try {
      noteMessages();
      pick('A folder or file', 'data', 'All of data', 'Another folder');
      answer('showOpenDialog', () => [vscode.Uri.file(target)]);
      await run('restore', { workspace, set, backup: latest!.id });
      const restored = path.join(target, 'files/workspace');
      assert.deepEqual(readdirSync(restored), ['data']);
      assert.equal(await readFile(path.join(restored, 'data/upload/65f0c1'), 'utf8'), 'An attachment.\n');
    } finally {
      await rm(target, { recursive: true, force: true });
    }
  });

  test('unused space is freed, and everything verifies', async () => {
    noteMessages();
    await run('prune', { workspace, set });
    for (const level of ['Quick', 'Every byte']) {
      pick(level);
      const { damage } = await run<Verification>('verify', { workspace, set });
      assert.deepEqual(damage, []);
    }
  });

  test('damage is told with the files it affects', async () => {
    const { vault } = await stateOfSet(engine);
    const folder = path.join(vault ?? assert.fail(), 'packs');
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const packs = names.filter((name) => name.endsWith('.pack')).map((name) => path.join(folder, name));
    const whole = await Promise.all(packs.map((pack) => readFile(pack)));
    try {
      for (const [number, pack] of packs.entries()) {
        const damaged = Buffer.from(whole[number]!);
        damaged[Math.floor(damaged.length / 3)]! ^= 1;
        await writeFile(pack, damaged);
      }
      noteMessages();
      pick('Every byte');
      answer('showErrorMessage', (_: string, report: string) => report);
      const { damage } = await run<Verification>('verify', { workspace, set });
      assert.ok(damage.length > 0);
      const report = await until(() =>
        vscode.workspace.textDocuments.find(({ uri }) => uri.path === '/Damage Report'),
      );
      assert.match(report.getText(), /^packs\/.*\n(.*\n)*Files: [1-9]/);
      // It goes on being told, wherever the backups are shown.
      assert.deepEqual(await shownOfDamage(engine), { backup: true, vault: true, dashboard: true });
    } finally {
      await Promise.all(packs.map((pack, number) => writeFile(pack, whole[number]!)));
      await engine.call('verify', { workspace, set, level: 'data' });
    }
    assert.deepEqual(await shownOfDamage(engine), { backup: false, vault: false, dashboard: false });
  });

  test('the surroundings are checked and told', async () => {
    await run('doctor');
    const document = await until(() => vscode.window.activeTextEditor?.document);
    assert.match(document.getText(), /✓ vault/);
  });

  test('the set file opens at the set', async () => {
    await run('editSet', { workspace, set });
    const editor = await until(() => vscode.window.activeTextEditor);
    assert.equal(editor.document.uri.fsPath, at(setFile));
    assert.match(editor.document.lineAt(editor.selection.active.line).text, /"name": "espocrm"/);
  });

  test('a mistake in the set file is told in its sentence and marked where it is', async () => {
    const good = await text(setFile);
    const uri = vscode.Uri.joinPath(folder.uri, setFile);
    try {
      await writeFile(at(setFile), good.replace('"root"', '"rot"'));
      await run('refresh');
      const problems = vscode.languages.getDiagnostics(uri).filter(({ source }) => source === 'CRM Backup');
      const problem = problems.find(({ message }) => message.includes('rot'));
      const line = (await text(setFile)).split('\n')[problem!.range.start.line];
      assert.match(line ?? '', /"rot"/);
      noteMessages();
      await run('backUpNow');
      assert.match(told[0]?.text ?? '', /set file/);
    } finally {
      await writeFile(at(setFile), good);
    }
    await run('refresh');
    const scheduled = good.replace(
      '"name": "espocrm"',
      '"name": "espocrm", "offPeak": { "from": "20:00", "to": "07:00" },\n"schedule": [{ "every": "day", "at": "12:30" }]',
    );
    try {
      await writeFile(at(setFile), scheduled);
      await run('refresh');
      const [hint] = vscode.languages.getDiagnostics(uri).filter(({ source }) => source === 'CRM Backup');
      assert.equal(hint?.severity, vscode.DiagnosticSeverity.Information);
      assert.match(hint.message, /12:30.*until 20:00/);
      const { start, end } = hint.range;
      const line = scheduled.split('\n')[start.line] ?? '';
      assert.equal(line.slice(start.character, end.character), '"12:30"');
    } finally {
      await writeFile(at(setFile), good);
    }
    await run('refresh');
    assert.deepEqual(
      vscode.languages.getDiagnostics(uri).filter(({ source }) => source === 'CRM Backup'),
      [],
    );
  });
});

suite('Backups as files', () => {
  let engine: Engine;
  suiteSetup(() => {
    engine = ownEngine();
  });
  suiteTeardown(() => engine.dispose());

  test('are read, listed and described', async () => {
    const strange = Buffer.concat([Buffer.from(`${workspace}/custom/caf`), Buffer.from([0xe9])]);
    await writeFile(strange, 'latin');
    await provideBackup(engine);
    const { id } = await run<BackupSummary>('backUpNow');
    const content = await vscode.workspace.fs.readFile(addressOf(id, config));
    assert.equal(Buffer.from(content).toString(), await text(config));
    const stat = await vscode.workspace.fs.stat(addressOf(id, config));
    assert.deepEqual([stat.type, stat.size], [vscode.FileType.File, content.length]);
    assert.equal(stat.permissions, vscode.FilePermission.Readonly);

    const top = await vscode.workspace.fs.readDirectory(addressOf(id, ''));
    assert.ok(top.some(([name, type]) => name === 'data' && type === vscode.FileType.Directory));
    const custom = await vscode.workspace.fs.readDirectory(addressOf(id, 'custom'));
    const [latin] = custom.find(([name]) => name.startsWith('caf')) ?? assert.fail('a name that is no UTF-8');
    const read = await vscode.workspace.fs.readFile(addressOf(id, `custom/${latin}`));
    assert.equal(Buffer.from(read).toString(), 'latin');
    await rm(strange);
  });

  test('open read-only in an editor', async () => {
    const { id } = await provideBackup(engine);
    const document = await vscode.workspace.openTextDocument(addressOf(id, config));
    const editor = await vscode.window.showTextDocument(document);
    assert.equal(vscode.workspace.fs.isWritableFileSystem('crm-backup'), false);
    assert.match(editor.document.getText(), /<\?php/);
  });

  test('what is not there is not found, and nothing is written', async () => {
    const { id } = await provideBackup(engine);
    const missing = addressOf(id, 'no/such/file');
    await assert.rejects(async () => vscode.workspace.fs.readFile(missing), { code: 'FileNotFound' });
    await assert.rejects(async () => vscode.workspace.fs.stat(missing), { code: 'FileNotFound' });
    await assert.rejects(async () => vscode.workspace.fs.readFile(addressOf('0'.repeat(64), config)));
    await assert.rejects(async () => vscode.workspace.fs.writeFile(addressOf(id, config), Buffer.from('x')));
  });
});
