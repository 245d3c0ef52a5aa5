import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { makeWorkspace } from '../workspace.ts';
import { commandLine } from './command-line.ts';
import { rowsPage } from './rows-page.ts';
import { openWorkbench } from './workbench.ts';

const MILLION = 1_000_000;

function run(workspace: string, sql: string): void {
  using database = new DatabaseSync(path.join(workspace, 'crm.db'));
  database.exec(sql);
}

function valuesOf(workspace: string, sql: string): unknown[] {
  using database = new DatabaseSync(path.join(workspace, 'crm.db'), { readOnly: true });
  return database
    .prepare(sql)
    .all()
    .map((row) => Object.values(row));
}

/** Makes backups of a workspace with a SQLite database. */
async function prepareWith(
  home: string,
  environment: Readonly<Record<string, string>>,
  steps: readonly (readonly [label: string, sql: string])[],
): Promise<string> {
  const workspace = await makeWorkspace(home);
  const crmBackup = commandLine(workspace, environment);
  crmBackup(['init', '--yes', '--name', 'crm']);
  const file = path.join(workspace, '.vscode/crm-backup.json');
  const databases = [{ name: 'crm', url: 'sqlite:crm.db' }];
  writeFileSync(
    file,
    JSON.stringify({ version: 1, sets: [{ name: 'crm', files: [{ root: '.' }], databases }] }, null, 2),
  );
  for (const [label, sql] of steps) {
    run(workspace, sql);
    crmBackup(['backup', '--label', label]);
  }
  return workspace;
}

const CONTACTS = `CREATE TABLE contact (id INTEGER PRIMARY KEY, name VARCHAR(100), email TEXT, city TEXT, revenue DECIMAL(12,2), photo BLOB, note TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
  INSERT INTO contact SELECT i, 'Contact ' || i, 'contact' || i || '@example.org',
    CASE i % 4 WHEN 0 THEN 'Berlin' WHEN 1 THEN 'Köln' WHEN 2 THEN '上海' ELSE NULL END, i * 12.5,
    CASE WHEN i % 9 = 0 THEN randomblob(2000 + i) END,
    CASE i % 6 WHEN 0 THEN '' WHEN 1 THEN 'Called on Monday.' || char(10) || 'Calls back.' ELSE NULL END FROM n;`;

const UPGRADE = `ALTER TABLE contact ADD COLUMN consent TEXT;
  UPDATE contact SET consent = 'given 2026-11-01' WHERE id % 40 = 3;
  UPDATE contact SET city = 'Frankfurt am Main', note = NULL WHERE id % 50 = 6;
  UPDATE contact SET email = replace(email, 'example.org', 'example.net') WHERE id BETWEEN 20 AND 24;
  UPDATE contact SET photo = randomblob(3000) WHERE id = 27;
  DELETE FROM contact WHERE id IN (12, 77, 78, 79);
  INSERT INTO contact VALUES (501, 'Åsa Öberg', 'asa@example.se', 'Malmö', 99, NULL, '', 'given 2026-11-20'),
    (502, 'O''Neill "Bo"', NULL, '', NULL, x'00ff', 'two' || char(9) || 'columns', NULL);`;

async function openByKeyboard(page: Page, ...lines: readonly (string | RegExp)[]): Promise<void> {
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  const tree = page.locator('.sidebar .monaco-list').first();
  await tree.locator('.monaco-list-row').first().waitFor();
  await page.keyboard.press('F1');
  await page.locator('.quick-input-widget input[type=text]').fill('>Focus on Backups View');
  await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Home');
  for (const line of lines) {
    const wanted = tree.locator('.monaco-list-row').filter({ hasText: line }).first();
    await wanted.waitFor();
    const isThere = async (): Promise<boolean> =>
      /\bfocused\b/.test((await wanted.getAttribute('class')) ?? '');
    for (let step = 0; !(await isThere()); step++) {
      if (step > 60) throw new Error(`${String(line)} cannot be reached`);
      await page.keyboard.press('ArrowDown');
      await page.waitForTimeout(50);
    }
    if ((await wanted.getAttribute('aria-expanded')) === 'false') await page.keyboard.press('ArrowRight');
  }
  await page.keyboard.press('Enter');
}

test('a user looks at changed rows, filters, copies and restores some, by keyboard alone', async () => {
  await using workbench = await openWorkbench('rows', {
    prepare: async (home, environment) =>
      prepareWith(home, environment, [
        ['First import', CONTACTS],
        ['After the upgrade', UPGRADE],
      ]),
  });
  const { page, workspace } = workbench;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await openByKeyboard(page, 'After the upgrade', /^Changes since/, /contact.*\+2 ~24 −4/);
  const rows = await rowsPage(page);
  await rows.status.getByText('30 rows').waitFor();
  await workbench.screenshot('rows-1-changes');

  // What changed is marked, and said.
  const cell = rows.frame.getByRole('gridcell', {
    name: 'was contact20@example.org, is contact20@example.net',
  });
  await cell.waitFor();
  expect(
    await rows.frame.getByRole('row').filter({ hasText: 'Contact 77' }).getAttribute('aria-rowindex'),
  ).not.toBeNull();
  await rows.frame.getByText('consent TEXT').first().waitFor();

  // A value that is not shown whole is copied whole.
  for (let step = 0; step < 8; step++) await page.keyboard.press('ArrowDown');
  for (let step = 0; step < 6; step++) await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Control+c');
  const [photo] = valuesOf(workspace, 'SELECT hex(photo) FROM contact WHERE id = 27').flat();
  await expect
    .poll(async () => page.evaluate<string>('navigator.clipboard.readText()'))
    .toBe(`\\x${String(photo).toLowerCase()}`);

  // The filter, and back to the rows.
  await page.keyboard.press('Control+f');
  await page.keyboard.type('EXAMPLE.NET');
  await page.keyboard.press('Enter');
  await rows.status.getByText('5 rows').waitFor();
  await workbench.screenshot('rows-2-filter');
  await page.keyboard.press('Control+a');
  await rows.status.getByText('5 selected').waitFor();
  await page.keyboard.press('Control+c');
  await page.locator('.statusbar').getByText('5 rows copied as SQL.').waitFor();
  const sql = await page.evaluate<string>('navigator.clipboard.readText()');
  expect(
    sql.match(/^UPDATE "contact" SET "email" = 'contact2\d@example\.net' WHERE "id" = 2\d;$/gm),
  ).toHaveLength(5);

  // Two of them are put back.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await rows.status.getByText('2 selected').waitFor();
  await workbench.screenshot('rows-3-selected');
  for (let step = 0; step < 8; step++) {
    await page.keyboard.press('Shift+Tab');
    const focused = rows.frame.locator('button:focus');
    if ((await focused.count()) > 0 && (await focused.innerText()) === 'Restore Rows…') break;
  }
  await page.keyboard.press('Enter');
  await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'the older version' }).waitFor();
  await page.keyboard.press('Enter');
  const dialog = page.locator('.monaco-dialog-box');
  await dialog.getByText('Restore 2 rows of contact?').waitFor();
  await workbench.screenshot('rows-4-confirm');
  await dialog.getByText(`UPDATE "contact" SET "email" = 'contact21@example.org' WHERE "id" = 21`).waitFor();
  // It listens to keys a moment after it is seen.
  await dialog.locator(':focus', { hasText: 'Restore' }).waitFor();
  await page.keyboard.press('Enter');
  const done = page.locator('.notification-list-item').filter({ hasText: '2 rows of contact restored.' });
  await done.waitFor();
  const emails = (): unknown[] =>
    valuesOf(workspace, 'SELECT email FROM contact WHERE id BETWEEN 20 AND 23').flat();
  expect(emails()).toEqual([
    'contact20@example.net',
    'contact21@example.org',
    'contact22@example.org',
    'contact23@example.net',
  ]);
  await done.getByRole('button', { name: 'Undo' }).click();
  const ofOrg = (): unknown[] => emails().filter((email) => String(email).endsWith('.org'));
  await expect.poll(ofOrg, { timeout: 30_000 }).toEqual([]);

  // After a reload of the window all is as it was.
  await Promise.all([page.waitForEvent('load'), workbench.command('Developer: Reload Window')]);
  const again = await rowsPage(page);
  await again.status.getByText(/^5 rows/).waitFor();
  expect(await again.filter.inputValue()).toBe('EXAMPLE.NET');
});

test('rows of a live table stand under its columns, also once those are others', async () => {
  await using workbench = await openWorkbench('rows-columns', {
    prepare: async (home, environment) => {
      const first =
        "CREATE TABLE deal (id INTEGER PRIMARY KEY, city TEXT, stage TEXT); INSERT INTO deal VALUES (1, 'Rome', 'open')";
      const workspace = await prepareWith(home, environment, [['First import', first]]);
      run(workspace, "UPDATE deal SET stage = 'won'");
      return workspace;
    },
  });
  const { page, workspace } = workbench;
  await openByKeyboard(page, 'Working changes', /^Databases/, /deal/);
  const rows = await rowsPage(page);
  await rows.frame.getByRole('gridcell', { name: 'was open, is won' }).waitFor();
  run(
    workspace,
    "ALTER TABLE deal DROP COLUMN city; ALTER TABLE deal ADD COLUMN note TEXT; UPDATE deal SET note = 'hot'",
  );
  await workbench.command('CRM Backup: Refresh');
  await rows.frame.getByRole('columnheader', { name: 'note' }).waitFor();
  await rows.frame.locator('.grid[aria-busy=false] .cell').first().waitFor();
  const places = async (part: string): Promise<string[]> => {
    const cells = await rows.frame.locator(`${part} .cell`).all();
    const place = async (cell: Locator): Promise<string> =>
      `${await cell.getAttribute('aria-colindex')} ${await cell.innerText()}`;
    return Promise.all(cells.map(place));
  };
  const named = await places('.head');
  const of = (name: string): string => named.find((text) => text.includes(name))?.split(' ')[0] ?? '';
  expect(await places('.canvas')).toEqual(
    expect.arrayContaining([`${of('stage')} open→won`, `${of('note')} hot`, `${of('city')} Rome`]),
  );
  // What listens to keys is the page that is seen, and no other.
  await page.keyboard.press('Control+f');
  await page.keyboard.type('nothing');
  await rows.status.getByText('0 rows').waitFor();
});

test('rows are readable in every kind of theme', async () => {
  await using workbench = await openWorkbench('rows-themes', {
    prepare: async (home, environment) =>
      prepareWith(home, environment, [
        ['First import', CONTACTS],
        ['After the upgrade', UPGRADE],
      ]),
  });
  const { page } = workbench;
  await openByKeyboard(page, 'After the upgrade', /^Changes since/, /contact.*\+2 ~24 −4/);
  const rows = await rowsPage(page);
  await rows.status.getByText('30 rows').waitFor();
  for (const key of [
    'ArrowDown',
    'Space',
    'ArrowDown',
    'ArrowRight',
    'ArrowRight',
    'ArrowRight',
    'ArrowRight',
    'Enter',
  ])
    await page.keyboard.press(key);
  // The whole value of the cell stands below.
  await rows.frame.getByRole('region', { name: 'Value' }).waitFor();
  const themes = {
    'Light Modern': 'vscode-light',
    'Dark Modern': 'vscode-dark',
    'Dark High Contrast': 'vscode-high-contrast',
    'Light High Contrast': 'vscode-high-contrast-light',
  };
  for (const [theme, kind] of Object.entries(themes)) {
    await workbench.theme(theme);
    await rows.frame.locator(`body[data-vscode-theme-kind=${kind}]`).waitFor();
    await workbench.screenshot(`rows-theme-${theme.toLowerCase().replaceAll(' ', '-')}`);
  }
});

test('a million rows open with few messages and few elements, and the last is one key away', async () => {
  const received: number[] = [];
  await using workbench = await openWorkbench('rows-million', {
    prepare: async (home, environment) =>
      prepareWith(home, environment, [
        [
          'All of it',
          `CREATE TABLE log (id INTEGER PRIMARY KEY, at TEXT, what TEXT);
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MILLION})
          INSERT INTO log SELECT i, datetime(1700000000 + i, 'unixepoch'), 'event ' || (i * 7919 % 10007) FROM n`,
        ],
      ]),
  });
  const { page } = workbench;
  await page.exposeFunction('rowsMessage', (count: number) => void received.push(count));
  await page.addInitScript({
    // The page is written into its frame, which takes listeners away, but not this.
    content: `const post = globalThis.postMessage;
    globalThis.postMessage = (data, ...rest) => {
      if (data?.type === 'rows' || data?.type === 'counts') globalThis.rowsMessage?.(data.rows?.length ?? 0);
      post.call(globalThis, data, ...rest);
    };`,
  });
  await openByKeyboard(page, 'All of it', /^Databases/, /^crm$/, 'tables', /log/);
  const rows = await rowsPage(page);
  await rows.status.getByText('1,000,000 rows').waitFor();
  const elements = async (): Promise<number> => rows.frame.locator('*').count();
  expect(await elements()).toBeLessThan(1500);
  const atFirst = received.length;
  expect(atFirst).toBeGreaterThan(0);
  expect(atFirst).toBeLessThan(8);

  await page.keyboard.press('Control+End');
  await rows.frame.getByRole('gridcell', { name: '1000000', exact: true }).waitFor();
  expect(await rows.active.innerText()).toContain('1,000,000');
  expect(await rows.rows.last().getAttribute('aria-rowindex')).not.toBeNull();
  await page.keyboard.press('PageUp');
  await page.keyboard.press('Control+Home');
  await rows.frame.getByRole('gridcell', { name: 'event 7919', exact: true }).waitFor();
  expect(await elements()).toBeLessThan(1500);
  await workbench.screenshot('rows-5-million');

  await page.keyboard.press('Control+f');
  await page.keyboard.type('event 4711');
  await page.keyboard.press('Enter');
  await rows.status.getByText(/^\d+ rows$/).waitFor();
  await workbench.screenshot('rows-6-million-filtered');
  expect(await rows.grid.getAttribute('aria-rowcount')).toBe('101');
  expect(await elements()).toBeLessThan(1500);
  expect(received.length - atFirst).toBeLessThan(120);
  expect(Math.max(...received)).toBeLessThanOrEqual(100);
});
