import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import type * as vscode from 'vscode';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import { answer, askAgain, noteMessages, pick, told, until } from './answers.ts';
import { enginesOfThisHost } from './engines.ts';
import { at, remove, run, set, suiteEngine, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';
/** Stands nowhere but in VS Code's storage and in what the user types. */
const password = `right-${randomUUID()}`;
/** What the dump compares with, so that the password is in no file of the workspace. */
const halves = [password.slice(0, 20), password.slice(20)];

suite('Secrets', () => {
  suiteEngine();
  let original: string;
  let asked: vscode.InputBoxOptions[] = [];

  const typing = (text: string | undefined): void => {
    asked = [];
    noteMessages();
    answer('showInputBox', (options: vscode.InputBoxOptions) => {
      asked.push(options);
      return text;
    });
  };

  suiteSetup(async () => {
    original = await readFile(at(setFile), 'utf8');
    await writeFile(at('data/halves'), halves.join('\n'));
    const dump = `[ "$TOKEN" = "$(tr -d '\\n' < data/halves)" ] && echo rows`;
    const command = { dump, restore: 'cat > data/restored', env: { TOKEN: '${secret:legacy}' } };
    const databases = [{ name: 'legacy', command }];
    await writeFile(
      at(setFile),
      JSON.stringify({ version: 1, sets: [{ name: set, files: [{ root: '.' }], databases }] }),
    );
  });
  suiteTeardown(async () => {
    await writeFile(at(setFile), original);
    remove('data/halves');
  });
  teardown(askAgain);

  test('are not asked for while the user waits for nothing', async () => {
    typing(password);
    await run('refresh');
    assert.deepEqual(asked, []);
  });

  test('that are missing are asked for once, hidden, and then kept', async () => {
    typing(password);
    const first = await run<BackupSummary>('backUpNow', { workspace, set });
    assert.equal(first.status, 'complete');
    assert.deepEqual(
      asked.map(({ title, password: hidden }) => [title, hidden]),
      [['Secret “legacy”', true]],
    );
    const second = await run<BackupSummary>('backUpNow', { workspace, set });
    assert.equal(second.status, 'complete');
    assert.equal(asked.length, 1);
  });

  test('reach the engine neither by its arguments nor by its environment', async function () {
    if (process.platform !== 'linux') this.skip();
    const engines = enginesOfThisHost();
    assert.notEqual(engines.length, 0);
    for (const pid of engines) {
      for (const place of ['cmdline', 'environ']) {
        assert.ok(!(await readFile(`/proc/${pid}/${place}`, 'utf8')).includes(password), place);
      }
    }
  });

  test('that are forgotten are asked for again; without one, the backup says what is missing', async () => {
    noteMessages();
    pick('legacy', 'Forget');
    await run('manageSecrets', { workspace });
    typing(undefined);
    const backup = await run<BackupSummary>('backUpNow', { workspace, set });
    assert.equal(asked.length, 1);
    assert.equal(backup.status, 'partial');
    const message = await until(() => told.find(({ how }) => how === 'showWarningMessage'));
    assert.match(message.text, /uses the secret “legacy”, which is not known/);
    assert.ok(!message.text.includes(password));
  });
});
