/** How the stages of `npm test` are run and summed up. */
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { readOptions } from './options.mjs';
import { outcome, results, stages } from './stages.mjs';
import { provideTools } from './tools.mjs';

/** The checks at the beginning run side by side; each takes gigabytes of memory. */
const MOST_LANES = 2;

/** @typedef {import('./stages.mjs').Stage} Stage */
/** @typedef {import('./stages.mjs').Outcome} Outcome */

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

/** A run: what came of each stage, and the line about it in the summary. */
class Run {
  /**
   * @readonly
   * @type {Map<string, Outcome>}
   */
  #done = new Map();
  /**
   * @readonly
   * @type {Map<string, string>}
   */
  #lines = new Map();
  /** @readonly */
  #interruption = new AbortController();

  constructor() {
    const interrupt = () => this.#interruption.abort();
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  }

  /**
   * Runs stages: the checks at the beginning side by side, each printed when it has ended; then the others in turn.
   * @param {readonly Stage[]} selected
   */
  async all(selected) {
    const firstOther = selected.findIndex(({ isCheck }) => isCheck !== true);
    const waiting = selected.slice(0, firstOther < 0 ? selected.length : firstOther);
    const others = selected.slice(waiting.length);
    const lanes = Math.min(MOST_LANES, availableParallelism(), waiting.length);
    const lane = async () => {
      for (let stage = waiting.shift(); stage !== undefined; stage = waiting.shift()) {
        if (lanes > 1) await this.#printedAtItsEnd(stage);
        else await this.#printed(stage);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    for (const stage of others) await this.#printed(stage);
  }

  /** @param {Stage} stage */
  async #printed(stage) {
    console.log(headingOf(stage));
    await this.#one(stage);
  }

  /** @param {Stage} stage */
  async #printedAtItsEnd(stage) {
    const log = path.join(results, `${stage.name}.log`);
    const output = openSync(log, 'w');
    await this.#one(stage, { stdio: ['ignore', output, output] });
    closeSync(output);
    console.log(`${headingOf(stage)}\n${readFileSync(log, 'utf8')}`.trimEnd());
  }

  /**
   * @param {Stage} stage
   * @param {import('node:child_process').SpawnOptions} [options]
   */
  async #one(stage, options) {
    const { name, title } = stage;
    if (this.#interruption.signal.aborted) {
      this.#done.set(name, outcome({ failed: [`${title}: interrupted`] }));
      return;
    }
    const start = performance.now();
    const result = judge(await runStage(stage, this.#done, options), title);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const mark = result.failed.length > 0 ? '✗' : result.passed > 0 ? '✓' : '-';
    this.#done.set(name, result);
    this.#lines.set(name, `${mark} ${name.padEnd(10)} ${`${seconds} s`.padStart(8)}   ${counts(result)}`);
  }

  /**
   * Prints what came of the stages; the last line is the total.
   * @param {readonly Stage[]} selected
   * @returns {number} how many failures there were
   */
  summarize(selected) {
    const outcomes = [...this.#done.values()];
    const total = outcome({
      passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
      failed: outcomes.flatMap(({ failed }) => failed),
      skipped: outcomes.flatMap(({ skipped }) => skipped),
      retried: outcomes.flatMap(({ retried }) => retried),
    });
    const summary = selected.flatMap(({ name }) => this.#lines.get(name) ?? []);
    console.log(`\n━━ Summary\n${summary.join('\n')}`);
    for (const name of total.failed) console.log(`failed: ${name}`);
    for (const name of total.skipped) console.log(`skipped: ${name}`);
    for (const name of total.retried) console.log(`passed at the second attempt: ${name}`);
    console.log(`\n${counts(total)}`);
    return total.failed.length;
  }
}

/** @param {Stage} stage */
function headingOf({ title, name }) {
  return `\n━━ ${title} (${name})`;
}

/**
 * Runs all stages, or those named after `--only`, and prints what came of them; the last line is the total.
 * Resolves to the exit status.
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
export async function runStages(args) {
  const usage = 'npm test [-- --only STAGE,…]';
  const values = readOptions(usage, { only: { type: 'string', multiple: true } }, args);
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
  const stageRun = new Run();
  try {
    await stageRun.all(selected);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  return stageRun.summarize(selected) > 0 ? 1 : 0;
}
