/**
 * Makes the pictures of the README, docs/images/overview-light.png and -dark.png: `npm run screenshots`.
 * The packaged extension in VS Code, with two weeks of backups of the sample CRM and its upgrade of today.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { root, run } from '../../../scripts/bootstrap.mjs';
import { createSampleCrm } from '../../../scripts/sample/crm.ts';
import { commandLine } from './command-line.ts';
import { openWorkbench } from './workbench.ts';

const images = path.join(root, 'docs', 'images');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A sample CRM with a history: backups of two weeks, an upgrade a moment ago. */
async function prepare(home: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const workspace = path.join(home, 'crm');
  createSampleCrm(workspace, { scale: 0.3 });
  const crmBackup = commandLine(workspace, environment);
  const edit = async (name: string, text: string): Promise<void> => {
    await mkdir(path.join(workspace, 'custom'), { recursive: true });
    await writeFile(path.join(workspace, 'custom', name), text);
  };
  crmBackup(['init', '--yes', '--name', 'crm'], 12 * DAY_MS);
  crmBackup(['backup', '--label', 'First import', '--pin'], 12 * DAY_MS);
  await edit('notes.md', 'Field mapping agreed.\n');
  await edit('logo.png', '\0'.repeat(20_100));
  crmBackup(['backup', '--kind', 'full'], 3 * DAY_MS);
  crmBackup(['verify', '--level', 'data'], 3 * DAY_MS);
  await edit('notes.md', 'Field mapping agreed.\nConsent comes with 42.\n');
  crmBackup(['backup'], DAY_MS);
  await edit('rebuild.php', '<?php // rebuilds caches and metadata\n');
  crmBackup(['backup', '--kind', 'differential', '--label', 'Before “php rebuild.php”'], 40_000);
  await upgrade(workspace);
  crmBackup(['backup', '--kind', 'differential', '--label', 'After the upgrade']);
  return workspace;
}

/** A small upgrade: a new field, a changed configuration, another logo. */
async function upgrade(workspace: string): Promise<void> {
  const edit = async (name: string, from: string, to: string): Promise<void> => {
    const file = path.join(workspace, name);
    const text = await readFile(file, 'utf8');
    if (!text.includes(from)) throw new Error(`${name} has no ${from}`);
    await writeFile(file, text.replace(from, to));
  };
  const contacts = 'app/Modules/Contacts';
  await edit(
    `${contacts}/metadata/entityDefs.json`,
    '"fields": {',
    '"fields": {\n    "consentGivenAt": { "type": "datetime" },',
  );
  await edit(
    `${contacts}/schema.sql`,
    '  deleted TINYINT',
    '  consent_given_at DATETIME NULL,\n  deleted TINYINT',
  );
  await edit('config/config.php', "'schemaVersion' => 41", "'schemaVersion' => 42");
  await edit('config/config.php', "'consent' => false", "'consent' => true");
  await edit('config/modules.yaml', 'schemaVersion: 41', 'schemaVersion: 42');
  await writeFile(path.join(workspace, 'custom', 'logo.png'), randomBytes(48_200));
}

/** The view open, the upgrade's changes beside it. */
async function show(page: Page): Promise<void> {
  await page.locator('.activitybar').getByRole('tab', { name: 'CRM Backup' }).click();
  const line = (text: string | RegExp) =>
    page.locator('.sidebar .monaco-list-row').filter({ hasText: text }).first();
  await line('After the upgrade').waitFor();
  // Wide enough for whole lines.
  const { x = 0, y = 0, height = 0 } = (await page.locator('.part.sidebar').boundingBox()) ?? {};
  const width = (await page.locator('.part.sidebar').boundingBox())?.width ?? 0;
  await page.mouse.move(x + width, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width + 130, y + height / 2, { steps: 5 });
  await page.mouse.up();
  for (const period of ['Yesterday', 'This week', / 20\d\d\d$/]) await line(period).click();
  await line('After the upgrade').click();
  await line(/^Changes since/).click();
  await page.locator('.multiDiffEditor .view-line').first().waitFor({ timeout: 120_000 });
  // Syntax colours come a moment after the text.
  await page.waitForTimeout(4000);
}

await mkdir(images, { recursive: true });
const packaged = await run(process.execPath, [path.join(root, 'scripts', 'package.mjs')]);
if (packaged !== 0) process.exit(packaged);
for (const colorScheme of ['light', 'dark'] as const) {
  await using workbench = await openWorkbench(`overview-${colorScheme}`, {
    prepare,
    settings: { 'window.autoDetectColorScheme': true },
    page: { viewport: { width: 1280, height: 800 }, colorScheme },
  });
  await show(workbench.page);
  await workbench.command('Notifications: Clear All Notifications');
  await workbench.page.mouse.move(700, 20);
  await workbench.page.waitForTimeout(500);
  await workbench.page.screenshot({ path: path.join(images, `overview-${colorScheme}.png`) });
}
