/** The stages of `npm test`, one table. */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root, run } from './bootstrap.mjs';
import { providePostgresVersions } from './postgres-versions.mjs';
import { runTypeScript } from './run-ts.mjs';
import { provideTools } from './tools.mjs';
import { provideServer } from './vscode-host.mjs';

/** Where reports and logs go. */
export const results = path.join(root, 'test-results');

/** The exit status of a runner that found no VS Code on this machine. */
const noHost = 77;

/**
 * What came of a stage: how many tests (or checks) passed, and the names of the others. `retried` names those that
 * passed at the second attempt, `missing` what the machine lacks: left out here, a failure in CI.
 * @typedef {{ passed: number, failed: string[], skipped: string[], retried: string[], missing: string[] }} Outcome
 */

/**
 * `tools` are installed first where that is possible; `after` names stages whose result this one uses. What only runs
 * programs on one processor (`isCheck`) may be given another place to print to.
 * @typedef {{
 *   name: string,
 *   title: string,
 *   tools?: readonly import('./tools.mjs').ToolName[],
 *   after?: readonly string[],
 *   isCheck?: boolean,
 *   work: (options?: import('node:child_process').SpawnOptions) => Promise<Outcome>,
 * }} Stage
 */

/**
 * @param {Partial<Outcome>} outcome
 * @returns {Outcome}
 */
export function outcome({ passed = 0, failed = [], skipped = [], retried = [], missing = [] }) {
  return { passed, failed, skipped, retried, missing };
}

/**
 * The script of a package's command: run with this Node, it needs no shell and works on Windows too.
 * @param {string} packageName
 * @param {string} [command]
 */
function command(packageName, command = packageName) {
  const directory = path.join(root, 'node_modules', packageName);
  const manifest = /** @type {unknown} */ (
    JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'))
  );
  const { bin } = /** @type {{ bin: string | Record<string, string> }} */ (manifest);
  const script = typeof bin === 'string' ? bin : bin[command];
  if (script === undefined) throw new Error(`${packageName} has no command ${command}.`);
  return path.join(directory, script);
}

/**
 * A stage that is one check: it passes or fails as a whole.
 * @param {string} name
 * @param {string} title
 * @param {(() => readonly string[])[]} scripts each a script and its arguments
 * @returns {Stage}
 */
function check(name, title, ...scripts) {
  return {
    name,
    title,
    isCheck: true,
    async work(options) {
      for (const script of scripts) {
        if ((await run(process.execPath, script(), options)) !== 0) return outcome({ failed: [title] });
      }
      return outcome({ passed: 1 });
    },
  };
}

/**
 * Runs one of vitest's projects and reads what came of each test.
 * @param {string} project
 * @returns {Promise<Outcome>}
 */
async function vitest(project) {
  const report = path.join(results, `${project}.json`);
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const status = await run(process.execPath, [command('vitest'), 'run', '--project', project, ...reporters]);
  /** @typedef {{ fullName: string, status: string, failureMessages: string[] }} Test */
  /** @typedef {{ name: string, status: string, assertionResults: Test[] }} File */
  /** @type {File[]} */
  let files;
  try {
    const parsed = /** @type {unknown} */ (JSON.parse(readFileSync(report, 'utf8')));
    files = /** @type {{ testResults: File[] }} */ (parsed).testResults;
  } catch {
    return outcome({ failed: [`vitest ended with status ${status} before it could report`] });
  }
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const named = (/** @type {(status: string) => boolean} */ wanted) =>
    tests.filter((test) => wanted(test.status)).map(({ fullName }) => fullName);
  const failed = named((each) => each === 'failed');
  for (const file of files) {
    const without = file.assertionResults.every((test) => test.status !== 'failed');
    if (file.status === 'failed' && without) failed.push(path.relative(root, file.name));
  }
  // An error outside every test, such as an unhandled rejection.
  if (status !== 0 && failed.length === 0) failed.push(`vitest ended with status ${status}`);
  const passed = named((each) => each === 'passed').length;
  const retried = tests.filter((test) => test.status === 'passed' && test.failureMessages.length > 0);
  return outcome({
    passed,
    failed,
    skipped: named((each) => each !== 'passed' && each !== 'failed'),
    retried: retried.map(({ fullName }) => fullName),
  });
}

async function extensionSuite() {
  const report = path.join(results, 'extension.json');
  rmSync(report, { force: true });
  const status = await runTypeScript('test/vscode/run.ts');
  if (status === noHost) return outcome({ missing: ['VS Code'] });
  try {
    const parsed = /** @type {unknown} */ (JSON.parse(readFileSync(report, 'utf8')));
    return outcome(/** @type {Partial<Outcome>} */ (parsed));
  } catch {
    return outcome({ failed: [`the extension suite ended with status ${status}`] });
  }
}

async function userRun() {
  if (provideTools(['chromium']).length > 0) return outcome({ missing: ['chromium'] });
  try {
    await provideServer();
  } catch (error) {
    console.error(error);
    return outcome({ missing: ["VS Code's server"] });
  }
  return vitest('user');
}

/** @type {readonly Stage[]} */
export const stages = [
  check('format', 'Format', () => [command('prettier'), '--check', '--log-level=warn', '.']),
  check('lint', 'Lint', () => [command('eslint'), '.', '--max-warnings=0']),
  check(
    'types',
    'Types',
    () => [command('typescript', 'tsc'), '--noEmit'],
    // What runs in webviews knows the browser, and nothing of Node.
    () => [command('typescript', 'tsc'), '--noEmit', '--project', 'src/webview'],
  ),
  check('arrows', 'Dependency rules', () => [
    command('dependency-cruiser', 'depcruise'),
    ...['--config', '.dependency-cruiser.mjs', 'src', 'scripts', 'test', 'bench'],
  ]),
  check('unused', 'Unused files, exports and packages', () => [command('knip')]),
  check('build', 'Build', () => ['scripts/build.mjs']),
  {
    name: 'unit',
    title: 'Unit and integration tests',
    tools: [
      'git',
      'mariadb',
      'postgres',
      'redis',
      'ldap',
      'openssl',
      'restic',
      'faketime',
      'cron',
      'systemd',
    ],
    after: ['build'],
    async work() {
      const missing = [...(await providePostgresVersions())];
      return { ...(await vitest('unit')), missing };
    },
  },
  check('package', 'Package', () => ['scripts/package.mjs']),
  {
    name: 'extension',
    title: 'Extension suite in the real VS Code',
    tools: ['git', 'postgres', 'mariadb'],
    after: ['package'],
    work: extensionSuite,
  },
  {
    name: 'user',
    title: 'The packaged extension as a user sees it',
    tools: ['git'],
    after: ['package'],
    work: userRun,
  },
];
