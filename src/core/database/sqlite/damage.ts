import { type Task, throwIfCancelled } from '../../task.ts';
import type { DumpProblem } from '../engine.ts';
import { isCorrupt, isRefused } from './failure.ts';
import type { Connection } from './runtime.ts';

/** What no row may be that is stored soundly nevertheless: a constraint may be younger than it. */
const CONSTRAINT = /^(CHECK constraint failed|NULL value) in /;
/** Where SQLite’s answer says which database it is about. */
const HEADING = '***';

/**
 * Looks for damage in a whole database by `PRAGMA quick_check`. What this program cannot check, for a function or
 * collation of the user’s own, is taken to be sound.
 * @returns SQLite’s first words about it, one line; undefined when it finds none.
 * Throws SQLite’s own errors, and {CancelledError}.
 */
export function findDamage(connection: Connection, task: Task): string | undefined {
  throwIfCancelled(task);
  try {
    return quickCheck(connection, '');
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  const tables = connection
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all();
  for (const { name } of tables) {
    throwIfCancelled(task);
    try {
      const damage = quickCheck(connection, `('${String(name).replaceAll("'", "''")}')`);
      if (damage !== undefined) return damage;
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  }
  return undefined;
}

function quickCheck(connection: Connection, table: string): string | undefined {
  try {
    // One by one: on bad damage SQLite gives up after the first.
    for (const row of connection.prepare(`PRAGMA quick_check${table}`).iterate()) {
      const lines = String(Object.values(row)[0]).split('\n');
      const damage = lines.find((line) => line !== '' && !line.startsWith(HEADING));
      if (damage !== undefined && damage !== 'ok' && !CONSTRAINT.test(damage)) return damage;
    }
    return undefined;
  } catch (error) {
    if (isCorrupt(error)) return (error as Error).message;
    throw error;
  }
}

/** What is told of a database that is in the backup with its damage. */
export function damagedProblem(file: string, damage: string): DumpProblem {
  return {
    code: 'database-damaged',
    path: '',
    message:
      `${file} is damaged: SQLite says “${damage}”. It is in the backup as it is, damage included. ` +
      'Look at it with “sqlite3 FILE "PRAGMA integrity_check"” and restore an older backup.',
    incomplete: true,
  };
}
