import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CrmBackupError } from '../core/errors.ts';
import type { DueRuns, ScheduledRun } from '../core/schedule/run.ts';
import type { ListedJob } from '../core/schedule/survey.ts';
import { homeOf, type Surroundings } from '../core/surroundings.ts';
import { ExitCode, exitCodeOfName } from './exit-code.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatTime } from './quantity.ts';
import type { Act, Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { UsageError } from './usage.ts';

/** `schedule`: what is done by itself. */
export function defineSchedule(program: Command, act: Act): void {
  const schedule = program.command('schedule').description('what is done by itself, and when');
  schedule
    .command('list')
    .description('what is due when')
    .action(() => act(list));
  schedule
    .command('run')
    .description(
      'do what is due now, here and, unless a set or a key is named, in all workspaces that were handed to the system',
    )
    .action(() => act(run));
  schedule
    .command('install')
    .description('have the system’s own scheduler do it: systemd, cron, launchd or Task Scheduler')
    .action(() => act(install));
  schedule
    .command('uninstall')
    .description('take it away from the system’s scheduler')
    .option('--all', 'for all workspaces')
    .action(({ all }: { all?: true }) => act(async (session) => uninstall(session, all === true)));
}

async function install(session: Session): Promise<Outcome> {
  refuse(session, 'install', 'set', 'vault', 'keyFile');
  const { options, surroundings } = session;
  const { handOver } = await import('../core/schedule/handover.ts');
  const runtime = {
    executable: process.execPath,
    script: realpathSync(process.argv[1] ?? ''),
    isElectron: process.versions['electron'] !== undefined,
  };
  const done = await handOver(options.workspace, runtime, surroundings);
  if (done.notice !== undefined) session.warn(done.notice);
  const { scheduler, files, workspaces } = done;
  const all = workspaces.map((each) => `  ${printable(each)}`).join('\n');
  return {
    json: { scheduler, files, workspaces },
    summary: `${NAMES[scheduler]} now runs the schedules of\n${all}`,
  };
}

async function uninstall(session: Session, isAll: boolean): Promise<Outcome> {
  refuse(session, 'uninstall', 'set', 'vault', 'keyFile');
  const { options, surroundings } = session;
  const { takeBack } = await import('../core/schedule/handover.ts');
  const { findWorkspace } = await import('../core/set/load.ts');
  const { cwd } = surroundings;
  const here = options.workspace === undefined ? await findWorkspace(cwd) : resolve(cwd, options.workspace);
  const workspaces = takeBack(isAll ? undefined : (here ?? cwd), surroundings);
  const left =
    workspaces.length === 0 ? 'nothing' : `the schedules of ${counted(workspaces.length, 'workspace')}`;
  return { json: { workspaces }, summary: `The system’s scheduler now runs ${left}.` };
}

const NAMES = {
  systemd: 'systemd',
  cron: 'cron',
  launchd: 'launchd',
  'task-scheduler': 'Task Scheduler',
} as const;

/** What the system starts knows nothing of the options of this run; and sets have their own vaults. */
const REFUSED = {
  set: {
    option: '--set',
    why: 'is for all sets of a workspace',
    hint: 'What is not to run by itself has no “schedule” in its set.',
  },
  vault: {
    option: '--vault',
    why: 'works with the vaults of the sets',
    hint: 'Write “vault” into the set, or take one backup with “crm-backup backup --vault”.',
  },
  keyFile: {
    option: '--key-file',
    why: 'keeps no key for later runs',
    hint: 'Bring the key to the place where “crm-backup doctor” misses it.',
  },
} as const;

/** @throws {UsageError} when an option is given that `schedule COMMAND` cannot heed. */
function refuse({ options }: Session, command: string, ...names: readonly (keyof typeof REFUSED)[]): void {
  for (const name of names) {
    const { option, why, hint } = REFUSED[name];
    if (options[name] === undefined) continue;
    throw new UsageError(`“schedule ${command}” ${why}, so it takes no ${option}.`, hint);
  }
}

async function list(session: Session): Promise<Outcome> {
  refuse(session, 'list', 'vault');
  const { openWorkspace } = await import('../core/open.ts');
  const { listed, surveyJobs } = await import('../core/schedule/survey.ts');
  const { chooseSet } = await import('../core/set/load.ts');
  const { options, surroundings, paint } = session;
  const { directory, sets } = await openWorkspace(options.workspace, surroundings);
  if (options.set !== undefined) chooseSet(sets, options.set);
  const jobs = (await surveyJobs(directory, surroundings, new Date(session.nowMs)))
    .filter(({ job }) => options.set === undefined || job.set === options.set)
    .map(listed);
  for (const { set, kind, at } of jobs.filter(({ waitsForOffPeak }) => waitsForOffPeak)) {
    session.say(
      plainText(
        `${set}: ${kind} at ${at ?? '00:00'} lies outside “offPeak”, so it waits until those hours begin; with "anyTime": true it does not.`,
      ),
    );
  }
  const columns = ['set', 'kind', 'when', 'next', 'last', ''].map((title) => ({ title }));
  const rows = jobs.map((job) => [
    plainText(job.set),
    job.kind,
    whenText(job),
    formatTime(job.nextRun),
    job.lastRun === null ? 'never' : formatTime(job.lastRun),
    plainText([job.lastStatus, job.message].filter((part) => part !== null).join(': ')).replaceAll('\n', ' '),
  ]);
  const text =
    jobs.length === 0
      ? 'Nothing is scheduled: add “schedule” to a set in .vscode/crm-backup.json.'
      : formatTable(columns, rows, (title) => paint('dim', title));
  return { json: { jobs }, text };
}

function whenText({ every, on, at }: ListedJob): string {
  return [`every ${every}`, ...(on === null ? [] : [`on ${on}`]), ...(at === null ? [] : [`at ${at}`])].join(
    ' ',
  );
}

async function run(session: Session): Promise<Outcome> {
  const { atLowPriority } = await import('../core/gentle/low-priority.ts');
  const { runDue } = await import('../core/schedule/run.ts');
  refuse(session, 'run', 'vault');
  const { options, task } = session;
  const surroundings = withKey(session);
  const workspaces = await workspacesToRun(session);
  const runs: ScheduledRun[] = [];
  for (const workspace of workspaces) {
    const done: DueRuns = await atLowPriority(async () => runDue(workspace, surroundings, task, options.set));
    runs.push(...done.runs);
    for (const notice of done.notices) session.warn(notice);
  }
  // Whoever started it and hears nothing when all is well must hear of this.
  for (const each of runs) {
    if (options.quiet === true && each.status !== 'done' && each.status !== 'skipped')
      session.warn(runText(each, session));
  }
  return {
    json: { runs },
    summary: runs.length === 0 ? 'Nothing is due.' : runs.map((each) => runText(each, session)).join('\n'),
    exitCode: worst(runs),
  };
}

/** The surroundings, in which the key that was named opens whatever is opened. */
function withKey({ options: { keyFile }, surroundings }: Session): Surroundings {
  if (keyFile === undefined) return surroundings;
  return { ...surroundings, env: { ...surroundings.env, CRM_BACKUP_KEY_FILE: keyFile } };
}

/** Where something may be due: a set or a key that is named is of one workspace. */
async function workspacesToRun({ options, surroundings }: Session): Promise<readonly string[]> {
  const { openWorkspace } = await import('../core/open.ts');
  const { handedOverWorkspaces } = await import('../core/schedule/state.ts');
  const { oneSpelling } = await import('../core/real-folder.ts');
  const { chooseSet } = await import('../core/set/load.ts');
  const isOne = options.set !== undefined || options.keyFile !== undefined;
  const workspaces = isOne ? [] : handedOverWorkspaces(homeOf(surroundings));
  try {
    const { directory, sets } = await openWorkspace(options.workspace, surroundings);
    if (options.set !== undefined) chooseSet(sets, options.set);
    if (!workspaces.includes(oneSpelling(directory))) workspaces.unshift(directory);
  } catch (error) {
    // The system's scheduler starts it anywhere.
    const isNowhere = error instanceof CrmBackupError && error.code === 'no-set-file';
    if (!isNowhere || options.workspace !== undefined || workspaces.length === 0) throw error;
  }
  return workspaces;
}

function runText(
  { workspace, set, kind, status, backup, message, hint }: ScheduledRun,
  { paint }: Session,
): string {
  const what = set === undefined ? plainText(workspace) : `“${plainText(set)}”, ${kind}`;
  const taken = backup === undefined ? '' : ` ${paint('cyan', shortId(backup))}`;
  const shown = paint(
    status === 'done' ? 'green' : status === 'skipped' || status === 'partial' ? 'yellow' : 'red',
    status,
  );
  const why = [message, hint]
    .filter((part) => part !== undefined)
    .map(plainText)
    .join(' ');
  return `${what}: ${shown}${taken}${why === '' ? '' : `\n  ${why}`}`;
}

/** What is worst decides; who was not to run now has done nothing wrong. */
function worst(runs: readonly ScheduledRun[]): ExitCode {
  const failure = runs.find(({ status }) => status === 'failed' || status === 'hook-failed');
  if (runs.some(({ status }) => status === 'damaged')) return ExitCode.damage;
  if (failure !== undefined) return exitCodeOfName(failure.code);
  return runs.some(({ status }) => status === 'partial') ? ExitCode.incomplete : ExitCode.done;
}
