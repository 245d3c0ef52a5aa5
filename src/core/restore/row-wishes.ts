import { type Cell, cellOf, formsOf, keyName } from '../compare/rows-cell.ts';
import { type ComparedDatabase, compareTable } from '../compare/rows.ts';
import type { RowEditor, TableHead } from '../database/engine.ts';
import { DatabaseError } from '../database/error.ts';
import type { Task } from '../task.ts';
import type { RowWish } from './row-plan.ts';

/** Rows of one table that somebody chose from a comparison. */
export interface RowSelection {
  /** Below the database: `tables/<schema>.<table>`. */
  readonly table: string;
  /** Keys as a comparison shows them. */
  readonly keys: readonly (readonly Cell[])[];
}

/** The table as it is now. @throws {DatabaseError} `cannot-hold` */
export async function liveTable(editor: RowEditor, schema: string, name: string): Promise<TableHead> {
  const live = await editor.table(schema, name);
  if (live === undefined) throw cannotHold(`There is no table “${name}” any more`);
  if (live.details?.['noTransactions'] === true) {
    throw cannotHold(`“${name}” has no transactions, so a restore that fails could not be undone`);
  }
  return live;
}

/** What the chosen rows of a table are to be and were expected to be. */
export async function wishesOf(
  editor: RowEditor,
  compared: ComparedDatabase,
  side: 'before' | 'after',
  { table: path, keys }: RowSelection,
  task: Task,
): Promise<RowWish[]> {
  const comparison = compareTable(compared, path);
  const { before, after, layout } = comparison;
  const known = (after ?? before)?.table;
  if (known === undefined) throw notThere(path);
  if (layout.key.length === 0 || known.details?.['internal'] === true) {
    throw cannotHold(`The rows of “${known.name}” have no key they could be found by`);
  }
  // SQLite lets NULL into keys, and does not mind how often.
  if (keys.some((key) => key.includes(null))) {
    throw cannotHold(
      `A row of “${known.name}” has no value in its key, and nothing else it could be found by`,
    );
  }
  const live = await liveTable(editor, known.schema, known.name);
  const engine = (compared.after ?? compared.before)!.info.engine;
  const wanted = new Set(keys.map(keyName));
  const wishes: RowWish[] = [];
  for await (const change of comparison.changes(undefined, task)) {
    if (wanted.size === 0) break;
    const own = change.after === undefined ? before! : after!;
    const values = change.after ?? change.before ?? [];
    const forms = formsOf(engine, own.table);
    const places = layout.key.map((part) => (own === after ? part.after : part.before));
    const shownKey = places.map((place) =>
      cellOf(values[place] ?? null, forms.get(own.table.columns[place]!.name) ?? 'text', Infinity),
    );
    if (!wanted.delete(keyName(shownKey))) continue;
    const [target, expected] = side === 'before' ? [before, after] : [after, before];
    const [targetRow, expectedRow] =
      side === 'before' ? [change.before, change.after] : [change.after, change.before];
    wishes.push({
      path,
      shownKey,
      live,
      key: places.map((place) => values[place] ?? null),
      keyNames: places.map((place) => own.table.columns[place]!.name),
      target: targetRow && { columns: target!.table.columns, values: targetRow },
      expected: expectedRow && { columns: expected!.table.columns, values: expectedRow },
    });
  }
  if (wanted.size > 0) throw notThere(path);
  return wishes;
}

function cannotHold(why: string): DatabaseError {
  return new DatabaseError('cannot-hold', `${why}.`, { hint: 'Restore the whole table.' });
}

function notThere(path: string): DatabaseError {
  return new DatabaseError('not-in-backup', `Some of the chosen rows of ${path} do not differ.`, {
    hint: 'Compare again and choose anew.',
  });
}
