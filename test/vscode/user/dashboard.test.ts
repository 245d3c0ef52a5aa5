import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { commandLine } from './command-line.ts';
import { openWorkbench } from './workbench.ts';

const DAY_MS = 24 * 3_600_000;

/** A month of backups, restores among them, and a schedule whose last days were missed. */
async function prepare(home: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const workspace = path.join(home, 'crm');
  await mkdir(path.join(workspace, '.vscode'), { recursive: true });
  await mkdir(path.join(workspace, 'data'));
  const set = {
    name: 'crm',
    files: [{ root: '.' }],
    schedule: [{ kind: 'incremental', every: 'day', at: '12:30' }],
    retention: { last: 5, daily: 14, weekly: 4 },
  };
  await writeFile(
    path.join(workspace, '.vscode/crm-backup.json'),
    JSON.stringify({ version: 1, sets: [set] }),
  );
  const crmBackup = commandLine(workspace, environment);
  const text = 'A customer wrote, and somebody answered within the day.\n'.repeat(40_000);
  await writeFile(path.join(workspace, 'data/mails.txt'), text);
  crmBackup(['init', '--yes'], 28 * DAY_MS);
  for (let lag = 28; lag >= 4; lag--) {
    await writeFile(path.join(workspace, `data/upload-${lag}.bin`), randomBytes(40_000));
    const kind = lag % 7 === 0 ? 'full' : lag % 7 === 3 ? 'differential' : 'incremental';
    crmBackup(['backup', '--kind', kind], lag * DAY_MS);
    if (lag % 9 === 1) {
      crmBackup(['restore', 'latest', '--to', path.join(home, `restored-${lag}`)], lag * DAY_MS);
    }
  }
  return workspace;
}

test('the dashboard tells at a glance, in every theme, by keyboard and to who listens', async () => {
  await using workbench = await openWorkbench('dashboard', {
    prepare,
    settings: { 'workbench.colorTheme': 'Default Light Modern' },
  });
  const { page } = workbench;
  // What is overdue is said once, without anybody asking.
  const notification = page.locator('.notification-list-item-message');
  await notification.filter({ hasText: 'crm: a backup is overdue' }).waitFor();
  await page
    .locator('.statusbar')
    .getByRole('button', { name: /a backup is overdue/ })
    .waitFor();
  await page.getByRole('button', { name: 'Open Dashboard' }).first().click();
  const frame = page.frameLocator('iframe.webview').frameLocator('#active-frame');
  await frame.getByRole('heading', { name: 'Growth' }).waitFor();
  await frame.locator('.uplot').nth(1).waitFor();
  expect(await frame.getByRole('alert').innerText()).toContain('a backup is overdue');

  const value = async (name: string): Promise<string> =>
    frame.locator('.tile').filter({ hasText: name }).locator('.value').innerText();
  expect(await value('Backup ratio')).toMatch(/^\d+\.\d×$/);
  expect(await value('Recovery time')).toMatch(/(ms|sec)$/);
  expect(await value('Last backup')).toBe('4 days ago');
  expect(await frame.getByRole('img', { name: /the vault went from .* to/ }).count()).toBe(1);
  expect(await frame.locator('.days td').count()).toBe(42);
  expect(
    await frame
      .locator('.days td')
      .filter({ hasText: /1 full/ })
      .count(),
  ).toBeGreaterThan(2);
  expect(
    await frame
      .locator('.days td')
      .filter({ hasText: /planned/ })
      .count(),
  ).toBeGreaterThan(4);
  await workbench.command('Notifications: Clear All Notifications');
  await workbench.screenshot('dashboard-light');

  // The table of a chart opens by keyboard alone.
  await frame.locator('summary').first().focus();
  await page.keyboard.press('Enter');
  expect(await frame.locator('details[open] tbody tr').count()).toBe(25);
  await page.keyboard.press('Enter');

  for (const theme of ['Dark Modern', 'Dark High Contrast']) {
    await workbench.theme(theme);
    await frame.locator('.uplot').nth(1).waitFor();
    await page.waitForTimeout(500);
    await workbench.screenshot(`dashboard-${theme.toLowerCase().replaceAll(' ', '-')}`);
  }
});
