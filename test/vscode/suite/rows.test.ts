import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import type { RowsTarget } from '../../../src/vscode/rows/rows-uri.ts';
import { entryItem } from '../../../src/vscode/tree/lines/entry.ts';
import { answer, askAgain, noteMessages, pick, told, until } from './answers.ts';
import { Conversation } from './conversation.ts';
import { at, remove, run, set, suiteEngine, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';
const KINDS = ['added', 'changed', 'deleted'] as const;

suite('Rows', () => {
  const engine = suiteEngine();
  let original: string;
  let first: BackupSummary;
  let second: BackupSummary;

  const execute = (sql: string): void => {
    using database = new DatabaseSync(at('rows.db'));
    database.exec(sql);
  };
  const values = (sql: string): unknown[] => {
    using database = new DatabaseSync(at('rows.db'), { readOnly: true });
    return database
      .prepare(sql)
      .all()
      .flatMap((row) => Object.values(row));
  };

  suiteSetup(async () => {
    execute(`CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT, photo BLOB);
      CREATE TABLE keyless (word TEXT); INSERT INTO keyless VALUES ('one');
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      INSERT INTO contact SELECT i, 'Contact ' || i, NULL FROM n`);
    original = await readFile(at(setFile), 'utf8');
    const databases = [{ name: 'crm', url: 'sqlite:rows.db' }];
    const definition = { version: 1, sets: [{ name: set, files: [{ root: '.' }], databases }] };
    await writeFile(at(setFile), JSON.stringify(definition));
    first = await run<BackupSummary>('backUpFull');
    execute(`UPDATE contact SET name = 'Changed ' || id WHERE id <= 150; DELETE FROM contact WHERE id = 300;
      INSERT INTO contact VALUES (301, '', x'00ff'); DELETE FROM keyless`);
    await writeFile(at('beside.txt'), 'A file that is new, too.\n');
    second = await run<BackupSummary>('backUpDifferential');
  });
  suiteTeardown(async () => {
    await writeFile(at(setFile), original);
    remove('rows.db');
    remove('beside.txt');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
  teardown(askAgain);

  const target = (more: Partial<RowsTarget> = {}): RowsTarget => ({
    workspace,
    set,
    from: first.id,
    to: second.id,
    database: 'crm',
    table: 'tables/main.contact',
    ...more,
  });

  test('of a changed table open from the tree, and from the changes of its backup', async () => {
    const opened = async (): Promise<vscode.TabInputCustom> =>
      until(() => {
        const { activeTab } = vscode.window.tabGroups.activeTabGroup;
        const { input } = activeTab ?? {};
        return input instanceof vscode.TabInputCustom && input.viewType === 'crmBackup.rows'
          ? input
          : undefined;
      });
    const info = { path: 'databases/crm/tables/main.contact', type: 'table', size: 0, mtimeMs: 0, mode: 0 };
    const entry = { type: 'entry', workspace, set, backup: first.id, path: info.path, info };
    await run('openRows', entry);
    assert.match((await opened()).uri.path, /^\/contact \([^↔]+\)$/);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');

    noteMessages();
    answer('showInformationMessage', (_: string, action: string) => action);
    pick('contact');
    await run('showChanges', { workspace, set, backup: second.id });
    assert.match((await opened()).uri.path, /^\/contact \(.+ ↔ .+\)$/);
    assert.ok(told.some(({ text }) => text === 'Rows of 2 tables changed, too.'));
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  test('are counted on the line of their table', async () => {
    const path = 'databases/crm/tables';
    const of = { workspace, set, backup: first.id };
    const tables = await engine.call('list', { ...of, path });
    const lines = tables.map((info) => entryItem({ type: 'entry', ...of, path: info.path, info }));
    assert.deepEqual(
      lines.map(({ label, description }) => [label, description]),
      [
        ['main.contact', '300 rows'],
        ['main.keyless', '1 row'],
      ],
    );
  });

  test('are told a window at a time, filtered and counted', async () => {
    using page = new Conversation(engine, target());
    const opened = await page.open();
    assert.deepEqual(
      [
        opened.mode,
        opened.table,
        opened.restoreRefusal,
        opened.columns.map(({ name, isKey }) => [name, isKey]),
      ],
      [
        'changes',
        'contact',
        null,
        [
          ['id', true],
          ['name', false],
          ['photo', false],
        ],
      ],
    );
    const all = await page.rows({}, 100, 100);
    assert.deepEqual(
      [all.found, all.isComplete, all.counts],
      [152, true, { added: 1, changed: 150, deleted: 1 }],
    );
    assert.deepEqual(all.rows[0], {
      change: 'changed',
      key: [],
      before: ['101', 'Contact 101', null],
      after: ['101', 'Changed 101', null],
    });
    assert.equal(all.rows.length, 52);
    for (const kind of KINDS) {
      const some = await page.rows({ changes: [kind] });
      assert.ok(some.rows.every((row) => row.change === kind));
      assert.equal(some.found, all.counts[kind]);
    }
    const [added] = (await page.rows({ changes: ['added'] })).rows;
    assert.deepEqual(added?.after?.slice(0, 2), ['301', '']);
    assert.equal((added.after[2] as { bytes: number }).bytes, 2);
    assert.equal((await page.rows({ contains: 'contact 14' })).found, 11);
  });

  test('are counted for a page that was hidden and begins anew', async () => {
    using page = new Conversation(engine, target());
    await page.open();
    for (const changes of KINDS) await page.rows({ changes: [changes] });
    await page.open();
    await page.say({ type: 'count', query: 1, filter: {} });
    const counted = page.heard.at(-1);
    assert.ok(counted?.type === 'counts' && counted.isComplete, JSON.stringify(counted));
  });

  test('of one backup are all there, of whatever engine', async () => {
    using page = new Conversation(engine, target({ from: null, to: first.id }));
    assert.equal((await page.open()).mode, 'rows');
    const last = await page.rows({}, 299, 100);
    assert.deepEqual([last.found, last.rows.map(({ after }) => after?.[0])], [300, ['300']]);
  });

  test('are copied whole', async () => {
    using page = new Conversation(engine, target());
    await page.open();
    const filter = { changes: ['added', 'deleted'] } as const;
    const copy = { type: 'copy', filter, ranges: [{ start: 0, end: 2 }] } as const;
    await page.say({ ...copy, format: 'sql' });
    assert.equal(
      await vscode.env.clipboard.readText(),
      `DELETE FROM "contact" WHERE "id" = 300;\nINSERT INTO "contact" ("id", "name", "photo") VALUES (301, '', x'00ff');\n`,
    );
    await page.say({ type: 'copyCell', filter, number: 1, column: 2 });
    assert.equal(await vscode.env.clipboard.readText(), '\\x00ff');
    await page.say({ ...copy, format: 'json' });
    const rows = JSON.parse(await vscode.env.clipboard.readText()) as { change: string }[];
    assert.deepEqual(
      rows.map(({ change }) => change),
      ['deleted', 'added'],
    );
  });

  test('are restored after a question that shows what will be done, and taken back', async () => {
    using page = new Conversation(engine, target());
    await page.open();
    let asked = '';
    noteMessages();
    pick('');
    answer('showWarningMessage', (question: string, { detail }: vscode.MessageOptions) => {
      asked = `${question}\n${detail ?? ''}`;
    });
    const restore = {
      type: 'restore',
      filter: { contains: 'contact 7' },
      ranges: [{ start: 0, end: 2 }],
    } as const;
    // Declined: nothing happens.
    await page.say(restore);
    assert.match(asked, /^Restore 2 rows of contact\?\nInserted: 0\. Updated: 2\./);
    assert.match(asked, /UPDATE "contact" SET "name" = 'Contact 70' WHERE "id" = 70/);
    assert.deepEqual(values('SELECT name FROM contact WHERE id = 7'), ['Changed 7']);

    noteMessages();
    pick('');
    answer('showWarningMessage', (_: string, _options: unknown, yes: string) => yes);
    let undo: ((action: string) => void) | undefined;
    answer('showInformationMessage', async (text: string) =>
      text.endsWith('restored.') ? new Promise((resolve) => (undo = resolve)) : undefined,
    );
    await page.say(restore);
    assert.deepEqual(values('SELECT name FROM contact WHERE id IN (7, 70, 71)'), [
      'Contact 7',
      'Contact 70',
      'Changed 71',
    ]);
    (await until(() => undo))('Undo');
    await until(() => told.find(({ text }) => text === 'The rows of contact are as they were.'));
    assert.deepEqual(values('SELECT name FROM contact WHERE id IN (7, 70)'), ['Changed 7', 'Changed 70']);
  });

  test('are restored with what refers to them when that was told, and all of it comes back', async () => {
    execute(`CREATE TABLE visit (id INTEGER PRIMARY KEY, contact REFERENCES contact (id) ON DELETE CASCADE);
      INSERT INTO visit VALUES (1, 301), (2, 301), (3, 1)`);
    using page = new Conversation(engine, target());
    await page.open();
    let asked = '';
    noteMessages();
    pick('');
    answer('showWarningMessage', (_: string, { detail }: vscode.MessageOptions, yes: string) => {
      asked = detail ?? '';
      return yes;
    });
    let undo: ((action: string) => void) | undefined;
    answer('showInformationMessage', async (text: string) =>
      text.endsWith('restored.') ? new Promise((resolve) => (undo = resolve)) : undefined,
    );
    await page.say({ type: 'restore', filter: { changes: ['added'] }, ranges: [{ start: 0, end: 1 }] });
    assert.match(asked, /^Rows of visit that refer to them will be deleted with them: 2\.$/m);
    assert.deepEqual(values('SELECT id FROM visit'), [3]);
    (await until(() => undo))('Undo');
    await until(() => told.find(({ text }) => text === 'The rows of contact are as they were.'));
    assert.deepEqual(values('SELECT id FROM visit'), [1, 2, 3]);
  });

  test('are neither copied nor restored by numbers that others have by now', async () => {
    using page = new Conversation(engine, target({ to: null }));
    await page.open();
    const filter = {};
    const { comparison } = await page.rows(filter);
    const shown = { filter, comparison, ranges: [{ start: 0, end: 1 }] };
    try {
      execute("INSERT INTO contact VALUES (0, 'before all', NULL)");
      await engine.call('tables', { workspace, set, from: first.id, to: null });
      await vscode.env.clipboard.writeText('as it was');
      for (const message of [
        { type: 'copy', format: 'sql', ...shown },
        { type: 'restore', ...shown },
      ] as const) {
        noteMessages();
        await page.say(message);
        assert.match(told[0]?.text ?? '', /^The rows have changed since they were shown/);
        assert.equal(page.heard.pop()?.type, 'stale');
      }
      assert.equal(await vscode.env.clipboard.readText(), 'as it was');
      await page.say({ type: 'rows', query: 99, start: 0, limit: 1, filter, comparison });
      assert.equal(page.heard.at(-1)?.type, 'stale');
    } finally {
      execute('DELETE FROM contact WHERE id = 0');
    }
  });

  test('come with their columns where those are others by now', async () => {
    using page = new Conversation(engine, target({ to: null, table: 'tables/main.keyless' }));
    await page.open();
    await page.rows({});
    try {
      execute('ALTER TABLE keyless ADD COLUMN more TEXT');
      await engine.call('tables', { workspace, set, from: first.id, to: null });
      // As a page asks that begins anew.
      await page.say({ type: 'rows', query: 99, start: 0, limit: 100, filter: {} });
      const opened = page.heard.at(-1);
      assert.ok(opened?.type === 'opened', JSON.stringify(opened));
      assert.deepEqual(
        opened.columns.map(({ name }) => name),
        ['word', 'more'],
      );
      assert.ok(opened.structure.some(({ kind, text }) => kind === 'added' && text.includes('more')));
      await page.rows({});
    } finally {
      execute('ALTER TABLE keyless DROP COLUMN more');
    }
  });

  test('are not restored when they have changed during the question', async () => {
    using page = new Conversation(engine, target({ to: null }));
    await page.open();
    await engine.call('tables', { workspace, set, from: first.id, to: null });
    noteMessages();
    answer('showWarningMessage', (_: string, _options: unknown, yes: string) => {
      execute("UPDATE contact SET photo = x'01' WHERE id = 1");
      return yes;
    });
    try {
      await page.say({ type: 'restore', filter: {}, ranges: [{ start: 0, end: 1 }] });
      assert.match(told.at(-1)?.text ?? '', /^Rows have changed since the statements were shown/);
      assert.equal(page.heard.at(-1)?.type, 'stale');
      assert.deepEqual(values('SELECT name, hex(photo) FROM contact WHERE id = 1'), ['Changed 1', '01']);
    } finally {
      execute('UPDATE contact SET photo = NULL WHERE id = 1');
    }
  });

  test('that nothing can find again are not offered to be restored', async () => {
    using page = new Conversation(engine, target({ table: 'tables/main.keyless' }));
    assert.match((await page.open()).restoreRefusal ?? '', /Without a key/);
    noteMessages();
    await page.say({ type: 'copy', filter: {}, ranges: [{ start: 0, end: 1 }], format: 'sql' });
    assert.match(told[0]?.text ?? '', /^1 deleted row is left out/);
  });

  test('that are not there are told on the page', async () => {
    using page = new Conversation(engine, target({ table: 'tables/main.nothing' }));
    await page.say({ type: 'ready' });
    const failed = page.heard.at(-1);
    assert.ok(failed?.type === 'failed' && failed.retry === 'Try Again');
  });

  test('of a live database are not read in Restricted Mode, and those of backups not restored', async () => {
    const trust = Object.getOwnPropertyDescriptor(vscode.workspace, 'isTrusted');
    Object.defineProperty(vscode.workspace, 'isTrusted', { value: false, configurable: true });
    try {
      using live = new Conversation(engine, target({ to: null }));
      await live.say({ type: 'ready' });
      const failed = live.heard.at(-1);
      assert.ok(failed?.type === 'failed' && failed.message.startsWith('In Restricted Mode'));
      using stored = new Conversation(engine, target());
      assert.match((await stored.open()).restoreRefusal ?? '', /^In Restricted Mode/);
      noteMessages();
      await stored.say({ type: 'restore', filter: {}, ranges: [{ start: 0, end: 1 }] });
      assert.match(told[0]?.text ?? '', /^In Restricted Mode/);
    } finally {
      if (trust !== undefined) Object.defineProperty(vscode.workspace, 'isTrusted', trust);
    }
  });
});
