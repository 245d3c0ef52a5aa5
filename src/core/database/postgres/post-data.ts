import type { Job } from './jobs.ts';
import { qualified } from './quote.ts';
import type { SchemaEntry } from './schema-text.ts';
import type { Session } from './session.ts';

/** To load a table’s rows takes about this many times as long as to build one of its indexes. */
const INDEX_SHARE = 3;

/** An entry and the statements of it that the target can hold. */
export interface FittedEntry {
  readonly entry: SchemaEntry;
  readonly sql: string;
  /** Statements that go before, about where it belongs. */
  readonly settings: string;
}

/** Entries one after the other, or, if they touch different tables, beside each other. */
export interface PostDataStep {
  readonly isParallel: boolean;
  readonly jobs: readonly Job[];
}

/**
 * The steps in which all that is built on rows is made: keys, indexes, foreign keys, triggers. Neighbours that touch
 * different tables may run at the same time; everything else in its order.
 * @param bytesOf how much a table holds
 */
export function postDataSteps(
  entries: readonly FittedEntry[],
  bytesOf: (table: string) => number,
): PostDataStep[] {
  const steps: PostDataStep[] = [];
  for (let at = 0; at < entries.length;) {
    const kind = parallelKind(entries[at]!);
    let end = at + 1;
    while (end < entries.length && parallelKind(entries[end]!) === kind) end++;
    const jobs = entries.slice(at, end).map((fitted): Job => {
      const tables = tablesOf(fitted);
      const bytes = Math.max(0, ...tables.map(bytesOf));
      return { tables, cost: bytes / INDEX_SHARE, run: async (session) => run(session, fitted) };
    });
    steps.push({ isParallel: kind !== undefined, jobs });
    at = end;
  }
  return steps;
}

async function run(session: Session, { entry, sql, settings }: FittedEntry): Promise<void> {
  if (sql === '') return;
  const doing = `Creating ${entry.type.toLowerCase()} ${entry.name}`;
  await session.run(`${settings} ${sql}`, doing, 'write-failed');
}

/** Which entries may run beside each other, as long as their tables differ. */
function parallelKind(fitted: FittedEntry): 'index' | 'foreign key' | undefined {
  if (tablesOf(fitted).length === 0) return undefined;
  if (['INDEX', 'CONSTRAINT'].includes(fitted.entry.type)) return 'index';
  return fitted.entry.type === 'FK CONSTRAINT' ? 'foreign key' : undefined;
}

const NAME = String.raw`(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)`;
const INDEX = new RegExp(String.raw`^CREATE (?:UNIQUE )?INDEX ${NAME} ON (${NAME}\.${NAME}) USING `, 'u');
const CONSTRAINT = new RegExp(String.raw`^ALTER TABLE ONLY (${NAME}\.${NAME})\s+ADD CONSTRAINT `, 'u');
const REFERENCES = new RegExp(String.raw` REFERENCES (${NAME}\.${NAME})\(`, 'u');

/** The tables an entry locks; none when that is not plain. */
function tablesOf({ entry, sql }: FittedEntry): string[] {
  const table = (INDEX.exec(sql) ?? CONSTRAINT.exec(sql))?.[1];
  if (table === undefined) return [];
  if (entry.type !== 'FK CONSTRAINT') return [named(table)];
  const referenced = REFERENCES.exec(sql)?.[1];
  return referenced === undefined ? [] : [named(table), named(referenced)];
}

const NAMES = new RegExp(NAME, 'gu');

/** A name with its schema as {@link qualified} writes it, for pg_dump puts quotes only where they are needed. */
function named(sql: string): string {
  const [schema, name] = sql
    .match(NAMES)!
    .map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part)) as [
    string,
    string,
  ];
  return qualified(schema, name);
}
