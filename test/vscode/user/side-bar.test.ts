import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { makeWorkspace } from '../workspace.ts';
import { commandLine } from './command-line.ts';
import { openWorkbench } from './workbench.ts';

type Environment = Readonly<Record<string, string>>;

/** Three backups of files and a database, and changes since. */
async function prepare(home: string, environment: Environment): Promise<string> {
  const workspace = await makeWorkspace(home);
  const crmBackup = commandLine(workspace, environment);
  const database = (sql: string): void => {
    using opened = new DatabaseSync(path.join(workspace, 'crm.db'));
    opened.exec(sql);
  };
  const config = path.join(workspace, 'data/config.php');
  database("CREATE TABLE contact (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO contact VALUES (1, 'Åsa')");
  const databases = [{ name: 'crm', url: 'sqlite:crm.db' }];
  const set = { version: 1, sets: [{ name: 'espocrm', files: [{ root: '.' }], databases }] };
  crmBackup(['init', '--yes', '--name', 'espocrm']);
  writeFileSync(path.join(workspace, '.vscode/crm-backup.json'), JSON.stringify(set));
  crmBackup(['backup', '--label', 'First import']);
  crmBackup(['verify', '--level', 'data']);
  appendFileSync(config, '// two\n');
  crmBackup(['backup', '--label', 'Mail set up', '--pin']);
  appendFileSync(config, '// three\n');
  database("UPDATE contact SET name = 'Bo'");
  crmBackup(['backup', '--kind', 'differential']);
  appendFileSync(config, '// not backed up\n');
  writeFileSync(path.join(workspace, 'data/new.txt'), 'new\n');
  database("INSERT INTO contact VALUES (2, 'Cy')");
  return workspace;
}

const rows = (page: Page) => page.locator('.sidebar .monaco-list-row');
const focused = async (page: Page): Promise<string> =>
  (await page.locator('.sidebar .monaco-list-row.focused').getAttribute('aria-label')) ?? '';

test('the side bar is used by keyboard alone, and everything in it has a name to be read out', async () => {
  await using workbench = await openWorkbench('side-bar', { prepare });
  const { page, workspace } = workbench;
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  await rows(page).filter({ hasText: 'Working changes since' }).filter({ hasText: '2 files' }).waitFor();
  await page.locator('.sidebar .monaco-list').first().focus();
  await page.keyboard.press('Home');
  expect(await focused(page)).toMatch(/^espocrm, last backup \d\d:\d\d, .*, backup ratio [\d.]+×, crm$/);
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toMatch(/^Working changes since \d\d:\d\d, 2 files · databases not compared$/);
  await page.keyboard.press('ArrowRight');
  await rows(page).filter({ hasText: 'compared when opened' }).waitFor();
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toBe('config.php, modified, data');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await rows(page).filter({ hasText: 'crm.contact' }).filter({ hasText: '+1' }).waitFor();
  await workbench.screenshot('side-bar-1-working');

  // Down to the newest backup, and into it.
  const backup = rows(page).filter({ hasText: 'differential' }).first();
  while (!(await focused(page)).includes('differential')) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await rows(page).filter({ hasText: 'Changes since' }).waitFor();
  await workbench.screenshot('side-bar-2-backup');
  await page.keyboard.press('ArrowLeft');
  await backup.waitFor();

  const names = async (selector: string): Promise<string[]> => {
    const found = await page.locator(selector).all();
    return Promise.all(
      found.map(async (each) => {
        const named = (await each.getAttribute('aria-label')) ?? (await each.getAttribute('title'));
        return named ?? (await each.textContent()) ?? '';
      }),
    );
  };
  for (const selector of [
    '.sidebar .monaco-list-row',
    '.sidebar .action-label:not(.disabled)',
    '.sidebar .pane-header',
  ]) {
    const all = await names(selector);
    expect(all.length, selector).toBeGreaterThan(0);
    for (const name of all) expect(name.trim(), selector).not.toBe('');
  }

  // What is known of it is read by keyboard, too.
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Control+i');
  const hover = page.locator('.monaco-hover').filter({ hasText: 'Recovery time' });
  await hover.filter({ hasText: 'Base' }).waitFor();
  await workbench.screenshot('side-bar-2b-tooltip');
  await page.keyboard.press('Escape');
  await hover.waitFor({ state: 'hidden' });
  await page.locator('.sidebar .monaco-list').first().focus();

  // The two newest are compared.
  await page.keyboard.press('Control+Shift+Enter');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+F10');
  await page.locator('.monaco-menu').getByText('Compare with Another Backup…').waitFor();
  await workbench.screenshot('side-bar-3-menu');
  await workbench.choose('Compare with Another Backup…');
  await page.locator('.multiDiffEditor').getByText('// three').first().waitFor();
  await workbench.screenshot('side-bar-4-compared');

  // The working changes are edited where they are compared.
  await rows(page).filter({ hasText: 'Working changes since' }).click();
  await page.locator('.tab').filter({ hasText: '↔ now' }).waitFor();
  const line = page
    .locator('.multiDiffEditor .modified .view-line')
    .filter({ hasText: '// not backed up' })
    .first();
  await line.click();
  await page.keyboard.press('End');
  await page.keyboard.type(' yet');
  await page.keyboard.press('Control+s');
  await expect
    .poll(() => readFileSync(path.join(workspace, 'data/config.php'), 'utf8'))
    .toContain('// not backed up yet');
  await workbench.screenshot('side-bar-5-edited');

  await page.locator('.sidebar .pane-header').filter({ hasText: 'Destinations' }).click();
  await rows(page).filter({ hasText: 'Vault of espocrm' }).filter({ hasText: 'healthy' }).waitFor();
  await workbench.screenshot('side-bar-6-destinations');
  await page.locator('.activitybar').getByRole('tab', { name: 'Explorer' }).click();
  const explorer = page.locator('.explorer-folders-view .monaco-list-row');
  await explorer.filter({ hasText: 'data' }).first().click();
  await explorer.filter({ hasText: 'new.txt' }).waitFor();
  await explorer.filter({ hasText: 'new.txt' }).locator('[aria-label*="Not in the backup of"]').waitFor();
  await workbench.screenshot('side-bar-7-marks');
  await explorer.filter({ hasText: 'config.php' }).click({ button: 'right' });
  await workbench.choose('Restore This File From Backup…');
  await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'First import' }).waitFor();
  await page.locator('.tab').filter({ hasText: 'config.php (' }).waitFor();
  await workbench.screenshot('side-bar-8-restore-file');
  await page.keyboard.press('Escape');
});

test('two folders have their own sets, and a backup opens as a third', async () => {
  await using workbench = await openWorkbench('folders', {
    async prepare(home, environment) {
      const first = await prepare(home, environment);
      const second = path.join(home, 'shop');
      mkdirSync(second);
      writeFileSync(path.join(second, 'orders.csv'), 'id\n1\n');
      const crmBackup = commandLine(second, environment);
      crmBackup(['init', '--yes', '--name', 'shop']);
      crmBackup(['backup']);
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
  await rows(page).filter({ hasText: 'espocrm' }).filter({ hasText: 'workspace · ' }).waitFor();
  await rows(page).filter({ hasText: /^shop/ }).first().waitFor();
  await workbench.screenshot('folders-1-sets');
  await rows(page).filter({ hasText: 'First import' }).click({ button: 'right' });
  await workbench.choose('Open Backup as Folder');
  const explorer = page.locator('.explorer-folders-view .monaco-list-row');
  await explorer.filter({ hasText: /^espocrm .*First import/ }).click();
  await page.keyboard.press('ArrowRight');
  await explorer.filter({ hasText: 'databases' }).waitFor();
  await explorer.filter({ hasText: /^files/ }).click();
  await workbench.screenshot('folders-2-opened');
});
