import { throwIfCancelled, type Task } from '../../task.ts';
import { firstFailure } from './first-failure.ts';
import type { Session } from './session.ts';

/** Work on tables that nobody else works on meanwhile. */
export interface Job {
  /** The tables, as SQL writes them; jobs without any run one after the other. */
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
  const waiting = new Waiting(jobs);
  let isStopped = false;
  let wake: () => void = () => undefined;
  let changed = new Promise<void>((resolve) => (wake = resolve));
  const wakeAll = () => {
    wake();
    changed = new Promise<void>((resolve) => (wake = resolve));
  };
  const work = async (session: Session) => {
    while (!isStopped && !waiting.isEmpty) {
      throwIfCancelled(task);
      const job = waiting.take();
      if (job === undefined) {
        await changed;
        continue;
      }
      try {
        await job.run(session);
      } finally {
        waiting.release(job);
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

/** What waits for one table. */
interface Queue {
  readonly jobs: Job[];
  /** Of all that waits or runs. */
  cost: number;
  isBusy: boolean;
}

/** Jobs that have not begun, by their tables: of thousands of jobs only the first of each table is looked at. */
class Waiting {
  readonly #queues = new Map<string, Queue>();
  #left: number;

  constructor(jobs: readonly Job[]) {
    this.#left = jobs.length;
    for (const job of jobs) {
      for (const table of tablesOf(job)) {
        const queue = this.#queues.get(table) ?? { jobs: [], cost: 0, isBusy: false };
        this.#queues.set(table, queue);
        queue.jobs.push(job);
        queue.cost += job.cost;
      }
    }
  }

  get isEmpty(): boolean {
    return this.#left === 0;
  }

  /** The job that may run now of the table with the most to do; undefined when there is none. */
  take(): Job | undefined {
    let found: Job | undefined;
    let most = -1;
    for (const { jobs, cost } of this.#queues.values()) {
      const [job] = jobs;
      if (job === undefined || cost <= most || !this.#mayRun(job)) continue;
      found = job;
      most = cost;
    }
    if (found === undefined) return undefined;
    this.#left--;
    for (const queue of this.#queuesOf(found)) {
      queue.jobs.shift();
      queue.isBusy = true;
    }
    return found;
  }

  /** Lets others work on the tables of a job that has ended. */
  release(job: Job): void {
    for (const queue of this.#queuesOf(job)) {
      queue.isBusy = false;
      queue.cost -= job.cost;
    }
  }

  #mayRun(job: Job): boolean {
    return this.#queuesOf(job).every(({ isBusy, jobs: [first] }) => !isBusy && first === job);
  }

  #queuesOf(job: Job): Queue[] {
    return tablesOf(job).map((table) => this.#queues.get(table)!);
  }
}

function tablesOf({ tables }: Job): readonly string[] {
  return tables.length === 0 ? [''] : tables;
}
