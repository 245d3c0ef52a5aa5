import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openWorkbench } from './workbench.ts';

test('in Simplified Chinese, a user is spoken to in Chinese: by the view, the commands and the code', async () => {
  await using workbench = await openWorkbench('chinese', { locale: 'zh-cn' });
  const { page } = workbench;
  const view = page.locator('.sidebar');
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  await view.getByText('此处尚未备份任何内容').waitFor();
  await view.getByRole('button', { name: '创建备份集' }).click();
  const question = page.locator('.quick-input-widget');
  await question.getByText('备份集的名称').waitFor();
  await page.keyboard.press('Enter');
  await view.locator('.welcome-view').getByRole('button', { name: '立即备份' }).click();
  const lines = view.locator('.monaco-list-row');
  await lines.filter({ hasText: '今天' }).waitFor();
  await lines.filter({ hasText: /\d完整/ }).waitFor();
  await workbench.screenshot('chinese');
  await workbench.command('CRM Backup: 还原…');
  await question.getByText('所有文件').waitFor();
  await workbench.screenshot('chinese-restore');
  expect(await question.innerText()).not.toMatch(/Everything|All files|Restore/);
  await page.keyboard.press('Escape');
  // What the engine says itself stays English, behind what it means.
  await writeFile(path.join(workbench.workspace, '.vscode', 'crm-backup.json'), '{ "version": 2 }');
  await lines.filter({ hasText: /备份集文件有错误。 \(.+\)/ }).waitFor();
});
