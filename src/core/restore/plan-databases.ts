import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BackupDatabase } from '../backup/databases.ts';
import type { DatabaseAddress, DatabasePlan, DumpSource, ExtractedPart } from '../database/engine.ts';
import { engineAt, engineNamed } from '../database/engines.ts';
import { DatabaseError } from '../database/error.ts';
import { systemCode } from '../errors.ts';
import { checkRestorePath } from '../path/restore-path.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { notInBackup, placeOf, type SelectedDatabase } from './database-selection.ts';
import { openDatabase, type WorkedDatabase } from './database-targets.ts';
import { diskFailure } from './disk-failure.ts';
import { RestoreError } from './error.ts';
import { newRestoreId } from './journal.ts';
import { openRestoreSource } from './restore-source.ts';
import { DAMAGE_HINT, DAMAGE_WAY_OUT } from './skipped.ts';
import { mustBeFreeOrOfSet, type Standing, standingAt, standingNotices } from './replaced-database.ts';

/** A database with its plan; nothing is done yet. */
export interface PlannedDatabase extends WorkedDatabase {
  readonly selected: SelectedDatabase;
  readonly source: DumpSource;
  readonly plan: DatabasePlan;
  readonly standing: Standing;
}

/** Databases with their plans. Disposing closes the connections. */
export interface PlannedDatabases extends AsyncDisposable {
  readonly databases: readonly PlannedDatabase[];
}

/** What becomes of a database. */
export interface RestoredDatabase {
  readonly database: string;
  /** Where it goes, in words: a file, a database of a server, a folder. */
  readonly target: string;
  /** Whether nothing was there before. */
  readonly creates: boolean;
  readonly tables: number;
  /** Sentences worth knowing before. */
  readonly notices: readonly string[];
}

/** What the plan of databases depends on. */
export interface DatabaseRequest {
  /** The databases of the live set. */
  readonly live: readonly BackupDatabase[];
  /** Whether sessions of others may be ended when the switch comes. */
  readonly mayEndSessions: boolean;
  /** Whether what is live may be lost where it cannot be kept beside. */
  readonly mayLoseLive: boolean;
  /** Whether targets may be replaced that hold something and are no databases of the set. */
  readonly mayOverwrite?: boolean | undefined;
}

/**
 * Connects to where databases are restored to and finds out whether they can be. Changes nothing.
 * @throws {RestoreError} `no-target`, `same-target`, `target-not-empty`; {DatabaseError}, {SetError}, {VaultError}, {CancelledError}; nothing stays open.
 */
export async function planDatabases(
  vault: Vault,
  record: BackupRecord,
  selected: readonly SelectedDatabase[],
  { live, ...consent }: DatabaseRequest,
  task: Task,
): Promise<PlannedDatabases> {
  const databases: PlannedDatabase[] = [];
  const close = async (): Promise<void> => {
    await Promise.allSettled(databases.splice(0).map(async ({ open }) => open[Symbol.asyncDispose]()));
  };
  try {
    for (const one of selected) {
      throwIfCancelled(task);
      const planned = await planOne(vault, record, one, { live, ...consent }, task);
      databases.push(planned);
      mustBeAlone(planned, databases);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { databases, [Symbol.asyncDispose]: close };
}

async function planOne(
  vault: Vault,
  record: BackupRecord,
  selected: SelectedDatabase,
  { live, mayOverwrite = false, ...consent }: DatabaseRequest,
  task: Task,
): Promise<PlannedDatabase> {
  const { name } = selected;
  const place = placeOf(selected, live);
  if (place === undefined) {
    throw new RestoreError(
      'no-target',
      `The set has no database “${name}” any more, so where it belongs is not known.`,
      {
        hint: 'Name the database of the set that takes its place with --database OLD=NEW, restore with --to to a folder, or leave databases out with --no-databases.',
      },
    );
  }
  const { database, target } = place;
  const source = await openRestoreSource(vault, record, name, DAMAGE_HINT);
  const address = await database.address();
  const open = await openDatabase(address, target);
  try {
    const engine = await engineNamed(source.info.engine);
    await mustMatch(source, engine.name, address);
    // Of its own: what is built beside the live databases of one server is named by it.
    const request = { restoreId: newRestoreId(), tables: selected.tables, ...consent };
    const plan = await open.guard(async (each) => each.plan(source, request, task));
    const standing = await standingAt({ name: database.name, target }, address, live);
    mustBeFreeOrOfSet(standing, plan, { mayOverwrite, mayLoseLive: consent.mayLoseLive });
    const { workspace } = address;
    const journal = { name: database.name, source: database.source, workspace, target, ticket: plan.ticket };
    return { selected, source, plan, standing, open, journal };
  } catch (error) {
    await open[Symbol.asyncDispose]();
    throw error;
  }
}

function mustBeAlone(database: PlannedDatabase, all: readonly PlannedDatabase[]): void {
  const { target } = database.plan;
  const { liveName } = database.standing;
  const isSame = (one: PlannedDatabase): boolean =>
    one.source.info.engine === database.source.info.engine &&
    (one.plan.target === target || one.standing.liveName === liveName);
  const other = all.find((one) => one !== database && isSame(one));
  if (other === undefined) return;
  throw new RestoreError(
    'same-target',
    `“${other.selected.name}” and “${database.selected.name}” would both be restored to ${target}.`,
    { hint: 'Nothing was changed. Restore one of them, or one to another database: --database NAME=TARGET.' },
  );
}

async function mustMatch(source: DumpSource, engine: string, address: DatabaseAddress): Promise<void> {
  const { name } = await engineAt(address);
  if (name === engine) return;
  throw new DatabaseError(
    'cannot-hold',
    `“${source.name}” of the backup is ${source.info.product}, but the set now has a database of another kind there.`,
    { hint: 'Restore with --to to a folder, and load it with its own tools.' },
  );
}

/** Builds all new databases beside the old ones and checks them. @throws as `RestoreTarget.build`. */
export async function buildDatabases(databases: readonly PlannedDatabase[], task: Task): Promise<void> {
  for (const { open, source, plan } of databases) {
    await open.guard(async (target) => target.build(source, plan.ticket, task));
  }
}

/** A folder that a database of a backup goes to. */
export interface ExtractPlace {
  readonly source: DumpSource;
  /** Absolute. */
  readonly folder: string;
  readonly part: ExtractedPart;
}

/**
 * Finds the folders that databases are written to, `<to>/databases/<name>`, which must not hold anything.
 * @throws {RestoreError} `target-not-empty`, `hostile-path`, `not-in-backup`; {VaultError}
 */
export async function planExtracts(
  vault: Vault,
  record: BackupRecord,
  selected: readonly SelectedDatabase[],
  to: string,
): Promise<ExtractPlace[]> {
  const places: ExtractPlace[] = [];
  for (const { name, tables, without = [] } of selected) {
    const path = `databases/${name}`;
    if (checkRestorePath(path, process.platform) !== undefined || path.split('/').length !== 2) {
      throw new RestoreError(
        'hostile-path',
        `The backup holds a database that must not be restored, ${path}.`,
        {
          hint: 'Nothing was changed. This is not a backup CRM Backup makes: find out where it comes from.',
        },
      );
    }
    const folder = join(to, 'databases', name);
    if ((await namesIn(folder)).length > 0) {
      throw new RestoreError('target-not-empty', `${folder}, where the database goes, is not empty.`, {
        hint: 'Restore to another folder, or files alone with --no-databases; nothing was changed.',
      });
    }
    // Files are there by then.
    const source = await openRestoreSource(vault, record, name, DAMAGE_WAY_OUT);
    const missing = tables?.find((table) => !source.tables.some((each) => each.path === table));
    if (missing !== undefined) throw notInBackup(record, `${path}/${missing}`);
    places.push({ source, folder, part: { tables, without } });
  }
  return places;
}

/**
 * Writes databases as files that their own clients load. Each folder appears when all is in it.
 * @throws {DatabaseError}, {RestoreError}, {VaultError}, {CancelledError}; folders that are finished by then stay.
 */
export async function extractDatabases(places: readonly ExtractPlace[], task: Task): Promise<void> {
  for (const { source, folder, part } of places) {
    const engine = await engineNamed(source.info.engine);
    let staged: string | undefined;
    try {
      mkdirSync(dirname(folder), { recursive: true });
      staged = await mkdtemp(join(dirname(folder), '.crm-backup-database-'));
      await engine.extract(source, staged, task, part);
      await rename(staged, folder);
    } catch (error) {
      if (staged !== undefined) await rm(staged, { recursive: true, force: true });
      throw diskFailure(`write ${folder}`, error);
    }
  }
}

/** What becomes of a database whose restore was planned. */
export function restored({ selected, plan, standing }: PlannedDatabase): RestoredDatabase {
  const { target, creates, tables } = plan;
  const notices = [...standingNotices(selected, standing, plan), ...plan.notices];
  return { database: selected.name, target, creates, tables, notices };
}

/** What becomes of a database that is written to a folder. */
export function extracted({ source, folder, part }: ExtractPlace): RestoredDatabase {
  const { tables, without } = part;
  const notices = without.map(
    (table) => `${table} is made without its rows: they are damaged or lost in the vault.`,
  );
  const count = (tables ?? source.tables).length - without.length;
  return { database: source.name, target: folder, creates: true, tables: count, notices };
}

/**
 * What a restore would do with databases of a backup. Changes nothing.
 * @param to The folder they would be written to instead of where they are.
 * @throws as {@link planDatabases} and {@link planExtracts}
 */
export async function previewDatabases(
  vault: Vault,
  record: BackupRecord,
  selected: readonly SelectedDatabase[],
  to: string | undefined,
  request: DatabaseRequest,
  task: Task,
): Promise<readonly RestoredDatabase[]> {
  if (to !== undefined) return (await planExtracts(vault, record, selected, to)).map(extracted);
  await using planned = await planDatabases(vault, record, selected, request, task);
  return planned.databases.map(restored);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw diskFailure(`look into ${folder}`, error);
  }
}
