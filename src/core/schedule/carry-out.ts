import { CancelledError, CrmBackupError } from '../errors.ts';
import { backUpWithHooks, type HookedBackup, tellingToo } from '../hooks.ts';
import { latestOf } from '../latest.ts';
import type { PlacedSet } from '../open.ts';
import { isToBeTold } from '../restore/concerned.ts';
import { interruptedSentence } from '../restore/interrupted-sentence.ts';
import type { Lacking } from '../restore/lacking.ts';
import { type Recovered, recoverRestores } from '../restore/recover.ts';
import { homeOf, type Surroundings } from '../surroundings.ts';
import type { Task } from '../task.ts';
import type { Vault } from '../vault/vault.ts';
import { verify, type VerifyOptions } from '../vault/verify.ts';
import { isOffPeak } from './off-peak.ts';
import { readRollingSample } from './rolling-sample.ts';
import type { Damage } from '../vault/damage.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Job } from './job.ts';
import type { RunStatus } from './state.ts';

/** What came of a job. */
export interface Carried {
  readonly status: RunStatus;
  /** Id of the backup that was taken or rehearsed. */
  readonly backup?: string | undefined;
  readonly message?: string | undefined;
  readonly hint?: string | undefined;
  /** Code of the failure, where something failed though the job is done. */
  readonly code?: string | undefined;
}

/** What unlabelled backups of the schedule are called. */
const LABEL = 'Scheduled';
const REPAIR = '“crm-backup repair” mends what can be mended.';

/** Does one job of a set. Throws what backups, verifications and drills throw. */
export async function carryOut(
  { kind, anyTime }: Job,
  { set }: PlacedSet,
  vault: Vault,
  surroundings: Surroundings,
  task: Task,
): Promise<Carried> {
  if (kind === 'verify') return verified(vault, { level: 'data' }, task);
  if (kind === 'drill') return rehearsed(vault, set, surroundings, task);
  const home = homeOf(surroundings);
  const recovered = await recoverRestores(home, undefined, surroundings.secret);
  const mine = {
    workspace: set.workspace,
    sets: [set],
    records: async () => (await vault.records()).records,
  };
  const told: Recovered[] = [];
  for (const found of recovered) if (await isToBeTold(found, mine)) told.push(found);
  const [interrupted] = told.flatMap(interruptedSentence);
  const hooked = await backUpWithHooks(vault, set, { kind, label: LABEL }, surroundings, task);
  const isQuiet = (): boolean => anyTime || isOffPeak(set.offPeak, new Date());
  try {
    const carried = await follow(hooked.record, set, vault, home, isQuiet, task);
    return withHook(hooked, { ...carried, message: joined(carried.message, interrupted) });
  } catch (error) {
    throw tellingToo(error, hooked);
  }
}

/** What follows a backup: a look at the vault, then the retention. */
async function follow(
  { id, status, problems }: BackupRecord,
  set: PlacedSet['set'],
  vault: Vault,
  home: string,
  isQuiet: () => boolean,
  task: Task,
): Promise<Carried> {
  const check = await verified(vault, { level: 'quick' }, task);
  if (check.status === 'damaged') return { ...check, backup: id };
  const damage = await readRollingSample(vault, home, isQuiet, task);
  if (damage.length > 0) return { ...damaged(damage), backup: id };
  const left = await tidyUp(vault, set, task);
  if (status === 'complete') return { status: 'done', backup: id, message: left };
  const first = problems.find(({ incomplete }) => incomplete);
  return { status: 'partial', backup: id, message: joined(first?.message, left) };
}

/** What came of a backup and the commands around it: only damage is worse than one that failed. */
function withHook({ notices, failure }: HookedBackup, carried: Carried): Carried {
  const { status } = carried;
  if (failure === undefined) return { ...carried, message: joined(carried.message, ...notices) };
  const { message, hint, code } = failure;
  if (status === 'damaged') return { ...carried, message: joined(carried.message, ...notices, message) };
  return {
    ...carried,
    status: 'hook-failed',
    message: joined(message, carried.message, ...notices),
    hint,
    code,
  };
}

function joined(...sentences: readonly (string | undefined)[]): string | undefined {
  const told = sentences.filter((sentence) => sentence !== undefined);
  return told.length === 0 ? undefined : told.join(' ');
}

/** Forgets and frees by the set's retention. What keeps it from that comes back; the backup is good all the same. */
async function tidyUp(vault: Vault, set: PlacedSet['set'], task: Task): Promise<string | undefined> {
  if (set.retention === undefined) return undefined;
  const { tidy } = await import('../retention/tidy.ts');
  try {
    await tidy(vault, [set], new Date(), task);
    return undefined;
  } catch (error) {
    if (!(error instanceof CrmBackupError) || error instanceof CancelledError) throw error;
    return `The retention was not applied: ${error.message}`;
  }
}

async function rehearsed(
  vault: Vault,
  set: PlacedSet['set'],
  surroundings: Surroundings,
  task: Task,
): Promise<Carried> {
  const { records } = await vault.records();
  const latest = latestOf(records.filter((record) => record.set === set.name));
  if (latest === undefined)
    return { status: 'skipped', message: 'There is no backup to rehearse a restore of.' };
  const { drill } = await import('../drill/drill.ts');
  const { differences, differenceCount, problems, lacking } = await drill(
    vault,
    latest,
    { home: homeOf(surroundings), set, secret: surroundings.secret },
    task,
  );
  const [first] = differences;
  if (first === undefined) {
    const [problem] = problems;
    return {
      status: problem === undefined ? 'done' : 'partial',
      backup: latest.id,
      message: problem?.message ?? (lacking === undefined ? undefined : partialText(lacking)),
    };
  }
  return {
    status: 'damaged',
    backup: latest.id,
    message: `The rehearsed restore differs from the backup in ${differenceCount} places: ${first.path}: ${first.message}`,
    hint: 'Run “crm-backup verify --level drill” to see all of it.',
  };
}

/** A backup that lacks something is no fault of its restore, but nobody shall think that all is there. */
function partialText({ count, first }: Lacking): string {
  return `The backup that was rehearsed is partial; entries missing or in doubt: ${count}, the first: ${first.path}: ${first.message}`;
}

async function verified(vault: Vault, options: VerifyOptions, task: Task): Promise<Carried> {
  const { damage } = await verify(vault, options, task);
  return damage.length === 0 ? { status: 'done' } : damaged(damage);
}

function damaged(damage: readonly Damage[]): Carried {
  const backups = new Set(damage.flatMap((each) => each.backups)).size;
  const concerned = backups === 0 ? 'no backup has lost anything' : `${backups} backups have lost something`;
  return {
    status: 'damaged',
    message: `The verification found damage in the vault: ${damage.length} objects, ${concerned}.`,
    hint: REPAIR,
  };
}
