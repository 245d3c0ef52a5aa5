import { throwIfCancelled, type Task } from '../../task.ts';
import { firstFailure } from './first-failure.ts';
import type { SchemaEntry } from './schema-text.ts';
import type { Session } from './session.ts';

/** An entry and the statements of it that the target can hold. */
export interface FittedEntry {
  readonly entry: SchemaEntry;
  readonly sql: string;
  /** Statements that go before, about where it belongs. */
  readonly settings: string;
}

/**
 * Runs what is built on rows: keys, indexes, foreign keys, triggers. Neighbours that touch different tables run at
 * the same time on all sessions; everything else in its order.
 * @throws {DatabaseError} `write-failed`, `no-space` …
 */
export async function runPostData(
  sessions: readonly [Session, ...Session[]],
  entries: readonly FittedEntry[],
  task: Task,
): Promise<void> {
  for (let at = 0; at < entries.length;) {
    throwIfCancelled(task);
    const kind = parallelKind(entries[at]!);
    let end = at + 1;
    while (kind !== undefined && end < entries.length && parallelKind(entries[end]!) === kind) end++;
    const group = entries.slice(at, end);
    if (kind === undefined || sessions.length === 1) for (const each of group) await run(sessions[0], each);
    else await runGroup(sessions, group);
    at = end;
  }
}

async function run(session: Session, { entry, sql, settings }: FittedEntry): Promise<void> {
  if (sql !== '')
    await session.run(
      `${settings} ${sql}`,
      `Creating ${entry.type.toLowerCase()} ${entry.name}`,
      'write-failed',
    );
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
  if (entry.type !== 'FK CONSTRAINT') return [table];
  const referenced = REFERENCES.exec(sql)?.[1];
  return referenced === undefined ? [] : [table, referenced];
}

async function runGroup(sessions: readonly Session[], group: readonly FittedEntry[]): Promise<void> {
  const waiting = group.map((fitted) => ({ fitted, tables: tablesOf(fitted) }));
  const busy = new Set<string>();
  let wake: () => void = () => undefined;
  let changed = new Promise<void>((resolve) => (wake = resolve));
  let stopped = false;
  const work = async (session: Session) => {
    while (!stopped && waiting.length > 0) {
      const next = waiting.findIndex(({ tables }) => tables.every((table) => !busy.has(table)));
      if (next < 0) {
        await changed;
        continue;
      }
      const [{ fitted, tables }] = waiting.splice(next, 1) as [(typeof waiting)[number]];
      for (const table of tables) busy.add(table);
      try {
        await run(session, fitted);
      } finally {
        for (const table of tables) busy.delete(table);
        wake();
        changed = new Promise<void>((resolve) => (wake = resolve));
      }
    }
  };
  await firstFailure(sessions.map(work), () => {
    stopped = true;
    wake();
  });
}
