import { throwIfCancelled, type Task } from '../../task.ts';
import { firstFailure } from './first-failure.ts';
import type { Session } from './session.ts';

/** Work on tables that nobody else works on meanwhile. */
export interface Job {
  /** The tables, as SQL writes them. */
  readonly tables: readonly string[];
  /** About how long it takes beside others, in bytes of rows. */
  readonly cost: number;
  run(session: Session): Promise<void>;
}

/**
 * Runs jobs on all sessions: those of one table in their order, and the table with the most before it first, so that
 * all sessions have work to the end. A failure ends the other sessions, for theirs may take long.
 * @throws what a job throws; {CancelledError}
 */
export async function runJobs(sessions: readonly Session[], jobs: readonly Job[], task: Task): Promise<void> {
  const waiting = [...jobs];
  const busy = new Set<string>();
  const costs = new Map<string, number>();
  const note = ({ tables, cost }: Job, sign: 1 | -1) => {
    for (const table of tables) costs.set(table, (costs.get(table) ?? 0) + sign * cost);
  };
  for (const job of jobs) note(job, 1);
  let isStopped = false;
  let wake: () => void = () => undefined;
  let changed = new Promise<void>((resolve) => (wake = resolve));
  const wakeAll = () => {
    wake();
    changed = new Promise<void>((resolve) => (wake = resolve));
  };
  const work = async (session: Session) => {
    while (!isStopped && waiting.length > 0) {
      throwIfCancelled(task);
      const at = nextOf(waiting, busy, costs);
      if (at < 0) {
        await changed;
        continue;
      }
      const [job] = waiting.splice(at, 1) as [Job];
      for (const table of job.tables) busy.add(table);
      try {
        await job.run(session);
      } finally {
        for (const table of job.tables) busy.delete(table);
        note(job, -1);
        wakeAll();
      }
    }
  };
  await firstFailure(sessions.map(work), () => {
    isStopped = true;
    wakeAll();
    if (sessions.length > 1) for (const session of sessions) session.abort();
  });
}

/** Of the jobs that may run now the one of the table with the most to do; -1 if there is none. */
function nextOf(
  waiting: readonly Job[],
  busy: ReadonlySet<string>,
  costs: ReadonlyMap<string, number>,
): number {
  let found = -1;
  let most = -1;
  const taken = new Set(busy);
  for (const [at, { tables }] of waiting.entries()) {
    const isFree = tables.every((table) => !taken.has(table));
    // Whatever comes later for these tables waits for this.
    for (const table of tables) taken.add(table);
    const cost = Math.max(0, ...tables.map((table) => costs.get(table)!));
    if (!isFree || cost <= most) continue;
    found = at;
    most = cost;
  }
  return found;
}
