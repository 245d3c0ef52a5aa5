import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCli, type Cli } from '../../build/cli.ts';

describe('the history of a set', () => {
  let cli: Cli;

  beforeAll(async () => {
    cli = await buildCli();
    mkdirSync(join(cli.workspace, 'data'));
    for (let file = 0; file < 300; file++) {
      writeFileSync(
        join(cli.workspace, `data/${file}.php`),
        `${'<?php // padding\n'.repeat(200)}// ${file}\n`,
      );
    }
    const database = new DatabaseSync(join(cli.workspace, 'crm.db'));
    database.exec('CREATE TABLE lead (id INTEGER PRIMARY KEY, name TEXT)');
    await cli.must(['init', '--yes']);
    const setFile = join(cli.workspace, '.vscode/crm-backup.json');
    const text = readFileSync(setFile, 'utf8');
    const databases = '"databases": [{ "name": "crm", "url": "sqlite:crm.db" }],\n      "files"';
    writeFileSync(setFile, text.replace(/("databases": \[[^\]]*\],\s*)?"files"/, databases));
    await cli.must(['backup', '--label', 'before']);
    database.exec("INSERT INTO lead (name) VALUES ('Ada')");
    await cli.must(['backup', '--label', 'rows']);
    database.exec('ALTER TABLE lead ADD COLUMN phone TEXT');
    database.close();
    writeFileSync(join(cli.workspace, 'data/7.php'), '<?php // needle\n');
    await cli.must(['backup', '--label', 'after']);
  });
  afterAll(async () => cli[Symbol.asyncDispose]());

  const history = (): string => join(cli.cache, 'history');

  test('may be asked by several processes at once, from nothing on', async () => {
    const asked = Array.from({ length: 4 }, async () => cli.run(['find', '--text', 'needle']));
    for (const { code, text, stderr } of await Promise.all(asked)) {
      expect([code, stderr]).toEqual([0, '']);
      expect(text).toMatch(/modified +files\/workspace\/data\/7\.php/);
    }
    expect(readdirSync(history())).toHaveLength(1);
  });

  test('answers after a process was killed at it, at whatever moment', async () => {
    for (const afterMs of [150, 250, 350, 500]) {
      rmSync(history(), { recursive: true, force: true });
      const killed = await cli.run(['find', '--text', 'needle'], {
        started: (process) => void delay(afterMs).then(() => process.kill('SIGKILL')),
      });
      expect([null, 0]).toContain(killed.code);
      const { code, text } = await cli.run(['find', '--text', 'needle']);
      expect(code).toBe(0);
      expect(text).toMatch(/modified +files\/workspace\/data\/7\.php/);
    }
  });

  test('tells of a database what people want to know', async () => {
    const { value } = await cli.json(['diff', 'latest']);
    const paths = value.entries.map(({ path }) => path);
    expect(paths).toContain('files/workspace/data/7.php');
    expect(paths.some((path) => path.startsWith('databases/crm/'))).toBe(true);
    expect(paths.filter((path) => path.endsWith('row-chunks'))).toEqual([]);
  });

  test('lists the versions of a table whose rows stand elsewhere', async () => {
    const { value } = await cli.json(['log', 'databases/crm/tables/main.lead']);
    expect(value).toMatchObject({
      versions: [
        // A column more is in every row.
        { change: 'modified', label: 'after' },
        { change: 'modified', label: 'rows' },
        { change: 'added', label: 'before' },
      ],
    });
  });

  test('has the schemas of databases as text', async () => {
    const { value } = await cli.json(['find', '--text', 'phone TEXT']);
    expect(value.matches).toMatchObject([
      {
        path: expect.stringMatching(/^databases\/crm\/schema/) as string,
        change: 'modified',
        label: 'after',
      },
    ]);
  });

  test('loses what a backup alone had when that is forgotten and pruned, and is made anew when it is deleted', async () => {
    const found = async (): Promise<number> =>
      (await cli.json(['find', '--text', 'needle'])).value.matches.length;
    expect(await found()).toBe(1);
    await cli.must(['forget', 'latest'], ['prune']);
    expect(await found()).toBe(0);
    rmSync(history(), { recursive: true, force: true });
    expect(await found()).toBe(0);
  });
});
