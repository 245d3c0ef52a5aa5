/**
 * Runs the extension suite in the real VS Code: the desktop one where it can be had, its server with Chromium
 * otherwise. `node scripts/run-ts.mjs test/vscode/run.ts [--host desktop|server] [--grep TEXT]`; with
 * `--bundle-only` it only bundles the suite, for a debugger to run. Needs a build in dist/.
 * Exit status: 0 all passed, 1 not, 77 this machine has no VS Code to offer.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../../scripts/bootstrap.mjs';
import { readOptions } from '../../scripts/options.mjs';
import { provideTools } from '../../scripts/tools.mjs';
import { provideServer } from '../../scripts/vscode-host.mjs';
import { bundleSuite } from './bundle.ts';
import { findDesktop, runInDesktop, runInServer, type SuiteRun } from './hosts.ts';
import { startServers } from './servers.ts';
import { grepVariable, resultsVariable, type SuiteEvent } from './suite/results.ts';
import { makeWorkspace } from './workspace.ts';

const noHost = 77;
const timeLimitMs = 8 * 60_000;
const suite = path.join(root, 'out', 'test', 'vscode', 'suite.js');
const resultsDirectory = path.join(root, 'test-results');

interface Totals {
  passed: number;
  readonly failed: string[];
  readonly skipped: string[];
  /** What began last. */
  begun: string;
}

/** Chooses where the suite runs; undefined, with the reason on the terminal, when nowhere. */
async function chooseHost(
  wanted: string | undefined,
): Promise<((run: SuiteRun) => Promise<void>) | undefined> {
  const desktop = wanted === 'server' ? undefined : await findDesktop();
  if (desktop !== undefined) return async (run) => runInDesktop(desktop, run);
  if (wanted === 'desktop') {
    console.error('There is no desktop VS Code: name its program in VSCODE_EXECUTABLE.');
    return undefined;
  }
  if (provideTools(['chromium']).length > 0) {
    console.error('There is neither desktop VS Code nor Chromium.');
    return undefined;
  }
  try {
    await provideServer();
    return runInServer;
  } catch (error) {
    console.error('There is no desktop VS Code, and its server could not be prepared:', error);
    return undefined;
  }
}

function show(event: SuiteEvent, totals: Totals): void {
  switch (event.kind) {
    case 'begun':
      totals.begun = event.title;
      break;
    case 'passed':
      totals.passed++;
      console.log(`  ✓ ${event.title} (${event.durationMs} ms)`);
      break;
    case 'failed':
      totals.failed.push(event.title);
      console.log(`  ✗ ${event.title}\n${event.error.replace(/^/gm, '      ')}`);
      break;
    case 'skipped':
      totals.skipped.push(event.title);
      console.log(`  - ${event.title} (skipped)`);
      break;
    case 'end':
      console.log(`  in ${event.editor}`);
      break;
  }
}

/** Shows what the suite writes into `file` as it comes; resolves at its end, rejects when `signal` aborts. */
async function follow(file: string, totals: Totals, signal: AbortSignal): Promise<void> {
  let shown = 0;
  while (true) {
    const text = await readFile(file, 'utf8');
    const lines = text.split('\n').slice(shown, -1);
    shown += lines.length;
    const events = lines.map((line) => JSON.parse(line) as SuiteEvent);
    for (const event of events) show(event, totals);
    if (events.some(({ kind }) => kind === 'end')) return;
    await delay(200, undefined, { signal });
  }
}

async function main(): Promise<number> {
  const usage =
    'node scripts/run-ts.mjs test/vscode/run.ts [--host server|desktop] [--grep TEXT] [--bundle-only]';
  const flags = readOptions(usage, {
    host: { type: 'string' },
    grep: { type: 'string' },
    'bundle-only': { type: 'boolean', default: false },
  });
  await bundleSuite(suite);
  if (flags['bundle-only']) return 0;
  const host = await chooseHost(flags.host);
  if (host === undefined) return noHost;

  const home = await realpath(await mkdtemp(path.join(tmpdir(), 'crm-backup-suite-')));
  await mkdir(resultsDirectory, { recursive: true });
  const log = createWriteStream(path.join(resultsDirectory, 'extension-host.log'));
  const totals: Totals = { passed: 0, failed: [], skipped: [], begun: 'loading' };
  await using servers = await startServers();
  const hostEnded = new AbortController();
  try {
    const results = path.join(home, 'results.jsonl');
    await writeFile(results, '');
    const signal = AbortSignal.timeout(timeLimitMs);
    const ended = follow(results, totals, AbortSignal.any([signal, hostEnded.signal]));
    // Handled below; the host may end first.
    ended.catch(() => undefined);
    try {
      await host({
        extension: root,
        suite,
        workspace: await makeWorkspace(home),
        home,
        environment: {
          [resultsVariable]: results,
          [grepVariable]: flags.grep ?? '',
          CRM_BACKUP_HOME: path.join(home, 'crm-backup'),
          ...servers.environment,
        },
        signal,
        ended,
        log: (line) => log.write(`${line}\n`),
      });
    } catch (error) {
      // Desktop VS Code also ends with an error when a test fails; the suite has told more about that.
      if (totals.failed.length === 0) console.error(error);
    }
    // What was written last is shown before this gives up waiting.
    await delay(400);
    hostEnded.abort();
    await ended.catch((error: unknown) => {
      const late = `The suite took longer than ${timeLimitMs / 60_000} minutes; it was at: ${totals.begun}`;
      const early = hostEnded.signal.aborted ? 'The editor ended before the suite did.' : error;
      console.error(signal.aborted ? late : early);
      totals.failed.push('The suite runs to its end');
    });
  } finally {
    log.end();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
  await writeFile(path.join(resultsDirectory, 'extension.json'), JSON.stringify(totals));
  if (totals.failed.length > 0)
    console.error('What the editor logged is in test-results/extension-host.log.');
  return totals.failed.length > 0 ? 1 : 0;
}

process.exitCode = await main();
