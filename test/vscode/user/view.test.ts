import { expect, test } from 'vitest';
import { openWorkbench } from './workbench.ts';

test('a click on the icon in the activity bar shows the view', async () => {
  await using workbench = await openWorkbench('view');
  const { page } = workbench;
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  const title = page.locator('.sidebar .composite.title');
  await title.getByText('CRM Backup').waitFor();
  await workbench.screenshot('view');
  expect(await title.innerText()).toMatch(/CRM Backup/i);
});
