import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemCode } from '../../errors.ts';
import { type Task, throwIfCancelled } from '../../task.ts';
import type { DumpedTable, DumpSource, ExtractedPart } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import type { ColumnPlan } from './columns.ts';
import { readDumped } from './dumped.ts';
import { valuesOf, wholeLines } from './load-rows.ts';
import { readPositions } from './positions.ts';
import { quoteName, quoteText } from './quote.ts';
import { namesOf } from './statement.ts';
import { inMakingOrder, type StoredObject } from './stored-object.ts';

const FILE = 'database.sql';
const STATEMENT_BYTES = 512 * 1024;

const BEGIN = `-- Load it into an empty database: mysql --binary-mode DATABASE < ${FILE}
SET NAMES utf8mb4;
SET time_zone = '+00:00', foreign_key_checks = 0, unique_checks = 0;
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES';
`;

/** Writes `database.sql`, which the server’s own client loads; see `DatabaseEngine.extract`. */
export async function extract(
  source: DumpSource,
  folder: string,
  task: Task,
  part?: ExtractedPart,
): Promise<void> {
  const file = join(folder, FILE);
  try {
    await pipeline(Readable.from(script(source, task, part)), createWriteStream(file, { flags: 'wx' }));
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new DatabaseError(full ? 'no-space' : 'write-failed', `${file} could not be written: ${code}.`, {
      hint: full ? 'Free space there, then try again.' : 'Choose an empty folder you may write to.',
      cause: error,
    });
  }
}

async function* script(
  source: DumpSource,
  task: Task,
  { tables: chosen, without }: ExtractedPart = { tables: undefined, without: [] },
): AsyncGenerator<Buffer> {
  const { tables, objects } = await readDumped(source, chosen);
  const { counters, sequences } = readPositions(source.info);
  yield Buffer.from(BEGIN);
  for (const { kind, statement } of inOrder(objects))
    if (kind === 'sequence' || kind === 'table') yield Buffer.from(`${statement};\n`);
  for (const [name, position] of chosen === undefined ? sequences : [])
    yield Buffer.from(`SELECT SETVAL(${quoteName(name)}, ${position});\n`);
  for (const table of tables) {
    throwIfCancelled(task);
    if (without.includes(table.path))
      yield Buffer.from(`-- The rows of ${quoteName(table.name)} are damaged or lost in the vault.\n`);
    else yield* inserts(source, table, task);
    const counter = counters.get(table.name);
    if (counter !== undefined)
      yield Buffer.from(`ALTER TABLE ${quoteName(table.name)} AUTO_INCREMENT = ${counter};\n`);
  }
  for (const object of inOrder(objects))
    if (object.kind !== 'sequence' && object.kind !== 'table') yield Buffer.from(withSettings(object));
}

async function* inserts(source: DumpSource, table: DumpedTable, task: Task): AsyncGenerator<Buffer> {
  const literals = table.details?.['literals'] as readonly ColumnPlan['literal'][];
  const names = table.columns.map(({ name }) => quoteName(name)).join(', ');
  const begin = Buffer.from(`INSERT INTO ${quoteName(table.name)} (${names}) VALUES\n`);
  let bytes = 0;
  for await (const line of wholeLines(source.read(table.path))) {
    const row = valuesOf(line, literals);
    yield Buffer.concat([bytes === 0 ? begin : Buffer.from(',\n'), row]);
    bytes += row.length;
    if (bytes < STATEMENT_BYTES) continue;
    throwIfCancelled(task);
    yield Buffer.from(';\n');
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.from(';\n');
}

/** What needs nothing first; views behind the views they read. */
function inOrder(objects: readonly StoredObject[]): StoredObject[] {
  const views = objects.filter(({ kind }) => kind === 'view');
  const left = new Map(views.map((view) => [view.name, view]));
  const sorted: StoredObject[] = [];
  const visit = (view: StoredObject) => {
    if (!left.delete(view.name)) return;
    for (const name of namesOf(view.statement)) {
      const read = left.get(name);
      if (read !== undefined) visit(read);
    }
    sorted.push(view);
  };
  for (const view of views) visit(view);
  return inMakingOrder([...sorted, ...objects.filter(({ kind }) => kind !== 'view')]);
}

/** A view, trigger, routine or event under the settings it was made under. The script itself stays in UTF-8. */
function withSettings({ statement, settings = {} }: StoredObject): string {
  const sets = [
    ...(settings.sqlMode === undefined ? [] : [`sql_mode = ${quoteText(settings.sqlMode)}`]),
    ...(settings.timeZone === undefined ? [] : [`time_zone = ${quoteText(settings.timeZone)}`]),
    ...(settings.collation?.startsWith('utf8mb4') === true
      ? [`collation_connection = ${settings.collation}`]
      : []),
  ];
  const set = sets.length === 0 ? '' : `SET ${sets.join(', ')};\n`;
  return `${set}DELIMITER ;;\n${statement};;\nDELIMITER ;\n`;
}
