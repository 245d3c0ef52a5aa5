import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import { askAgain, noteMessages, told, until } from './answers.ts';
import { enginesOfThisHost, MortalEngine } from './engines.ts';
import { at, ownTree, remove, run, set, stateOfSet, suiteEngine, workspace } from './workspace.ts';

suite('The engine', () => {
  const engine = suiteEngine();
  teardown(askAgain);

  test('killed at work is told in one sentence, and starts anew with the next command', async () => {
    mkdirSync(at('data/much'));
    for (let file = 0; file < 1500; file++) writeFileSync(at(`data/much/${file}`), randomBytes(40_000));
    try {
      const own = await engine.processId();
      const before = (await stateOfSet(engine)).backups.length;
      noteMessages();
      const backup = run<BackupSummary | undefined>('backUpFull', { workspace, set });
      const pid = await until(() => enginesOfThisHost().find((each) => each !== own));
      // At work: it has the vault's lock, which the other engine's view of the state does not show. Some time is enough.
      await new Promise((resolve) => setTimeout(resolve, 300));
      process.kill(pid, 'SIGKILL');
      assert.equal(await backup, undefined);
      assert.deepEqual(
        told.map(({ how, text }) => [how, text]),
        [
          [
            'showErrorMessage',
            'The backup engine stopped unexpectedly (SIGKILL); finished backups are safe.',
          ],
        ],
      );
      assert.equal((await stateOfSet(engine)).backups.length, before);
      assert.equal((await run<BackupSummary>('backUpFull', { workspace, set })).status, 'complete');
    } finally {
      remove('data/much');
    }
  });

  test('of a home that is not wanted any more ends its work first; the window turns to the new one', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'crm-backup-home-'));
    const settings = vscode.workspace.getConfiguration('crmBackup');
    const choose = async (chosen: string | undefined): Promise<void> =>
      settings.update('home', chosen, vscode.ConfigurationTarget.Global);
    // As the extension knows them.
    const backups = async (): Promise<number> => {
      const of = vscode.Uri.from({ scheme: 'crm-backup', path: `/${set}` });
      return (await vscode.workspace.fs.readDirectory(of)).length;
    };
    try {
      await run('refresh');
      const before = await backups();
      assert.ok(before > 0);
      // By then the editor has told what was written before, which has the sets asked for, too.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await choose(home);
      await until(async () => ((await backups()) === 0 ? true : undefined));
      await choose(undefined);
      await until(async () => ((await backups()) === before ? true : undefined));

      mkdirSync(at('data/much'));
      for (let file = 0; file < 1500; file++) writeFileSync(at(`data/much/${file}`), randomBytes(40_000));
      const own = await engine.processId();
      const engines = enginesOfThisHost().filter((pid) => pid !== own);
      noteMessages();
      const backup = run<BackupSummary | undefined>('backUpFull', { workspace, set });
      // At work: some time is enough.
      await new Promise((resolve) => setTimeout(resolve, 300));
      await choose(home);
      assert.equal((await backup)?.status, 'complete', told.map(({ text }) => text).join(' '));
      // All that worked for the window by then are gone.
      await until(() => (enginesOfThisHost().some((pid) => engines.includes(pid)) ? undefined : true));
      await choose(undefined);
      await until(async () => ((await backups()) === before + 1 ? true : undefined));
    } finally {
      await choose(undefined);
      remove('data/much');
      rmSync(home, { recursive: true, force: true });
    }
  });

  test('killed at a look at the sets is asked once more', async () => {
    const mortal = new MortalEngine('state', 1);
    const sets = new Sets(mortal);
    try {
      await sets.load();
      assert.equal(mortal.lives, 0);
      assert.notEqual(sets.find({ workspace, set }), undefined);
    } finally {
      sets.dispose();
      mortal.dispose();
    }
  });

  test('that does not run leaves the sets as they were known; before, the tree offers to look again', async () => {
    const mortal = new MortalEngine('state', 2);
    const own = ownTree(mortal);
    try {
      const [line] = await own.tree.getChildren();
      const { command, label } = own.tree.getTreeItem(line!);
      assert.match(label as string, /^The backup engine stopped unexpectedly/);
      assert.equal(command?.command, 'crmBackup.refresh');
      await own.sets.refresh();
      const known = own.sets.find({ workspace, set }) ?? assert.fail();
      mortal.lives = 2;
      await own.sets.refresh();
      assert.equal(mortal.lives, 0);
      assert.equal(own.sets.find({ workspace, set })?.state, known.state);
    } finally {
      own.dispose();
      mortal.dispose();
    }
  });
});
