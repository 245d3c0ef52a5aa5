import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { recordRecovery, type RecoveryRecord } from '../metrics/recovery-record.ts';
import { namesIn } from '../names-in.ts';
import { nodeDisk } from '../restore/disk.ts';
import { isSystemError } from '../restore/disk-failure.ts';
import { RestoreError } from '../restore/error.ts';
import { type Lacking, lackingOf } from '../restore/lacking.ts';
import { recoverRestores } from '../restore/recover.ts';
import { restore, type RestoreReport, type RestoreSet } from '../restore/restore.ts';
import { removeTree } from '../restore/staging.ts';
import type { SecretSource } from '../surroundings.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { isAlive, lockForReading } from '../vault/lock.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { compareFiles } from './compare-files.ts';
import { Differences, type Difference } from './difference.ts';
import type { DrillProblem } from './left-out.ts';
import { noteDamage } from './note-damage.ts';
import { rehearseDatabases } from './rehearse-databases.ts';
import { TooLong } from './too-long.ts';

/** What a drill works with. */
export interface DrillOptions {
  /** The folder with everything the tool keeps for its user; the scratch folder is made there. */
  readonly home: string;
  /** The live set: only where its database servers are is taken from it. */
  readonly set?: Pick<RestoreSet, 'databases'> | undefined;
  /** Where secrets come from that addresses of a drill before name. */
  readonly secret?: SecretSource | undefined;
}

/** What a rehearsed restore came to. */
export interface DrillReport {
  /** Id of the backup. */
  readonly backup: string;
  /** How long a restore of all of it takes, in milliseconds, without comparing it afterwards. */
  readonly recoveryTimeMs: number;
  readonly phases: RecoveryRecord['phases'];
  /** What was compared with the backup, and how long that took. */
  readonly compared: {
    readonly entries: number;
    readonly bytes: number;
    readonly databases: number;
    readonly tables: number;
    readonly rows: number;
    readonly durationMs: number;
  };
  /** What did not come back as it was backed up; the first of it, if it is very much. */
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
  /** What was rehearsed only in part, a sentence each. */
  readonly notices: readonly string[];
  /** What was left out. */
  readonly problems: readonly DrillProblem[];
  /** What the backup itself does not have, though its set does. */
  readonly lacking?: Lacking | undefined;
}

const WAIT_FOR_LOCK_MS = 10_000;

/**
 * Restores a backup for real, to a scratch folder and to databases of other names on their servers, compares what came
 * back with the backup, entry by entry and row by row, and removes it again. Nothing that is live is read or written.
 * How long it took is kept ({@link recordRecovery}). A database whose server is out of reach is left out and told, unless
 * nothing else is in the backup; so are files whose paths are too long there. A cancellation removes what was restored;
 * what a kill leaves is removed by the next drill or restore.
 * @throws {RestoreError}, {DatabaseError}, {SetError}, {VaultError}, {StorageError}, {CancelledError}
 */
export async function drill(
  vault: Vault,
  record: BackupRecord,
  { home, set, secret }: DrillOptions,
  task: Task = {},
): Promise<DrillReport> {
  throwIfCancelled(task);
  // Only what drills have left: nothing that is live is read or written.
  await recoverRestores(home, undefined, secret, ({ isDrill }) => isDrill === true);
  const startedAt = new Date();
  // Between the restore and the comparison nothing may be pruned either.
  const purpose = 'a drill';
  await using _lock = await lockForReading(vault.storage, { purpose, waitMs: WAIT_FOR_LOCK_MS }, task);
  const differences = new Differences();
  const scratch = makeScratch(home);
  const tooLong = new TooLong(scratch);
  try {
    const hasFiles = record.sources.some(({ type }) => type === 'files');
    const files = hasFiles ? await restoreFiles(vault, record, home, { scratch, tooLong }, task) : undefined;
    const restoredAt = performance.now();
    const compared = hasFiles
      ? await compareFiles(vault, record, scratch, differences, task, tooLong)
      : NO_FILES;
    const filesMs = performance.now() - restoredAt;
    const databases = await rehearseDatabases(
      vault,
      record,
      { home, scratch, live: set?.databases ?? [] },
      differences,
      task,
    );
    // Nothing was rehearsed, so there is nothing to be told but why.
    if (!hasFiles && databases.databases === 0 && databases.failure !== undefined) throw databases.failure;
    const { fetch = 0, decode = 0, write = 0, load = 0, verify = 0 } = files?.phases ?? {};
    const report: DrillReport = {
      backup: record.id,
      recoveryTimeMs: Math.round((files?.durationMs ?? 0) + databases.durationMs),
      phases: { fetch, decode, write, load: load + databases.loadMs, verify },
      compared: {
        ...compared,
        databases: databases.databases,
        tables: databases.tables,
        rows: databases.rows,
        durationMs: Math.round(filesMs + databases.comparedMs),
      },
      differences: differences.first,
      differenceCount: differences.count,
      notices: databases.notices,
      problems: [...tooLong.problems, ...databases.problems],
      lacking: lackingOf(record, undefined),
    };
    const isWhole = report.notices.length + report.problems.length === 0;
    keep(home, vault.id, record, startedAt, report, databases.bytes, isWhole);
    return report;
  } catch (error) {
    await noteDamage(vault, record, error);
    throw error;
  } finally {
    removeScratch(scratch);
    active.delete(scratch);
  }
}

async function restoreFiles(
  vault: Vault,
  record: BackupRecord,
  home: string,
  { scratch, tooLong }: { readonly scratch: string; readonly tooLong: TooLong },
  task: Task,
): Promise<RestoreReport> {
  try {
    const isLeftOut = (path: string): boolean => tooLong.has(path);
    return await restore(
      vault,
      record,
      { home, to: scratch, databases: 'none', isDrill: true, isLeftOut },
      task,
    );
  } catch (error) {
    if (!(error instanceof RestoreError) || error.code !== 'unsupported-name') throw error;
    // A drill has no folder that one could choose.
    throw new RestoreError(error.code, error.message, {
      cause: error,
      hint: `Drills restore to ${dirname(scratch)}: let CRM_BACKUP_HOME be a folder with a shorter path or on another disk for the drill, or rehearse it yourself with “crm-backup restore --to”.`,
    });
  }
}

const NO_FILES = { entries: 0, bytes: 0 };

function keep(
  home: string,
  vaultId: string,
  record: BackupRecord,
  startedAt: Date,
  { recoveryTimeMs, phases, compared, differenceCount }: DrillReport,
  databaseBytes: number,
  isWhole: boolean,
): void {
  recordRecovery(home, vaultId, {
    version: 1,
    kind: 'drill',
    set: record.set,
    backup: record.id,
    at: startedAt.toISOString(),
    durationMs: recoveryTimeMs,
    phases,
    bytes: compared.bytes,
    databaseBytes,
    files: record.files.total,
    tables: compared.tables,
    isWhole,
    isGood: differenceCount === 0,
  });
}

/** Folders of drills that this process does now. */
const active = new Set<string>();

/** Makes a folder for one drill, and removes those of drills that died; a process before may have had this one’s number. */
function makeScratch(home: string): string {
  const all = join(home, 'drills');
  for (const name of namesIn(all)) {
    const pid = Number(name.split('-')[0]);
    const isDead = pid === process.pid ? !active.has(join(all, name)) : !isAlive(pid);
    if (isDead) removeScratch(join(all, name));
  }
  const scratch = join(all, `${process.pid}-${randomBytes(4).toString('hex')}`);
  active.add(scratch);
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  return scratch;
}

/** Removes what a drill has restored; what cannot be removed now neither spoils its result nor stops the next, which tries again. */
function removeScratch(scratch: string): void {
  try {
    removeTree(nodeDisk(), scratch);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}
