import type { ObjectChange } from '../core/compare/objects.ts';
import type { TableSummary } from '../core/compare/rows.ts';
import type { Problem } from '../core/problem.ts';
import { isWithin } from '../core/vault/order.ts';
import { type Comparison, databasesOf } from './diff-sides.ts';
import { printable } from '../core/printable.ts';
import { counted, formatCount } from './quantity.ts';
import type { Session } from './session.ts';

const LETTERS = { added: 'A', modified: 'M', deleted: 'D' } as const;
const COLOURS = { added: 'green', modified: 'yellow', deleted: 'red' } as const;

/** What of databases differs. */
export interface DatabaseChanges {
  readonly tables: readonly TableSummary[];
  /** What else differs of live databases; of two backups these are entries like any other. */
  readonly objects: readonly ObjectChange[];
}

/** What became of the databases. Those and tables that cannot be read are reported. */
export async function collectTables(
  comparison: Comparison,
  report: (problem: Problem, error?: unknown) => void,
  { task }: Session,
): Promise<DatabaseChanges> {
  const { openDatabases, unlessDamaged } = await import('../core/compare/rows-open.ts');
  const { summarizeTables } = await import('../core/compare/rows.ts');
  const { changedObjects } = await import('../core/compare/objects.ts');
  const { opened, from, to, paths } = comparison;
  const selection = { from, to: databasesOf(comparison), paths };
  const tables: TableSummary[] = [];
  const objects: ObjectChange[] = [];
  const isWanted = ({ path }: ObjectChange): boolean =>
    paths.length === 0 || paths.some((each) => isWithin(path, each));
  const quiet = { signal: task.signal };
  for await (const database of openDatabases(opened.vault, selection, report, task)) {
    for (const [done, path] of database.tables.entries()) {
      task.progress?.({ phase: 'rows', done, total: database.tables.length, unit: 'rows' });
      await unlessDamaged(`${database.name}/${path}`, report, async () => {
        for await (const summary of summarizeTables(database, [path], quiet)) tables.push(summary);
      });
    }
    const { name, before, after } = database;
    if (to !== undefined || before === undefined || after === undefined) continue;
    const changed = await unlessDamaged(name, report, async () => changedObjects(name, before, after));
    objects.push(...(changed ?? []).filter(isWanted));
  }
  return { tables, objects };
}

/** An object as `--json` tells of it among the entries. */
export function objectJson({ path, change }: ObjectChange): Record<string, unknown> {
  return { path, change, type: 'object', binary: false, added: null, deleted: null };
}

/** Objects that differ, a line each. */
export function* objectLines(objects: readonly ObjectChange[], { paint }: Session): Generator<string> {
  for (const { path, change } of objects)
    yield `${paint(COLOURS[change], LETTERS[change])}  ${printable(path)}\n`;
}

/** A table as `--json` tells of it. */
export function tableJson({ database, table, ...rest }: TableSummary): Record<string, unknown> {
  const { added, changed, deleted, schemaChanged, change, path } = rest;
  return { database, table, added, changed, deleted, schemaChanged, change, path };
}

/** Tables that differ, a line each, and what all of them come to. */
export function* tableLines(summaries: readonly TableSummary[], { paint }: Session): Generator<string> {
  const total = { added: 0, changed: 0, deleted: 0 };
  for (const { database, path, change, added, changed, deleted, schemaChanged } of summaries) {
    total.added += added;
    total.changed += changed;
    total.deleted += deleted;
    const rows = [
      ...(added > 0 ? [`+${formatCount(added)}`] : []),
      ...(changed > 0 ? [`~${formatCount(changed)}`] : []),
      ...(deleted > 0 ? [`-${formatCount(deleted)}`] : []),
    ];
    const parts = [
      ...(rows.length > 0 ? [`${rows.join(' ')} rows`] : []),
      ...(schemaChanged && change === 'modified' ? ['structure changed'] : []),
    ];
    const name = printable(`databases/${database}/${path}`);
    yield [
      paint(COLOURS[change], LETTERS[change]),
      name,
      ...(parts.length > 0 ? [parts.join(', ')] : []),
    ].join('  ');
    yield '\n';
  }
  if (summaries.length === 0) return;
  yield `${counted(summaries.length, 'table')} changed; ${counted(total.added, 'row')} added, ${formatCount(
    total.changed,
  )} changed, ${formatCount(total.deleted)} deleted\n`;
}
