import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { suite, teardown, test } from 'mocha';
import type * as vscode from 'vscode';
import type { Awakening, BackupSummary, RestoreResult } from '../../../src/engine/protocol.ts';
import { answer, askAgain, noteMessages, told, until } from './answers.ts';
import { enginesOfThisHost } from './engines.ts';
import { at, ownEngine, remove, run, set, stateOfSet, suiteEngine, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';

suite('Restoring', () => {
  const engine = suiteEngine();
  teardown(askAgain);

  test('takes the only backup of a set without asking which', async () => {
    const original = await readFile(at(setFile), 'utf8');
    try {
      const sets = [{ name: 'one', files: [{ root: 'data' }] }];
      await writeFile(at(setFile), JSON.stringify({ version: 1, sets }));
      await run('refresh');
      await run('backUpFull');
      const asked: (string | undefined)[] = [];
      answer('showQuickPick', (_items: unknown, options: vscode.QuickPickOptions) => {
        asked.push(options.placeHolder);
      });
      await run('restore');
      assert.deepEqual(asked, ['What to restore?']);
      await run('backUpFull');
      asked.length = 0;
      await run('restore');
      assert.deepEqual(asked, ['Restore which backup?']);
    } finally {
      await writeFile(at(setFile), original);
      await run('refresh');
    }
  });

  test('says before what the backup lacks, and that it is of another folder', async () => {
    const original = await readFile(at(setFile), 'utf8');
    const file = 'data/config.php';
    const kept = await readFile(at(file), 'utf8');
    try {
      const sets = [{ name: 'lacking', files: [{ root: 'data' }, { name: 'gone', root: 'gone' }] }];
      await writeFile(at(setFile), JSON.stringify({ version: 1, sets }));
      await run('refresh');
      const details: string[] = [];
      answer('showWarningMessage', (_question: string, options: unknown, yes: string) => {
        if (typeof options !== 'object') return undefined;
        details.push((options as vscode.MessageOptions).detail ?? '');
        return yes;
      });
      answer('showQuickPick', (items: vscode.QuickPickItem[]) => items[0]);
      const { id } = await run<BackupSummary>('backUpFull');
      for (const path of ['files', 'files/workspace/config.php']) {
        await writeFile(at(file), 'changed\n');
        await run<RestoreResult>('restore', { workspace, set: 'lacking', backup: id, path });
        assert.equal(await readFile(at(file), 'utf8'), kept);
      }
      const isTold = details.map((detail) => detail.includes('missing or in doubt: 1, the first: gone: '));
      assert.deepEqual(isTold, [true, false]);

      // The root of the set is another folder now.
      await writeFile(
        at(setFile),
        JSON.stringify({ version: 1, sets: [{ name: 'lacking', files: [{ root: 'custom' }] }] }),
      );
      await run('refresh');
      await writeFile(at('custom/config.php'), 'of another project\n');
      await run<RestoreResult>('restore', {
        workspace,
        set: 'lacking',
        backup: id,
        path: 'files/workspace/config.php',
      });
      assert.ok(details.at(-1)?.includes(`This backup is of ${at('data')} and goes to ${at('custom')}.`));
      await rm(at('custom/config.php'));
    } finally {
      await writeFile(at(file), kept);
      await writeFile(at(setFile), original);
      await run('refresh');
    }
  });

  test('of what is damaged in the vault leaves that out when it is agreed to', async () => {
    const original = await readFile(at(setFile), 'utf8');
    const files = { whole: 'data/whole.txt', lost: 'data/lost.bin' };
    let mend: (() => void) | undefined;
    try {
      await writeFile(
        at(setFile),
        JSON.stringify({ version: 1, sets: [{ name: 'damaged', files: [{ root: 'data' }] }] }),
      );
      await writeFile(at(files.whole), 'whole\n');
      await writeFile(at(files.lost), randomBytes(1_500_000));
      await run('refresh');
      const { id } = await run<BackupSummary>('backUpFull');
      mend = damageNewestPack((await stateOfSet(engine, 'damaged')).vault ?? assert.fail());
      for (const file of Object.values(files)) await writeFile(at(file), 'changed\n');
      const asked: string[] = [];
      answer('showQuickPick', (items: vscode.QuickPickItem[]) => items[0]);
      answer('showWarningMessage', (question: string, options: unknown, ...actions: string[]) => {
        asked.push(`${question} ${actions.join(' ')}`);
        return typeof options === 'object' ? actions[0] : undefined;
      });
      const paths = ['files/workspace/whole.txt', 'files/workspace/lost.bin'];
      const nodes = paths.map((path) => ({ workspace, set: 'damaged', backup: id, path }));
      const result = await run<RestoreResult>('restore', nodes[0], nodes);
      assert.deepEqual(result.plan.skipped?.first.path, paths[1]);
      assert.equal(readFileSync(at(files.whole), 'utf8'), 'whole\n');
      assert.equal(readFileSync(at(files.lost), 'utf8'), 'changed\n');
      assert.ok(asked.some((question) => /damaged.*Restore What Is Whole$/.test(question)));
      await until(() =>
        asked.find((question) => question.includes('lost or damaged it: 1, the first: lost.bin')),
      );
    } finally {
      mend?.();
      Object.values(files).forEach(remove);
      await writeFile(at(setFile), original);
      await run('refresh');
    }
  });

  test('is undone by its own notification, not another one, and not when it is not the last', async () => {
    const original = await readFile(at(setFile), 'utf8');
    const files = { one: 'data/config.php', two: 'custom/undone.txt' };
    try {
      const sets = [
        { name: 'one', files: [{ root: 'data' }] },
        { name: 'two', files: [{ root: 'custom' }] },
      ];
      await writeFile(at(files.two), 'kept\n');
      const kept = await readFile(at(files.one), 'utf8');
      await writeFile(at(setFile), JSON.stringify({ version: 1, sets }));
      await run('refresh');
      noteMessages();
      answer('showWarningMessage', (_question: string, _options: unknown, yes: string) => yes);
      answer('showQuickPick', (items: vscode.QuickPickItem[]) => items[0]);
      const clicks: ((action: string) => void)[] = [];
      answer('showInformationMessage', (_text: string, action?: string) =>
        action === 'Undo' ? new Promise((resolve) => clicks.push(resolve)) : undefined,
      );
      /** Changes the file of a set and restores it; resolves to a click on “Undo” once that is offered. */
      const restoreChanged = async (name: 'one' | 'two', content: string): Promise<() => void> => {
        const { id } = await run<BackupSummary>('backUpFull', { workspace, set: name });
        await writeFile(at(files[name]), content);
        const offered = clicks.length;
        const path = `files/workspace/${files[name].split('/')[1]}`;
        await run<RestoreResult>('restore', { workspace, set: name, backup: id, path });
        const click = await until(() => clicks[offered]);
        return () => click('Undo');
      };
      const undoOne = await restoreChanged('one', 'changed\n');
      const undoTwo = await restoreChanged('two', 'changed\n');
      undoOne();
      // It is done when it can be undone itself.
      await until(() => clicks[2]);
      assert.equal(readFileSync(at(files.one), 'utf8'), 'changed\n');
      assert.equal(readFileSync(at(files.two), 'utf8'), 'kept\n');
      await writeFile(at(files.one), kept);
      await restoreChanged('two', 'changed again\n');
      undoTwo();
      const refused = await until(() => told.find(({ how }) => how === 'showErrorMessage'));
      assert.match(refused.text, /^Set “two” was restored again since/);
      assert.equal(readFileSync(at(files.two), 'utf8'), 'kept\n');
    } finally {
      remove(files.two);
      await writeFile(at(setFile), original);
      await run('refresh');
    }
  });

  test('of a file alone is not offered with deleting what was added', async () => {
    const { id } = await run<BackupSummary>('backUpNow', { workspace, set });
    const offered = async (path: string): Promise<readonly string[]> => {
      let labels: readonly string[] = [];
      answer('showQuickPick', (items: vscode.QuickPickItem[]) => {
        labels = items.map(({ label }) => label.replace(/^\$\(.*?\) /, ''));
      });
      await run('restore', { workspace, set, backup: id, path });
      return labels;
    };
    assert.deepEqual(await offered('files/workspace/data/config.php'), ['Original place', 'Another folder…']);
    assert.deepEqual(await offered('files/workspace/data'), [
      'Original place',
      'Original place, exactly as it was',
      'Another folder…',
    ]);
  });

  test('goes to its end or is undone when the engine is killed in its middle, and that is said', async () => {
    mkdirSync(at('data/much'));
    const write = (): void => {
      for (let file = 0; file < 800; file++) writeFileSync(at(`data/much/${file}`), randomBytes(60_000));
    };
    const content = (): string =>
      Array.from({ length: 800 }, (_, file) => readFileSync(at(`data/much/${file}`)))
        .reduce((hash, bytes) => hash.update(bytes), createHash('sha256'))
        .digest('hex');
    try {
      write();
      const { id } = await run<BackupSummary>('backUpNow', { workspace, set });
      const old = content();
      write();
      const live = content();
      noteMessages();
      answer('showWarningMessage', (_question: string, _options: unknown, yes: string) => yes);
      let step = 0;
      answer('showQuickPick', (items: vscode.QuickPickItem[]) => items[step++]);
      const own = await engine.processId();
      const restore = run<RestoreResult | undefined>('restore', {
        workspace,
        set,
        backup: id,
        path: 'files/workspace/data/much',
      });
      // It is at work once it has begun to lay out files beside the live ones.
      await until(() => (readdirSync(workspace).some(isStaging) ? true : undefined));
      for (const pid of enginesOfThisHost()) if (pid !== own) process.kill(pid, 'SIGKILL');
      assert.ok((await restore) === undefined);
      const sentence = await until(() =>
        told.find(({ text }) => text.startsWith('A restore of espocrm was interrupted')),
      );
      assert.equal(content(), sentence.text.endsWith('it is finished now.') ? old : live);
      assert.deepEqual(readdirSync(workspace).filter(isStaging), []);
      assert.ok(told.some(({ text }) => text.startsWith('The backup engine stopped unexpectedly (SIGKILL)')));
    } finally {
      remove('data/much');
    }
  });

  test('whose command was interrupted is ended as the user says, in the window it concerns', async () => {
    const original = await readFile(at(setFile), 'utf8');
    const own = await engine.processId();
    const elsewhere = await mkdtemp(path.join(os.tmpdir(), 'crm-backup-elsewhere-'));
    const other = ownEngine();
    try {
      const failing = { dump: 'cat live.db', restore: 'exit 1' };
      const definition = { files: [{ root: '.' }], databases: [{ name: 'legacy', command: failing }] };
      const content = JSON.stringify({ version: 1, sets: [{ name: 'elsewhere', ...definition }] });
      mkdirSync(path.join(elsewhere, '.vscode'));
      writeFileSync(path.join(elsewhere, setFile), content);
      writeFileSync(path.join(elsewhere, 'live.db'), 'elsewhere');
      const target = { workspace: elsewhere, set: 'elsewhere' };
      const { id: backup } = await other.call('backup', { ...target, kind: 'full' });
      const request = { ...target, backup, paths: ['databases/legacy'], delete: false, safetyBackup: true };
      await assert.rejects(other.call('restore', request), { code: 'rollback-failed' });
      process.kill((await other.processId()) ?? assert.fail(), 'SIGKILL');

      const restore = 'echo run >> runs; test ! -e broken; cat > live.db';
      const databases = [{ name: 'legacy', command: { dump: 'cat live.db', restore } }];
      const sets = [{ name: 'stuck', files: [{ root: 'data', include: ['config.php'] }], databases }];
      await writeFile(at(setFile), JSON.stringify({ version: 1, sets }));
      await writeFile(at('live.db'), 'old');
      await run('refresh');
      const { id } = await run<BackupSummary>('backUpFull');
      await writeFile(at('broken'), '');
      answer('showWarningMessage', (_question: string, _options: unknown, yes: string) => yes);
      answer('showQuickPick', (items: vscode.QuickPickItem[]) => items[0]);
      await run('restore', { workspace, set: 'stuck', backup: id, path: 'databases/legacy' });
      remove('broken');
      remove('runs');
      await writeFile(at('live.db'), 'work of a day');
      noteMessages();
      const asked: string[] = [];
      answer('showWarningMessage', (question: string, first: unknown, ...others: string[]) => {
        asked.push(question);
        return typeof first === 'object' ? others[0] : first;
      });
      for (const pid of enginesOfThisHost()) if (pid !== own) process.kill(pid, 'SIGKILL');
      await run('refresh');
      const { text } = await until(() =>
        told.find((one) => one.text.startsWith('The interrupted restore of stuck is ended')),
      );
      assert.match(text, /What legacy was before is kept in .*old/);
      assert.match(asked[0] ?? '', /^A restore of stuck of .* was interrupted/);
      assert.equal(asked[1], 'Keep what is there now?');
      assert.equal(asked.length, 2, asked.join(' '));
      assert.equal(await readFile(at('live.db'), 'utf8'), 'work of a day');
      assert.ok(!readdirSync(workspace).includes('runs'));
    } finally {
      const left: Awakening['recovered'][number][] = [];
      other.onDidAwake(({ recovered }) => left.push(...recovered));
      await other.call('state', { workspace: elsewhere });
      for (const { id } of left) await other.call('endInterrupted', { restore: id, decision: 'keep' });
      other.dispose();
      await rm(elsewhere, { recursive: true });
      await writeFile(at(setFile), original);
      for (const name of readdirSync(workspace)) if (name.startsWith('.crm-backup-database')) remove(name);
      for (const name of ['live.db', 'broken', 'runs']) remove(name);
      await run('refresh');
    }
  });
});

/** What a restore lays out beside the files it replaces. */
function isStaging(name: string): boolean {
  return name.startsWith('.crm-backup-restore-');
}

/** Flips a bit in the middle of the pack that was written last; what is returned flips it back. */
function damageNewestPack(vault: string): () => void {
  const folder = path.join(vault, 'packs');
  const packs = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pack'))
    .map((name) => path.join(folder, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const pack = packs[0] ?? assert.fail();
  const flip = (): void => {
    const bytes = readFileSync(pack);
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    writeFileSync(pack, bytes);
  };
  flip();
  return flip;
}
