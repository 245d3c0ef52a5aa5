import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'vitest';
import { makeWorkspace } from '../workspace.ts';
import { openWorkbench } from './workbench.ts';

/** A workspace whose first backup takes long enough for a window to be reloaded meanwhile. */
async function prepare(home: string): Promise<string> {
  const workspace = await makeWorkspace(home);
  const uploads = path.join(workspace, 'data', 'upload');
  await mkdir(uploads, { recursive: true });
  for (let file = 0; file < 6; file++)
    await writeFile(path.join(uploads, `${file}`), randomBytes(50_000_000));
  return workspace;
}

test('a window that is reloaded in the middle of a backup shows it when it is done', async () => {
  await using workbench = await openWorkbench('reload', { prepare });
  const { page } = workbench;
  const view = page.locator('.sidebar');
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  await page.getByRole('button', { name: 'Create Backup Set' }).click();
  await page.locator('.quick-input-widget input').waitFor();
  await page.keyboard.press('Enter');
  await view.locator('.welcome-view').getByRole('button', { name: 'Back Up Now' }).click();
  await page.locator('.statusbar-item').filter({ hasText: 'Backing up' }).waitFor();
  await workbench.screenshot('reload-1-running');
  await page.reload();
  await page.locator('.statusbar-item').first().waitFor();
  await view
    .locator('.monaco-list-row')
    .filter({ hasText: /\dfull/ })
    .waitFor({ timeout: 60_000 });
  await workbench.screenshot('reload-2-done');
});
