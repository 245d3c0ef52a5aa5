import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type CommandLine, commandLine } from './command-line.ts';
import { openWorkbench } from './workbench.ts';

const DAY_MS = 24 * 3_600_000;
let crmBackup: CommandLine;

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
  crmBackup = commandLine(workspace, environment);
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
    // Looked at from where it is tomorrow already for most of the day.
    page: { viewport: { width: 1400, height: 900 }, timezoneId: 'Pacific/Kiritimati' },
  });
  const { page } = workbench;
  await page.addInitScript({
    // A clock that can be put forward, and minutes that are short.
    content: `const [now, every] = [Date.now, globalThis.setInterval];
    Date.now = () => now() + (globalThis.later ?? 0);
    globalThis.setInterval = (run, ms, ...rest) => every(run, ms === 60_000 ? 200 : ms, ...rest);`,
  });
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
  expect(await frame.locator('.days th').first().innerText()).toBe('Mon');
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
  // What was overdue may have been backed up by now.
  expect(await frame.locator('details[open] tbody tr').count()).toBeGreaterThanOrEqual(25);
  // It stays open, and the keyboard where it is, when something changes meanwhile.
  await frame.locator('.charts').evaluate('document.querySelector(".charts").id = "earlier"');
  crmBackup(['pin', 'latest']);
  await frame.locator('#earlier').waitFor({ state: 'detached' });
  await frame.locator('details[open] summary:focus').waitFor();
  await page.keyboard.press('Enter');
  expect(await frame.locator('details[open]').count()).toBe(0);

  // Times grow by themselves.
  await frame.locator('.tiles').evaluate(`globalThis.later = ${30 * DAY_MS}`);
  await frame
    .locator('.tile')
    .filter({ hasText: 'Last backup' })
    .getByText(/^3\d days ago$/)
    .waitFor();

  for (const theme of ['Dark Modern', 'Dark High Contrast']) {
    await workbench.theme(theme);
    await frame.locator('.uplot').nth(1).waitFor();
    await page.waitForTimeout(500);
    await workbench.screenshot(`dashboard-${theme.toLowerCase().replaceAll(' ', '-')}`);
  }
});
