import { appendFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { test } from 'vitest';
import { makeWorkspace } from '../workspace.ts';
import { commandLine } from './command-line.ts';
import { openWorkbench } from './workbench.ts';

/** A workspace with three backups, in the last of which a file has another name and another line. */
async function prepare(home: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const workspace = await makeWorkspace(home);
  const crmBackup = commandLine(workspace, environment);
  const [old, now] = ['data/config.php', 'data/config-internal.php'].map((name) =>
    path.join(workspace, name),
  );
  crmBackup(['init', '--yes', '--name', 'crm']);
  crmBackup(['backup', '--label', 'First import']);
  appendFileSync(old!, "$smtp = 'smtp.example.org';\n// set by the wizard\n");
  crmBackup(['backup', '--label', 'Mail set up']);
  renameSync(old!, now!);
  appendFileSync(now!, '// moved\n');
  crmBackup(['backup', '--label', 'After the upgrade']);
  return workspace;
}

test('a user asks for the history of a file in the Explorer and looks at a version, without a mouse from there on', async () => {
  await using workbench = await openWorkbench('file-history', { prepare });
  const { page } = workbench;
  const rows = page.locator('.quick-input-list .monaco-list-row');

  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  await page.locator('.sidebar .monaco-list-row').filter({ hasText: 'After the upgrade' }).waitFor();
  await page.locator('.activitybar').getByRole('tab', { name: 'Explorer' }).click();
  const explorer = page.locator('.explorer-folders-view .monaco-list-row');
  await explorer.filter({ hasText: 'data' }).first().click();
  await explorer.filter({ hasText: 'config-internal.php' }).click({ button: 'right' });
  await page.locator('.monaco-menu').getByText('Show Backup History of This File').waitFor();
  await workbench.screenshot('history-1-menu');
  await workbench.choose('Show Backup History of This File');
  await rows.filter({ hasText: 'First import' }).waitFor();
  await rows.filter({ hasText: 'was data/config.php' }).waitFor();
  await workbench.screenshot('history-2-versions');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.monaco-diff-editor').getByText('// set by the wizard').first().waitFor();
  await workbench.screenshot('history-3-change');

  await workbench.command('CRM Backup: Find in Backups…');
  await page.locator('.quick-input-widget input[type=text]').fill('smtp.example');
  await rows.filter({ hasText: 'Search the text' }).waitFor();
  await workbench.screenshot('history-4-find');
  await page.keyboard.press('Enter');
  await rows.filter({ hasText: 'Mail set up' }).waitFor();
  await workbench.screenshot('history-5-found');
});
