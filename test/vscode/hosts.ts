import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { findTool, provideTools } from '../../scripts/tools.mjs';
import { cacheDirectory } from '../../scripts/cache.mjs';
import { startServer } from '../../scripts/vscode-host.mjs';
import { startBrowser } from './browser.ts';

/** One run of the suite: what to load and where. */
export interface SuiteRun {
  /** The extension's folder and the bundled suite, both absolute. */
  readonly extension: string;
  readonly suite: string;
  /** The folder the editor opens. */
  readonly workspace: string;
  /** A folder for everything the editor writes. */
  readonly home: string;
  /** Added to the environment of the extension host. */
  readonly environment: Readonly<Record<string, string>>;
  /** Aborted when the run takes too long. */
  readonly signal: AbortSignal;
  /** Resolves when the suite has told its end. */
  readonly ended: Promise<void>;
  /** Takes what the editor logs. */
  readonly log: (line: string) => void;
}

/** Desktop VS Code's program: the one VSCODE_EXECUTABLE names, or one downloaded where that can be reached. */
export async function findDesktop(): Promise<string | undefined> {
  const named = process.env['VSCODE_EXECUTABLE'];
  if (named) return named;
  try {
    await fetch('https://update.code.visualstudio.com/api/releases/stable', {
      signal: AbortSignal.timeout(5000),
    });
    return await downloadAndUnzipVSCode({ cachePath: path.join(cacheDirectory, 'vscode') });
  } catch {
    return undefined;
  }
}

/** Runs the suite in desktop VS Code; rejects when the editor cannot be run or has not ended in time. */
export async function runInDesktop(program: string, run: SuiteRun): Promise<void> {
  const user = path.join(run.home, 'user');
  await mkdir(path.join(user, 'User'), { recursive: true });
  const settings = { 'telemetry.telemetryLevel': 'off', 'chat.disableAIFeatures': true };
  await writeFile(path.join(user, 'User', 'settings.json'), JSON.stringify(settings));
  await using display = await startDisplay();
  // Twice, as with Ctrl-C at a terminal: the second one is not a request.
  const end = () => [1, 2].forEach(() => process.emit('SIGINT'));
  run.signal.addEventListener('abort', end, { once: true });
  try {
    await runTests({
      vscodeExecutablePath: program,
      extensionDevelopmentPath: run.extension,
      extensionTestsPath: run.suite,
      extensionTestsEnv: { ...run.environment, ...display.environment },
      launchArgs: [
        run.workspace,
        `--user-data-dir=${user}`,
        `--extensions-dir=${path.join(run.home, 'extensions')}`,
        '--disable-gpu',
      ],
    });
  } finally {
    run.signal.removeEventListener('abort', end);
  }
}

interface Display extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
}

/** A display in memory on a Linux machine that has none; anywhere else the one that is there. */
async function startDisplay(): Promise<Display> {
  const present = process.platform !== 'linux' || process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY'];
  if (present) return { environment: {}, [Symbol.asyncDispose]: async () => Promise.resolve() };
  provideTools(['xvfb']);
  const program = findTool('xvfb');
  if (program === undefined) throw new Error('There is no display, and Xvfb is not installed.');
  const child = spawn(program, ['-displayfd', '1', '-screen', '0', '1400x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [number] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    environment: { DISPLAY: `:${number.toString().trim()}` },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      if (child.kill()) await ended;
    },
  };
}

/** Runs the suite in VS Code's server with Chromium as its window. */
export async function runInServer(run: SuiteRun): Promise<void> {
  await using server = await startServer(run.home, { environment: run.environment, testing: true });
  const browser = await startBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.on('console', (message) => run.log(`[${message.type()}] ${message.text()}`));
    // The workbench calls this when the extension host has done what it was started for, or could not.
    const exited = new Promise<void>((resolve) => {
      void page.exposeFunction('codeAutomationExit', () => resolve());
    });
    const remote = (file: string) => `vscode-remote://${server.authority}${file}`;
    await page.goto(
      server.folderUrl(run.workspace, [
        ['extensionDevelopmentPath', remote(run.extension)],
        ['extensionTestsPath', remote(run.suite)],
      ]),
    );
    await Promise.race([run.ended, exited, once(run.signal, 'abort')]);
  } finally {
    await browser.close();
  }
}
