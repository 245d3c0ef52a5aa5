import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { suite, suiteSetup, suiteTeardown, teardown, test } from 'mocha';
import { Client } from 'pg';
import { parseAddress } from '../../../src/core/database/mysql/address.ts';
import { openSession } from '../../../src/core/database/mysql/session.ts';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import { answer, askAgain, noteMessages, pick, told, until } from './answers.ts';
import { Conversation } from './conversation.ts';
import { mariaDbVariable, postgresVariable } from './servers.ts';
import { at, run, set, suiteEngine, workspace } from './workspace.ts';

const setFile = '.vscode/crm-backup.json';

interface Server {
  readonly name: string;
  /** Names the variable with the URL of an empty database; it is not set where there is no such server. */
  readonly variable: string;
  readonly table: string;
  /** Where a backup has its views. */
  readonly views: string;
  /** Runs statements; the values of the last one’s rows. */
  readonly execute: (url: string, ...statements: readonly string[]) => Promise<unknown[]>;
}

const servers: readonly Server[] = [
  {
    name: 'PostgreSQL',
    variable: postgresVariable,
    table: 'tables/public.contact',
    views: 'schema/pre-data.sql',
    async execute(url, ...statements) {
      const client = new Client({ connectionString: url });
      await client.connect();
      try {
        let rows: unknown[][] = [];
        for (const text of statements)
          rows = (await client.query<unknown[]>({ text, rowMode: 'array' })).rows;
        return rows.flat();
      } finally {
        await client.end();
      }
    },
  },
  {
    name: 'MariaDB',
    variable: mariaDbVariable,
    table: 'tables/crm.contact',
    views: 'schema/views/named.sql',
    async execute(url, ...statements) {
      const { wire } = await openSession(parseAddress({ name: 'test', url, workspace }), 'crm', {});
      try {
        let rows: readonly (readonly unknown[])[] = [];
        for (const statement of statements) rows = await wire.query(statement);
        return rows.flat();
      } finally {
        await wire.close();
      }
    },
  },
];

for (const { name, variable, table, views, execute } of servers) {
  const url = process.env[variable];
  (url === undefined ? suite.skip : suite)(`Rows of ${name}`, () => {
    const engine = suiteEngine();
    let original: string;
    let first: BackupSummary;
    let second: BackupSummary;
    const on = async (...statements: string[]): Promise<unknown[]> => execute(url ?? '', ...statements);

    suiteSetup(async () => {
      await on(
        'CREATE TABLE contact (id INTEGER PRIMARY KEY, name VARCHAR(80), credit DECIMAL(20,4))',
        "INSERT INTO contact VALUES (1, 'Ann', 1234567890123456.7800), (2, 'It''s \u00e9', NULL), (3, 'Cy', 0)",
      );
      original = await readFile(at(setFile), 'utf8');
      const databases = [{ name: 'crm', url }];
      const definition = { version: 1, sets: [{ name: set, files: [{ root: '.' }], databases }] };
      await writeFile(at(setFile), JSON.stringify(definition));
      first = await run<BackupSummary>('backUpFull');
      await on(
        "UPDATE contact SET name = 'Lost', credit = 1 WHERE id < 3",
        'DELETE FROM contact WHERE id = 3',
        "INSERT INTO contact VALUES (4, 'New', 4)",
      );
      second = await run<BackupSummary>('backUpDifferential');
    });
    suiteTeardown(async () => {
      await writeFile(at(setFile), original);
    });
    teardown(askAgain);

    test('are shown, chosen ones restored exactly, and that is taken back', async () => {
      const target = { workspace, set, from: first.id, to: second.id, database: 'crm', table };
      using page = new Conversation(engine, target);
      const opened = await page.open();
      assert.deepEqual(
        opened.columns.map((column) => [column.name, column.isKey]),
        [
          ['id', true],
          ['name', false],
          ['credit', false],
        ],
      );
      const all = await page.rows({});
      assert.deepEqual(all.counts, { added: 1, changed: 2, deleted: 1 });
      assert.deepEqual(all.rows[0], {
        change: 'changed',
        key: [],
        before: ['1', 'Ann', '1234567890123456.7800'],
        after: ['1', 'Lost', '1.0000'],
      });

      noteMessages();
      pick('');
      let asked = '';
      answer('showWarningMessage', (_: string, { detail }: { detail?: string }, yes: string) => {
        asked = detail ?? '';
        return yes;
      });
      let undo: ((action: string) => void) | undefined;
      answer('showInformationMessage', async (text: string) =>
        text.endsWith('restored.') ? new Promise((resolve) => (undo = resolve)) : undefined,
      );
      const filter = { changes: ['changed', 'deleted'] } as const;
      await page.say({ type: 'restore', filter, ranges: [{ start: 1, end: 3 }] });
      assert.match(asked, /^Inserted: 1\. Updated: 1\./);
      const names = 'SELECT name FROM contact ORDER BY id';
      assert.deepEqual(await on(names), ['Lost', "It's \u00e9", 'Cy', 'New']);
      assert.deepEqual(await on('SELECT COUNT(*) FROM contact WHERE credit IS NULL').then(String), '1');
      (await until(() => undo))('Undo');
      await until(() => told.find(({ text }) => text === 'The rows of contact are as they were.'));
      assert.deepEqual(await on(names), ['Lost', 'Lost', 'New']);
    });

    test('stand beside views that differ, whose text as it is now can be read', async () => {
      const backup = second.id;
      const path = `databases/crm/${views}`;
      const versions = { workspace, set, from: backup, to: null };
      await on('CREATE VIEW named AS SELECT name FROM contact');
      try {
        const { objects, problems } = await engine.call('tables', versions);
        assert.deepEqual(problems, []);
        assert.deepEqual(
          objects.map((each) => each.path),
          [path],
        );
        const { live } = await engine.call('liveObject', { workspace, set, backup, path });
        const text = new TextDecoder().decode(live);
        assert.match(text, /VIEW [^]*named/);
        const { password } = new URL(url ?? '');
        assert.ok(password === '' || !text.includes(password));
      } finally {
        await on('DROP VIEW named');
      }
      assert.deepEqual((await engine.call('tables', versions)).objects, []);
    });
  });
}
