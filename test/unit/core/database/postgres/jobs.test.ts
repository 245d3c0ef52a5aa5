import fc from 'fast-check';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Job, runJobs } from '../../../../../src/core/database/postgres/jobs.ts';
import type { Session } from '../../../../../src/core/database/postgres/session.ts';

/** Sessions that only count how often they were ended. */
function sessionsOf(number: number) {
  const ended = { count: 0 };
  const abort = () => {
    ended.count++;
  };
  return { ended, sessions: Array.from({ length: number }, () => ({ abort }) as unknown as Session) };
}

const jobsOf = fc.array(
  fc.record({
    tables: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 }),
    cost: fc.nat(9),
    milliseconds: fc.nat(2),
  }),
  { maxLength: 12 },
);

describe('jobs on tables', () => {
  it('all run once, those of one table in their order and never beside each other', async () => {
    await fc.assert(
      fc.asyncProperty(jobsOf, fc.integer({ min: 1, max: 3 }), async (wanted, number) => {
        const done: number[] = [];
        const busy = new Set<string>();
        const jobs = wanted.map(({ tables, cost, milliseconds }, index): Job => ({
          tables,
          cost,
          async run() {
            for (const table of tables) {
              expect(busy.has(table)).toBe(false);
              busy.add(table);
            }
            await wait(milliseconds);
            for (const table of tables) busy.delete(table);
            done.push(index);
          },
        }));
        await runJobs(sessionsOf(number).sessions, jobs, {});
        expect([...done].sort((a, b) => a - b)).toEqual(wanted.map((_, index) => index));
        for (const table of ['a', 'b', 'c'] as const) {
          const own = done.filter((index) => wanted[index]!.tables.includes(table));
          expect(own).toEqual([...own].sort((a, b) => a - b));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('end with the first failure, and the other sessions with them', async () => {
    const { ended, sessions } = sessionsOf(2);
    const ran: string[] = [];
    const job = (table: string, run: () => Promise<void>): Job => ({ tables: [table], cost: 1, run });
    const jobs = [
      job('a', async () => {
        await wait(1);
        throw new Error('full');
      }),
      job('b', async () => {
        while (ended.count === 0) await wait(1);
        throw new Error('ended');
      }),
      job('a', async () => Promise.resolve(void ran.push('later'))),
    ];
    await expect(runJobs(sessions, jobs, {})).rejects.toThrow('full');
    expect(ran).toEqual([]);
  });
});
