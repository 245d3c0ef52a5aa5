/** The stages of `npm test`, one table, and how they are run and summed up. */
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root, run } from './bootstrap.mjs';
import { providePostgresVersions } from './postgres-versions.mjs';
import { runTypeScript } from './run-ts.mjs';
import { provideTools } from './tools.mjs';
import { provideServer } from './vscode-host.mjs';

const results = path.join(root, 'test-results');

/** The checks at the beginning run side by side; each takes gigabytes of memory. */
const MOST_LANES = 2;

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
function outcome({ passed = 0, failed = [], skipped = [], retried = [], missing = [] }) {
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
const stages = [
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

/**
 * The stages asked for and those they need, in order.
 * @param {readonly string[]} names
 */
function select(names) {
  const wanted = new Set(names);
  for (const { name, after = [] } of [...stages].reverse()) {
    if (wanted.has(name)) for (const each of after) wanted.add(each);
  }
  return names.length === 0 ? stages : stages.filter(({ name }) => wanted.has(name));
}

/**
 * Runs one stage, if those it builds on went well.
 * @param {Stage} stage
 * @param {ReadonlyMap<string, Outcome>} done
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<Outcome>}
 */
async function runStage({ title, tools = [], after = [], work }, done, options) {
  const broken = after.find((name) => done.get(name)?.failed.length);
  if (broken !== undefined) return outcome({ skipped: [`${title}: ${broken} failed`] });
  const lacking = provideTools(tools);
  try {
    const result = await work(options);
    return { ...result, missing: [...result.missing, ...lacking] };
  } catch (error) {
    console.error(error);
    return outcome({ failed: [`${title} could not be run`], missing: [...lacking] });
  }
}

/**
 * In CI every tool is there: one that is missing has kept tests from running.
 * @param {Outcome} result
 * @param {string} title
 * @returns {Outcome}
 */
function judge({ missing, ...result }, title) {
  const names = missing.map((tool) => `${title}: ${tool} is missing`);
  const inCi = process.env['CI'] === 'true';
  return outcome({
    passed: result.passed,
    retried: result.retried,
    failed: [...result.failed, ...(inCi ? names : [])],
    skipped: [...result.skipped, ...(inCi ? [] : names)],
  });
}

/**
 * The numbers that close a run.
 * @param {Outcome} result
 */
function counts({ passed, failed, skipped }) {
  return `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
}

/**
 * Runs all stages, or those named after `--only`, and prints what came of them; the last line is the total.
 * Resolves to the exit status.
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
export async function runStages(args) {
  const { values } = parseArgs({ args: [...args], options: { only: { type: 'string', multiple: true } } });
  const names = (values.only ?? []).flatMap((each) => each.split(',')).filter(Boolean);
  const unknown = names.find((name) => stages.every((stage) => stage.name !== name));
  if (unknown !== undefined) {
    console.error(`There is no stage “${unknown}”, only ${stages.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const selected = select(names);
  mkdirSync(results, { recursive: true });
  // No test may touch the backups of whoever runs it.
  const home = mkdtempSync(path.join(tmpdir(), 'crm-backup-home-'));
  process.env['CRM_BACKUP_HOME'] = home;
  /** @type {Map<string, Outcome>} */
  const done = new Map();
  /** @type {Map<string, string>} */
  const lines = new Map();
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort()).once('SIGTERM', () => interruption.abort());
  /**
   * @param {Stage} stage
   * @param {string} [log] the file that what it prints goes to
   */
  const runOne = async (stage, log) => {
    if (interruption.signal.aborted) {
      done.set(stage.name, outcome({ failed: [`${stage.title}: interrupted`] }));
      return;
    }
    const heading = `\n━━ ${stage.title} (${stage.name})`;
    if (log === undefined) console.log(heading);
    const start = performance.now();
    const output = log === undefined ? undefined : openSync(log, 'w');
    const result = judge(
      await runStage(stage, done, output === undefined ? undefined : { stdio: ['ignore', output, output] }),
      stage.title,
    );
    if (log !== undefined && output !== undefined) {
      closeSync(output);
      console.log(`${heading}\n${readFileSync(log, 'utf8')}`.trimEnd());
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    done.set(stage.name, result);
    const mark = result.failed.length > 0 ? '✗' : result.passed > 0 ? '✓' : '-';
    lines.set(
      stage.name,
      `${mark} ${stage.name.padEnd(10)} ${`${seconds} s`.padStart(8)}   ${counts(result)}`,
    );
  };
  try {
    const firstOther = selected.findIndex(({ isCheck }) => isCheck !== true);
    const waiting = selected.slice(0, firstOther < 0 ? selected.length : firstOther);
    const others = selected.slice(waiting.length);
    const lanes = Math.min(MOST_LANES, availableParallelism(), waiting.length);
    const lane = async () => {
      for (let stage = waiting.shift(); stage !== undefined; stage = waiting.shift()) {
        await runOne(stage, lanes > 1 ? path.join(results, `${stage.name}.log`) : undefined);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    for (const stage of others) await runOne(stage);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const total = outcome({
    passed: [...done.values()].reduce((sum, { passed }) => sum + passed, 0),
    failed: [...done.values()].flatMap(({ failed }) => failed),
    skipped: [...done.values()].flatMap(({ skipped }) => skipped),
    retried: [...done.values()].flatMap(({ retried }) => retried),
  });
  const summary = selected.flatMap(({ name }) => lines.get(name) ?? []);
  console.log(`\n━━ Summary\n${summary.join('\n')}`);
  for (const name of total.failed) console.log(`failed: ${name}`);
  for (const name of total.skipped) console.log(`skipped: ${name}`);
  for (const name of total.retried) console.log(`passed at the second attempt: ${name}`);
  console.log(`\n${counts(total)}`);
  return total.failed.length > 0 ? 1 : 0;
}
