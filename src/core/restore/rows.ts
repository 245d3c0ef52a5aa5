import { createHash } from 'node:crypto';
import type { BackupDatabase } from '../backup/databases.ts';
import type { Cell } from '../compare/rows-cell.ts';
import type { ComparedDatabase } from '../compare/rows.ts';
import type { DumpedColumn, RowEdit, RowEditor, TableHead } from '../database/engine.ts';
import { engineAt } from '../database/engines.ts';
import { DatabaseError } from '../database/error.ts';
import type { Field } from '../database/line.ts';
import { redactError, redactorOf } from '../database/redact.ts';
import { tablePath } from '../database/table-path.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import {
  countDependents,
  type Dependent,
  type DependentRows,
  dependentsInTheWay,
  dependentsOf,
  touchedBy,
  type TouchedRow,
} from './row-dependents.ts';
import { planRow, type RowWish } from './row-plan.ts';
import { liveTable, type RowSelection, wishesOf } from './row-wishes.ts';

/** Which rows are put back, and how. */
export interface RowRestoreRequest {
  /** Two versions of the database; rows become what they are in one, and are expected to be what they are in the other. */
  readonly compared: ComparedDatabase;
  /** The version that rows are restored to. */
  readonly side: 'before' | 'after';
  readonly selections: readonly RowSelection[];
  /** Whether rows that are something else by now are overwritten, too. */
  readonly overwrite: boolean;
  /** Whether rows that foreign keys delete or change with them may be lost or changed. */
  readonly dependents?: boolean | undefined;
  /** Of the plan somebody has agreed to; with any other nothing is done. */
  readonly fingerprint?: string | undefined;
}

/** A row that is neither as it was nor as it is to be. */
export interface RowConflict {
  readonly table: string;
  readonly key: readonly Cell[];
}

/** What restoring rows does, or has done. */
export interface RowRestorePlan {
  /** In the order they are run; readable, and exact. */
  readonly statements: readonly string[];
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  /** Rows that are as they should be already. */
  readonly unchanged: number;
  /** Rows that are something else by now; nothing is done as long as there are any and they may not be overwritten. */
  readonly conflicts: readonly RowConflict[];
  /** Rows that nobody chose and that foreign keys delete or change; nothing is done either unless that is allowed. */
  readonly dependents: readonly DependentRows[];
  /** The same only as long as the same is done to the same rows, whatever they are expected to be. */
  readonly fingerprint: string;
}

/** What a row was before it was restored, and what it has been since: data, with values as a dump has them. */
export interface RestoredRow {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly DumpedColumn[];
  readonly keyNames: readonly string[];
  readonly key: readonly (Uint8Array | null)[];
  /** Null for no row. */
  readonly before: readonly (Uint8Array | null)[] | null;
  readonly after: readonly (Uint8Array | null)[] | null;
}

/**
 * Finds out what restoring the chosen rows of a live database would do. Nothing is changed.
 * @throws {DatabaseError} `not-in-backup`, `cannot-hold` and what connecting throws; {SetError}; {VaultError};
 * {CancelledError}
 */
export async function planRowRestore(
  live: BackupDatabase,
  request: RowRestoreRequest,
  task: Task,
): Promise<RowRestorePlan> {
  return editing(live, task, async (editor) => (await makePlan(editor, request, task)).plan);
}

/**
 * Gives the chosen rows of a live database the values they have in a version of it, all of them in one transaction. When
 * it fails or is cancelled, nothing has changed.
 * @throws {DatabaseError} `rows-changed` when rows are neither as they were nor as they are to be and may not be
 * overwritten, or when the plan is no longer the one that was agreed to; `constraint`, `check-failed` when a trigger made something else of them; also as {@link planRowRestore}
 */
export async function restoreRows(
  live: BackupDatabase,
  request: RowRestoreRequest,
  task: Task,
): Promise<RowRestorePlan & { readonly restored: readonly RestoredRow[] }> {
  return editing(live, task, async (editor) => {
    const work = await makePlan(editor, request, task);
    const restored = await carryOut(editor, work, request, task);
    return { ...work.plan, restored };
  });
}

/**
 * Gives rows back what they had before they were restored, all of them in one transaction.
 * @throws as {@link restoreRows}; `rows-changed` when one is no longer what the restore made of it
 */
export async function undoRows(
  live: BackupDatabase,
  restored: readonly RestoredRow[],
  task: Task,
): Promise<RowRestorePlan> {
  return editing(live, task, async (editor) => {
    const wishes: RowWish[] = [];
    for (const row of restored) wishes.push(await undoWish(editor, row));
    const work = await planWishes(editor, wishes, task);
    await carryOut(editor, work, { overwrite: false }, task);
    return work.plan;
  });
}

async function undoWish(editor: RowEditor, row: RestoredRow): Promise<RowWish> {
  const { schema, name, columns, keyNames } = row;
  const stored = (values: RestoredRow['before']): RowWish['target'] =>
    values === null ? undefined : { columns, values: values.map(fieldOf) };
  return {
    path: tablePath(schema, name),
    // Only a plan that somebody looks at shows it.
    shownKey: [],
    live: await liveTable(editor, schema, name),
    key: row.key.map(fieldOf),
    keyNames,
    target: stored(row.before),
    expected: stored(row.after),
  };
}

/** What has come from another process is no Buffer any more. */
function fieldOf(value: Uint8Array | null): Field {
  return value === null ? null : Buffer.from(value);
}

/** Does what was planned; when it fails, nothing has been done. */
async function carryOut(
  editor: RowEditor,
  { plan, wishes, edits, rows, dependents }: WorkedPlan,
  agreed: Pick<RowRestoreRequest, 'overwrite' | 'dependents' | 'fingerprint'>,
  task: Task,
): Promise<RestoredRow[]> {
  const { overwrite, dependents: mayTakeAlong = false, fingerprint = plan.fingerprint } = agreed;
  if (fingerprint !== plan.fingerprint) throw otherPlan();
  if (plan.conflicts.length > 0 && !overwrite) throw changedMeanwhile(plan.conflicts);
  if (dependents.length > 0 && !mayTakeAlong) throw dependentsInTheWay(plan.dependents);
  await runAll(editor, edits, task);
  const after = await checkAll(editor, wishes);
  const takenAlong: RestoredRow[] = [];
  for (const { table, key, row } of dependents)
    takenAlong.push(restoredRow(table, key, row, await editor.lock(table, key)));
  throwIfCancelled(task);
  await editor.commit();
  const chosen = wishes.map(({ live, key }, at) => restoredRow(live, key, rows[at], after[at]));
  return [...chosen, ...takenAlong];
}

function restoredRow(
  table: TableHead,
  key: readonly Field[],
  before: readonly Field[] | undefined,
  after: readonly Field[] | undefined,
): RestoredRow {
  const { schema, name, columns } = table;
  const keyNames = table.key.map((place) => columns[place]!.name);
  return { schema, name, columns, keyNames, key, before: before ?? null, after: after ?? null };
}

async function editing<Result>(
  live: BackupDatabase,
  task: Task,
  work: (editor: RowEditor) => Promise<Result>,
): Promise<Result> {
  const address = await live.address();
  const redact = redactorOf(address.url);
  try {
    const engine = await engineAt(address);
    if (engine.editRows === undefined) {
      throw new DatabaseError('cannot-hold', `Single rows of “${live.name}” cannot be restored.`, {
        hint: 'Restore the whole database.',
      });
    }
    await using editor = await engine.editRows(address, task);
    return await work(editor);
  } catch (error) {
    throw redactError(error, redact);
  }
}

interface WorkedPlan {
  readonly plan: RowRestorePlan;
  readonly wishes: readonly RowWish[];
  readonly edits: readonly RowEdit[];
  /** What is there now, for each wish. */
  readonly rows: readonly (readonly Field[] | undefined)[];
  readonly dependents: readonly Dependent[];
}

async function makePlan(editor: RowEditor, request: RowRestoreRequest, task: Task): Promise<WorkedPlan> {
  const wishes: RowWish[] = [];
  for (const selection of request.selections)
    wishes.push(...(await wishesOf(editor, request.compared, request.side, selection, task)));
  return planWishes(editor, wishes, task);
}

async function planWishes(editor: RowEditor, wishes: readonly RowWish[], task: Task): Promise<WorkedPlan> {
  const edits: RowEdit[] = [];
  const rows: (readonly Field[] | undefined)[] = [];
  const conflicts: RowConflict[] = [];
  const touched: TouchedRow[] = [];
  for (const wish of wishes) {
    throwIfCancelled(task);
    const row = await editor.lock(wish.live, wish.key);
    rows.push(row);
    const { edit, isConflict } = planRow(wish, row);
    if (isConflict) conflicts.push({ table: wish.path, key: wish.shownKey });
    if (edit === undefined) continue;
    edits.push(edit);
    if (row !== undefined) touched.push(touchedBy(edit, row));
  }
  // Rows that are to refer to others do so before those they have referred to go and take them along.
  const ordered = [
    ...edits.filter(({ change }) => change !== 'delete'),
    ...edits.filter(({ change }) => change === 'delete'),
  ];
  const dependents = await dependentsOf(editor, touched, wishes, task);
  const count = (change: RowEdit['change']): number => edits.filter((edit) => edit.change === change).length;
  const statements = ordered.map((edit) => editor.statement(edit));
  return {
    wishes,
    edits: ordered,
    rows,
    dependents,
    plan: {
      statements,
      inserts: count('insert'),
      updates: count('update'),
      deletes: count('delete'),
      unchanged: wishes.length - edits.length,
      conflicts,
      dependents: countDependents(dependents),
      fingerprint: fingerprintOf(statements, rows, dependents),
    },
  };
}

function fingerprintOf(
  statements: readonly string[],
  rows: readonly (readonly Field[] | undefined)[],
  dependents: readonly Dependent[],
): string {
  const textOf = (row: readonly Field[] | undefined): unknown =>
    row?.map((field) => field?.toString('base64') ?? null);
  // A server gives them in any order.
  const along = dependents
    .map(({ table, row, becomes }) => JSON.stringify([table.schema, table.name, textOf(row), becomes]))
    .sort();
  const all = JSON.stringify([statements, rows.map(textOf), along]);
  return createHash('sha256').update(all).digest('hex');
}

/** Runs all edits; what a constraint forbids is tried again when others are done. */
async function runAll(editor: RowEditor, edits: readonly RowEdit[], task: Task): Promise<void> {
  for (let left = [...edits]; left.length > 0;) {
    const postponed: RowEdit[] = [];
    let refusal: DatabaseError | undefined;
    for (const edit of left) {
      throwIfCancelled(task);
      const refused = await editor.run(editor.statement(edit));
      if (refused === undefined) continue;
      refusal ??= refused;
      postponed.push(edit);
    }
    if (refusal !== undefined && postponed.length === left.length) throw refusal;
    left = postponed;
  }
}

/** Every row must now be what it was to be, whatever triggers and defaults there are. They come back as they are. */
async function checkAll(
  editor: RowEditor,
  wishes: readonly RowWish[],
): Promise<(readonly Field[] | undefined)[]> {
  const rows: (readonly Field[] | undefined)[] = [];
  for (const wish of wishes) {
    const row = await editor.lock(wish.live, wish.key);
    rows.push(row);
    if (planRow(wish, row).edit === undefined) continue;
    throw new DatabaseError(
      'check-failed',
      `A trigger or a rule of the database made something else of a row of “${wish.live.name}”, so nothing was changed.`,
      { hint: 'Restore the whole table, or run the statements yourself without the trigger.' },
    );
  }
  return rows;
}

function otherPlan(): DatabaseError {
  return new DatabaseError(
    'rows-changed',
    'Rows have changed since the statements were shown, so nothing was changed.',
    { hint: 'Restore them again, and look at the statements once more.' },
  );
}

function changedMeanwhile(conflicts: readonly RowConflict[]): DatabaseError {
  const what = conflicts.length === 1 ? 'A row is' : `${conflicts.length} rows are`;
  return new DatabaseError(
    'rows-changed',
    `${what} neither as in the one version nor as in the other, so nothing was changed.`,
    { hint: 'Look at what is there now, and overwrite it if that is what you want.' },
  );
}
