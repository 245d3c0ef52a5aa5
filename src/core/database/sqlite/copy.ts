import { setTimeout as wait } from 'node:timers/promises';
import { CancelledError } from '../../errors.ts';
import { type Task, throwIfCancelled } from '../../task.ts';
import { isBusy, sqliteCode } from './failure.ts';
import { type Connection, canBackUp, loadSqlite } from './runtime.ts';

/** Pages copied between two looks at whether to go on. */
const PAGES_A_STEP = 8192;
const ALL_PAGES = 0x7fff_fffe;
const BUSY_PAUSE_MS = 50;

/**
 * Copies a database into a new file, all of one moment. The source may have a read transaction open, which then is the
 * moment; without one, writers may make it begin again and again. What stands in the file when this fails is the
 * caller’s to remove. Throws SQLite’s own errors, and {@link CancelledError}.
 */
export async function copyDatabase(source: Connection, file: string, task: Task): Promise<void> {
  throwIfCancelled(task);
  if (!(await canBackUp())) {
    // It cannot run inside a transaction; one statement is one moment, too.
    if (source.isTransaction) source.exec('COMMIT');
    source.exec('PRAGMA query_only = OFF');
    source.prepare('VACUUM INTO ?').run(file);
    return;
  }
  await backupInto(source, file, PAGES_A_STEP, task);
}

/**
 * Replaces the content of a live database by that of another one, in one transaction of the live one: who reads it goes
 * on reading, and after a crash it has the old content. Waits for others’ locks up to `waitMs`.
 * Throws SQLite’s own errors; the live database is then as it was.
 */
export async function replaceContent(source: Connection, live: string, waitMs: number): Promise<void> {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      // In one step: pages that are written in several would all be locked in between.
      await backupInto(source, live, ALL_PAGES, {});
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
      await wait(BUSY_PAUSE_MS);
    }
  }
}

async function backupInto(source: Connection, file: string, rate: number, task: Task): Promise<void> {
  const { backup } = loadSqlite();
  try {
    await backup(source, file, {
      rate,
      progress: () => {
        if (task.signal?.aborted) throw new CancelledError();
      },
    });
  } catch (error) {
    if (error instanceof CancelledError || sqliteCode(error) !== undefined) throw error;
    throwIfCancelled(task);
    throw error;
  }
}
