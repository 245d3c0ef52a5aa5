import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

  test('tells what is lost, and has it again as soon as it is back', async () => {
    const packs = (): string[] =>
      readdirSync(cli.home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.pack'));
    const before = packs();
    writeFileSync(join(cli.workspace, 'data/8.php'), '<?php // another\n');
    await cli.must(['backup']);
    const lost = packs().filter((name) => !before.includes(name));
    for (const name of lost) renameSync(join(cli.home, name), join(cli.home, `${name}.away`));
    for (const args of [
      ['find', '--text', 'another'],
      ['log', '--follow', 'data/8.php'],
      ['log', '--lines', 'data/8.php'],
    ]) {
      const { code, stderr } = await cli.run(args);
      expect([code, stderr], args.join(' ')).toEqual([
        3,
        expect.stringMatching(/^warning: 1 backup could not be/),
      ]);
    }
    for (const name of lost) renameSync(join(cli.home, `${name}.away`), join(cli.home, name));
    const { code, text } = await cli.run(['find', '--text', 'another']);
    expect([code, text]).toEqual([0, expect.stringMatching(/modified +files\/workspace\/data\/8\.php/)]);
    await cli.must(['forget', 'latest']);
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
