import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeWorkspace } from '../workspace.ts';
import { commandLine } from './command-line.ts';
import { openWorkbench } from './workbench.ts';

/** A workspace with two backups. */
async function prepare(home: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const workspace = await makeWorkspace(home);
  const crmBackup = commandLine(workspace, environment);
  crmBackup(['init', '--yes', '--name', 'crm']);
  crmBackup(['backup', '--label', 'First import', '--pin']);
  appendFileSync(path.join(workspace, 'data/config.php'), '// upgraded\n');
  crmBackup(['backup', '--kind', 'differential', '--label', 'After the upgrade']);
  return workspace;
}

const themes = ['Light Modern', 'Dark Modern', 'Dark High Contrast', 'Light High Contrast'];

test('the tree, the tour and the changes can be read in four themes', async () => {
  await using workbench = await openWorkbench('themes', { prepare });
  const { page } = workbench;
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  const line = page.locator('.sidebar .monaco-list-row');
  await line.filter({ hasText: 'After the upgrade' }).click();
  const changes = line.filter({ hasText: /^Changes since/ }).first();
  await changes.waitFor();
  for (const theme of themes) {
    await workbench.theme(theme);
    await changes.click();
    await page.locator('.multiDiffEditor').getByText('// upgraded').waitFor();
    await workbench.screenshot(`theme-${theme.toLowerCase().replaceAll(' ', '-')}`);
    await workbench.command('View: Close All Editors');
  }
  // What a screen reader reads of a backup.
  const label = await line.filter({ hasText: 'After the upgrade' }).getAttribute('aria-label');
  expect(label).toMatch(/After the upgrade, differential/);
});

test('the tour leads from nothing to a restored file', async () => {
  await using workbench = await openWorkbench('tour');
  const { page } = workbench;
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  await page.locator('.sidebar').getByText('Take the tour').click();
  const tour = page.locator('.gettingStartedContainer');
  const step = (title: string) => tour.locator('.getting-started-step').filter({ hasText: title });
  await step('Say what belongs together').waitFor();
  await workbench.screenshot('tour-1');
  await tour.getByRole('button', { name: 'Create Backup Set' }).click();
  await page.locator('.quick-input-widget input').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.sidebar').getByRole('button', { name: 'Back Up Now' }).first().waitFor();
  await step('Say what belongs together').locator('.codicon-getting-started-step-checked').waitFor();
  await step('Take the first backup').click();
  await workbench.screenshot('tour-2');
  await tour.getByRole('button', { name: 'Back Up Now' }).click();
  await step('Take the first backup').locator('.codicon-getting-started-step-checked').waitFor();
  await step('See what changed').click();
  await page.waitForTimeout(500);
  await workbench.screenshot('tour-3');
  await step('Bring it back').click();
  await workbench.screenshot('tour-4');
  await tour.getByRole('button', { name: 'Restore…' }).click();
  await page.locator('.quick-input-list').getByText('All files').waitFor();
  await workbench.screenshot('tour-5');
});
