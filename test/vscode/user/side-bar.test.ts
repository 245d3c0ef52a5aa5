import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { root } from '../../../scripts/bootstrap.mjs';
import { makeWorkspace } from '../workspace.ts';
import { openWorkbench } from './workbench.ts';

const cli = path.join(root, 'dist', 'cli.js');

type Environment = Readonly<Record<string, string>>;

function crmBackup(workspace: string, environment: Environment, ...args: string[]): void {
  const env = { ...process.env, ...environment };
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: workspace, env });
  if (status !== 0)
    throw new Error(`crm-backup ${args.join(' ')} exited with ${status}: ${stderr.toString()}`);
}

/** Three backups of files and a database, and changes since. */
async function prepare(home: string, environment: Environment): Promise<string> {
  const workspace = await makeWorkspace(home);
  const database = (sql: string): void => {
    using opened = new DatabaseSync(path.join(workspace, 'crm.db'));
    opened.exec(sql);
  };
  const config = path.join(workspace, 'data/config.php');
  database("CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO contact VALUES (1, 'Åsa')");
  const databases = [{ name: 'crm', url: 'sqlite:crm.db' }];
  const set = { version: 1, sets: [{ name: 'espocrm', files: [{ root: '.' }], databases }] };
  crmBackup(workspace, environment, 'init', '--yes', '--name', 'espocrm');
  writeFileSync(path.join(workspace, '.vscode/crm-backup.json'), JSON.stringify(set));
  crmBackup(workspace, environment, 'backup', '--label', 'First import');
  crmBackup(workspace, environment, 'verify', '--level', 'data');
  appendFileSync(config, '// two\n');
  crmBackup(workspace, environment, 'backup', '--label', 'Mail set up', '--pin');
  appendFileSync(config, '// three\n');
  database("UPDATE contact SET name = 'Bo'");
  crmBackup(workspace, environment, 'backup', '--kind', 'differential');
  appendFileSync(config, '// not backed up\n');
  writeFileSync(path.join(workspace, 'data/new.txt'), 'new\n');
  database("INSERT INTO contact VALUES (2, 'Cy')");
  return workspace;
}

const rows = (page: Page) => page.locator('.sidebar .monaco-list-row');
const focused = async (page: Page): Promise<string> =>
  (await page.locator('.sidebar .monaco-list-row.focused').getAttribute('aria-label')) ?? '';

test('what changed since the newest backup is walked through by keyboard, each line with a name to be read out', async () => {
  await using workbench = await openWorkbench('side-bar', { prepare });
  const { page } = workbench;
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  await rows(page).filter({ hasText: 'Working changes since' }).filter({ hasText: '2 files' }).waitFor();
  await page.locator('.sidebar .monaco-list').first().focus();
  await page.keyboard.press('Home');
  expect(await focused(page)).toMatch(/^espocrm, crm, last backup \d\d:\d\d, /);
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toMatch(/^Working changes since \d\d:\d\d, 2 files$/);
  await page.keyboard.press('ArrowRight');
  await rows(page).filter({ hasText: 'compared when opened' }).waitFor();
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toBe('config.php, modified, data');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await rows(page).filter({ hasText: 'crm.contact' }).filter({ hasText: '+1' }).waitFor();
  await workbench.screenshot('side-bar-1-working');
});

test('two folders have their own sets, and a backup opens as a third', async () => {
  await using workbench = await openWorkbench('folders', {
    async prepare(home, environment) {
      const first = await prepare(home, environment);
      const second = path.join(home, 'shop');
      mkdirSync(second);
      writeFileSync(path.join(second, 'orders.csv'), 'id\n1\n');
      crmBackup(second, environment, 'init', '--yes', '--name', 'shop');
      crmBackup(second, environment, 'backup');
      const folders = [first, second].map((folder) => ({ path: folder }));
      writeFileSync(path.join(home, 'both.code-workspace'), JSON.stringify({ folders }));
      return first;
    },
  });
  const { page, workspace } = workbench;
  const url = new URL(page.url());
  url.searchParams.delete('folder');
  url.searchParams.set('workspace', path.join(path.dirname(workspace), 'both.code-workspace'));
  await page.goto(url.href);
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  await rows(page).filter({ hasText: 'espocrm' }).filter({ hasText: 'workspace · crm' }).waitFor();
  await rows(page).filter({ hasText: /^shop/ }).first().waitFor();
  await workbench.screenshot('folders-1-sets');
  await rows(page).filter({ hasText: 'First import' }).click({ button: 'right' });
  await page.locator('.monaco-menu').getByText('Open Backup as Folder').click();
  const explorer = page.locator('.explorer-folders-view .monaco-list-row');
  await explorer.filter({ hasText: /^espocrm .*First import/ }).click();
  await page.keyboard.press('ArrowRight');
  await explorer.filter({ hasText: 'databases' }).waitFor();
  await explorer.filter({ hasText: /^files/ }).click();
  await workbench.screenshot('folders-2-opened');
});
