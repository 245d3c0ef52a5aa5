import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { root } from '../../../scripts/bootstrap.mjs';
import { installVsix, startServer } from '../../../scripts/vscode-host.mjs';
import { startBrowser } from '../browser.ts';
import { makeWorkspace } from '../workspace.ts';

/** VS Code as a user has it in front of them, the packaged extension installed. */
export interface Workbench extends AsyncDisposable {
  readonly page: Page;
  /** The folder that is open, on disk. */
  readonly workspace: string;
  /** Runs a command by its title, through the palette. */
  command(title: string): Promise<void>;
  /** Picks an item of the menu that is open, or about to be. */
  choose(item: string): Promise<void>;
  /** Changes the colours, by the theme's title. */
  theme(title: string): Promise<void>;
  /** Leaves a picture in test-results/screenshots/NAME.png. */
  screenshot(name: string): Promise<void>;
}

export interface WorkbenchOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The display language, as VS Code names it. */
  readonly locale?: string;
  /** Whether the folder is trusted only once the user says so. */
  readonly trust?: boolean;
  /** Makes the folder to open below `home`; by default a small CRM. */
  readonly prepare?: (home: string, environment: Readonly<Record<string, string>>) => Promise<string>;
  readonly page?: Parameters<Browser['newPage']>[0];
}

/** Nothing that moves, covers what is to be clicked, or belongs to other extensions. */
const calm = {
  'php.validate.enable': false,
  'workbench.hover.delay': 60_000,
  'workbench.reduceMotion': 'on',
};

/**
 * Starts a server of its own, installs the VSIX and opens a small CRM workspace. Disposing ends everything, and
 * leaves a picture of how it looked at the end, NAME-end.png, to see why a test failed.
 */
export async function openWorkbench(
  name: string,
  { settings = {}, trust = false, locale, prepare = makeWorkspace, page: pageOptions }: WorkbenchOptions = {},
): Promise<Workbench> {
  await using parts = new AsyncDisposableStack();
  const home = await realpath(await mkdtemp(path.join(tmpdir(), 'crm-backup-user-')));
  parts.defer(async () => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  await installVsix(home, path.join(root, 'out', 'crm-backup.vsix'));
  const environment = { CRM_BACKUP_HOME: path.join(home, 'crm-backup') };
  const workspace = await prepare(home, environment);
  const server = parts.use(
    await startServer(home, {
      environment,
      settings: { ...calm, ...settings },
      trust,
      ...(locale === undefined ? {} : { locale }),
    }),
  );
  const browser = await startBrowser();
  parts.defer(async () => browser.close());
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, ...pageOptions });
  await page.goto(server.folderUrl(workspace));
  await page.locator('.monaco-workbench').waitFor();
  await page.locator('.statusbar-item').first().waitFor();
  const screenshot = async (picture: string) => {
    const folder = path.join(root, 'test-results', 'screenshots');
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: path.join(folder, `${picture}.png`) });
  };
  parts.defer(async () => screenshot(`${name}-end`));
  const owned = parts.move();
  const command = async (title: string): Promise<void> => {
    await page.keyboard.press('F1');
    const input = page.locator('.quick-input-widget input[type=text]');
    await input.fill(`>${title}`);
    await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first().click();
  };
  return {
    page,
    workspace,
    command,
    async choose(item) {
      // VS Code takes no click for the first tenth of a second of a menu, but it takes a key.
      await page.locator('.monaco-menu').getByText(item).hover();
      await page.keyboard.press('Enter');
      await page.locator('.monaco-menu').waitFor({ state: 'hidden' });
    },
    async theme(title) {
      await command('Preferences: Color Theme');
      await page.locator('.quick-input-widget input[type=text]').fill(title);
      await page.keyboard.press('Enter');
      await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    },
    screenshot,
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  };
}
