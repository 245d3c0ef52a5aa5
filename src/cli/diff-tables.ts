import type { TableSummary } from '../core/compare/rows.ts';
import type { Problem } from '../core/problem.ts';
import { type Comparison, databasesOf } from './diff-sides.ts';
import { printable } from './printable.ts';
import { counted, formatCount } from './quantity.ts';
import type { Session } from './session.ts';

const LETTERS = { added: 'A', modified: 'M', deleted: 'D' } as const;
const COLOURS = { added: 'green', modified: 'yellow', deleted: 'red' } as const;

/** What became of the tables that differ. Databases and tables that cannot be read are reported. */
export async function collectTables(
  comparison: Comparison,
  report: (problem: Problem, error?: unknown) => void,
  { task }: Session,
): Promise<TableSummary[]> {
  const { openDatabases, unlessDamaged } = await import('../core/compare/rows-open.ts');
  const { summarizeTables } = await import('../core/compare/rows.ts');
  const { opened, from, paths } = comparison;
  const selection = { from, to: databasesOf(comparison), paths };
  const summaries: TableSummary[] = [];
  const quiet = { signal: task.signal };
  for await (const database of openDatabases(opened.vault, selection, report, task)) {
    for (const [done, path] of database.tables.entries()) {
      task.progress?.({ phase: 'rows', done, total: database.tables.length, unit: 'rows' });
      await unlessDamaged(`${database.name}/${path}`, report, async () => {
        for await (const summary of summarizeTables(database, [path], quiet)) summaries.push(summary);
      });
    }
  }
  return summaries;
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
