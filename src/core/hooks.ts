import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { backUp, type BackupOptions } from './backup.ts';
import { OutputTail } from './database/command/output-tail.ts';
import { LAST_WORDS_MS, treeOf } from './database/command/process-tree.ts';
import { type Redactor, redactorOfSecrets } from './database/redact.ts';
import { CancelledError, CrmBackupError } from './errors.ts';
import { atUsualPriority } from './gentle/low-priority.ts';
import { hasInterrupted, lockLive, overLive } from './live-lock.ts';
import { timerMs } from './minutes.ts';
import type { MovedRoot } from './moved-roots.ts';
import { interruptedRestores } from './restore/journals.ts';
import type { Hook } from './set/definition.ts';
import type { ResolvedSet } from './set/resolve.ts';
import { homeOf, type Surroundings } from './surroundings.ts';
import { type Task, throwIfCancelled } from './task.ts';
import type { BackupRecord } from './vault/record.ts';
import type { Vault } from './vault/vault.ts';

/** A command around a backup went wrong. */
class HookError extends CrmBackupError<'hook-failed'> {}

/** A backup that was taken, and what is to be said of it. */
export interface HookedBackup {
  readonly record: BackupRecord;
  /** Sentences about commands that failed and were not to stop anything, and about roots that have moved. */
  readonly notices: readonly string[];
  /** What the command after it failed with, when that is not only to be told. The backup is there all the same. */
  readonly failure: HookError | undefined;
}

const SEE = 'Run it by hand to see more; it stands in “hooks” of .vscode/crm-backup.json.';
const TIMEOUT_MINUTES = 10;
/** What commands do not get to see, and what is never shown of what they say. */
const SECRET = /^CRM_BACKUP_(?:PASSPHRASE|KEY_FILE|SECRET_.*)$/;
const SECRET_NAME = /pass|secret|token|key|credential/i;

/**
 * Takes a backup between the commands of its set, while no restore changes what it reads. What a restore that was
 * interrupted may have left half-loaded is told in it. The command after it runs whatever becomes of the backup: what
 * was switched off must be switched on again.
 * @throws {HookError} of the command before it, or when the one after a backup that was cancelled fails; {InUseError} when a
 * restore is under way there; else what {@link backUp} throws. The message of what is thrown tells of every command that
 * failed.
 */
export async function backUpWithHooks(
  vault: Vault,
  from: ResolvedSet,
  options: BackupOptions,
  surroundings: Surroundings,
  task: Task = {},
): Promise<HookedBackup> {
  const notices: string[] = [];
  await using _lock =
    options.dryRun === true ? undefined : await lockToRead(from, notices, surroundings, task);
  // Not before: a restore may have been killed while this waited for it.
  const set = await withDoubts(from, homeOf(surroundings));
  const { before, after } = options.dryRun === true ? {} : (set.hooks ?? {});
  const moved: string[] = [];
  const onMoved = (roots: readonly MovedRoot[]): void => void moved.push(movedText(set, roots));
  let record: BackupRecord;
  try {
    const failure = await runHook('before', before, set, {}, task);
    if (failure !== undefined && before?.onFailure !== 'continue') throw failure;
    if (failure !== undefined) notices.push(failure.message);
    throwIfCancelled(task);
    record = await backUp(vault, set, { ...options, onMoved }, task);
  } catch (error) {
    const failure = await runHook('after', after, set, { CRM_BACKUP_STATUS: 'failed' }, {});
    throw tellingToo(error, { notices, failure });
  }
  const facts = { CRM_BACKUP_STATUS: record.status, CRM_BACKUP_ID: record.id };
  const failure = await runHook('after', after, set, facts, {});
  notices.push(...moved);
  if (failure === undefined || after?.onFailure !== 'continue') return { record, notices, failure };
  return { record, notices: [...notices, failure.message], failure: undefined };
}

/**
 * What a backup, or what followed it, failed with, telling also of the commands that failed. Where work is cancelled that is
 * not told to everybody: a command after it that failed must be.
 */
export function tellingToo(error: unknown, { notices, failure }: Omit<HookedBackup, 'record'>): unknown {
  const failures = failure === undefined ? notices : [...notices, failure.message];
  if (!(error instanceof Error) || failures.length === 0) return error;
  const message = [error.message, ...failures].join(' ');
  if (error instanceof CancelledError) {
    if (failure === undefined) return error;
    return new HookError('hook-failed', message, { cause: error, hint: SEE });
  }
  error.message = message;
  return error;
}

async function lockToRead(
  { roots, databases }: ResolvedSet,
  notices: string[],
  surroundings: Surroundings,
  task: Task,
): Promise<AsyncDisposable> {
  const home = homeOf(surroundings);
  const live = {
    folders: roots.map(({ directory }) => directory),
    databases: databases.map((database) => ({ database })),
  };
  const over = await overLive(live);
  const lock = async (): Promise<AsyncDisposable> => lockLive(home, over, 'shared', 'a backup', task);
  const known = new Set(interruptedRestores(home).map(({ id }) => id));
  const locked = await lock();
  if (!hasInterrupted(home, over)) return locked;
  // It was killed while this waited for it.
  await locked[Symbol.asyncDispose]();
  const { recoverRestores } = await import('./restore/recover.ts');
  const { recoveredSentence } = await import('./restore/interrupted-sentence.ts');
  const found = await recoverRestores(home, undefined, surroundings.secret);
  notices.push(...found.filter(({ id }) => !known.has(id)).flatMap(recoveredSentence));
  return lock();
}

/** Loads what is needed for it only when there is something to doubt. */
async function withDoubts(set: ResolvedSet, home: string): Promise<ResolvedSet> {
  if (interruptedRestores(home).length === 0) return set;
  const interrupted = await import('./restore/interrupted.ts');
  return interrupted.withDoubts(set, home);
}

/** Two projects may share a vault unknowingly, and then each takes the other's backups for its own. */
function movedText({ name }: ResolvedSet, moved: readonly MovedRoot[]): string {
  const list = (end: 'from' | 'to'): string => moved.map((root) => root[end]).join(', ');
  return `Set “${name}” was backed up from ${list('from')} before; this backup is of ${list('to')}. Where these are two projects, give one of the sets another name.`;
}

type Facts = Readonly<Record<string, string>>;

/** Runs one command to its end; what it failed with comes back. Its output is kept for that alone. */
async function runHook(
  name: 'before' | 'after',
  hook: Hook | undefined,
  { name: set, workspace }: ResolvedSet,
  facts: Facts,
  { signal }: Task,
): Promise<HookError | undefined> {
  if (hook === undefined) return undefined;
  const { command, timeout = TIMEOUT_MINUTES } = hook;
  throwIfCancelled({ signal });
  const late = AbortSignal.timeout(timerMs(timeout));
  const passed = Object.entries(process.env).filter(([key]) => !SECRET.test(key));
  const child = atUsualPriority(() =>
    spawn(command, {
      shell: true,
      cwd: workspace,
      env: { ...Object.fromEntries(passed), CRM_BACKUP_SET: set, CRM_BACKUP_HOOK: name, ...facts },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    }),
  );
  const tree = treeOf(child);
  const tail = new OutputTail(redactorOfEnvironment());
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (block: Buffer) => tail.add(block));
  const stop = (): void => tree.end();
  for (const each of [late, signal]) each?.addEventListener('abort', stop, { once: true });
  try {
    const ending = await endingOf(child, () => late.aborted || signal?.aborted === true);
    if (ending === 0 && !late.aborted) return undefined;
    throwIfCancelled({ signal });
    const how = late.aborted ? `did not end within ${timeout} minutes` : `ended with ${ending}`;
    const hint =
      name === 'after' ? SEE : `${SEE} With "onFailure": "continue" there the backup would have gone on.`;
    const message = `The command ${name} the backup of “${set}” ${how}${lastWords(tail.text)}`;
    return new HookError('hook-failed', message, { hint });
  } finally {
    for (const each of [late, signal]) each?.removeEventListener('abort', stop);
  }
}

/**
 * How a command has ended. What it leaves running, such as a queue's worker, is left alone though it may hold the outputs,
 * unless all of it is being ended.
 */
async function endingOf(child: ChildProcess, isBeingEnded: () => boolean): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, by) => resolve(code ?? by ?? 'killed'));
    child.once('exit', (code, by) => {
      setTimeout(() => {
        if (isBeingEnded()) return;
        for (const stream of [child.stdout, child.stderr] as (Socket | null)[])
          stream?.removeAllListeners('data').resume().unref();
        resolve(code ?? by ?? 'killed');
      }, LAST_WORDS_MS).unref();
    });
  });
}

function redactorOfEnvironment(): Redactor {
  const secrets = Object.entries(process.env).flatMap(([key, value = '']) =>
    SECRET_NAME.test(key) && value.length >= 4 ? [value] : [],
  );
  return redactorOfSecrets(secrets);
}

/** The last line that a command said. */
function lastWords(output: string): string {
  const line = output.trim().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '.' : `: ${line.slice(0, 200).replace(/[.\s]+$/, '')}.`;
}
