import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openWorkbench } from './workbench.ts';

test('in Restricted Mode the view says what can be done and how to trust', async () => {
  await using workbench = await openWorkbench('trust', { trust: true });
  const { page, workspace } = workbench;
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  const view = page.locator('.sidebar');
  await view.getByText('In Restricted Mode, existing backups can be browsed').waitFor();
  await workbench.screenshot('trust-none');
  expect(await view.getByRole('button', { name: 'Create Backup Set' }).count()).toBe(0);

  await mkdir(path.join(workspace, '.vscode'), { recursive: true });
  const setFile = { version: 1, sets: [{ name: 'espocrm', files: [{ root: '.' }] }] };
  await writeFile(path.join(workspace, '.vscode/crm-backup.json'), JSON.stringify(setFile));
  await view.getByText('Trust this workspace to take one').waitFor();
  await view.getByRole('button', { name: 'Manage Trust' }).click();
  await page.getByRole('button', { name: 'Trust', exact: true }).first().click();
  await view.getByRole('button', { name: 'Back Up Now' }).last().waitFor();
  await workbench.screenshot('trust-granted');
});
