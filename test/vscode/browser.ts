import { chromium, type Browser } from 'playwright-core';
import { provideTools, findTool } from '../../scripts/tools.mjs';

/** Starts the machine's own Chromium without a window; whoever starts it closes it. */
export async function startBrowser(): Promise<Browser> {
  provideTools(['chromium']);
  const executablePath = findTool('chromium');
  if (executablePath === undefined) throw new Error('Chromium is not installed.');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
