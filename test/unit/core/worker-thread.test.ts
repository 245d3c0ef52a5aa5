import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WorkerPool } from '../../../src/core/worker/pool.ts';
import { keepSpareThread, newSpareThread, startThread } from '../../../src/core/worker/thread.ts';

const echo = `const { parentPort, threadId } = require('node:worker_threads');
parentPort.on('message', (message) => parentPort.postMessage([threadId, message]));`;

/** Starts a thread, speaks to it twice before it can listen, and gives what it answers. */
async function speak(): Promise<unknown[]> {
  const thread = startThread(echo);
  for (const message of ['one', 'two']) thread.postMessage(message);
  const heard: unknown[] = [];
  while (heard.length < 2) heard.push(...((await once(thread, 'message')) as unknown[]));
  await thread.terminate();
  return heard;
}

test('a spare thread is taken with its script, once, and hears all it was sent before', async () => {
  const spare = newSpareThread();
  const { threadId } = spare;
  keepSpareThread(spare, echo);
  expect(await speak()).toEqual([
    [threadId, 'one'],
    [threadId, 'two'],
  ]);
  const [[other], second] = (await speak()) as [[number, string], unknown];
  expect(other).not.toBe(threadId);
  expect(second).toEqual([other, 'two']);
});

test('a spare thread that has ended is not waited for', async () => {
  const spare = newSpareThread();
  keepSpareThread(spare, echo);
  await spare.terminate();
  expect(await speak()).toHaveLength(2);
});

test('a spare thread with another script than the one that is wanted is ended', async () => {
  const spare = newSpareThread();
  const { threadId } = spare;
  const ended = once(spare, 'exit');
  keepSpareThread(spare, `${echo}// other`);
  const [[other]] = (await speak()) as [[number, string]];
  expect(other).not.toBe(threadId);
  await ended;
});

/** Work in whose midst the thread ends: there is no such answer as its thread then tries to give. */
const DEADLY = ['constructor', { transfer: 1 }] as unknown as Parameters<WorkerPool['run']>;
const FRAME = { plain: new Uint8Array(new SharedArrayBuffer(64)), dictionary: undefined, quick: false };

/** How pieces of work end, in their order, and how many threads a pool has started for them. */
async function outcomes(work: (pool: WorkerPool) => Promise<unknown>[]): Promise<[string[], number]> {
  let threads = 0;
  const count = (): void => {
    threads++;
  };
  process.on('worker', count);
  try {
    await using pool = new WorkerPool(1);
    const settled = await Promise.allSettled(work(pool));
    return [settled.map(({ status }) => status), threads];
  } finally {
    process.off('worker', count);
  }
}

test('what waits for a thread that ends is done by another one', async () => {
  const work = (pool: WorkerPool): Promise<unknown>[] => [
    pool.run(...DEADLY),
    ...[1, 2, 3].map(async () => pool.run('code', FRAME)),
  ];
  // A thread takes two at once.
  expect(await outcomes(work)).toEqual([['rejected', 'rejected', 'fulfilled', 'fulfilled'], 2]);
});

test('what waits is given up where one thread after the other ends', async () => {
  const work = (pool: WorkerPool): Promise<unknown>[] =>
    Array.from({ length: 20 }, async () => pool.run(...DEADLY));
  expect(await outcomes(work)).toEqual([Array<string>(20).fill('rejected'), 3]);
});

test('what waits is done as long as threads do something before they end', async () => {
  await using pool = new WorkerPool(1);
  for (let round = 0; round < 5; round++) {
    const work = [pool.run(...DEADLY), pool.run(...DEADLY), pool.run('code', FRAME)];
    const ends = (await Promise.allSettled(work)).map(({ status }) => status);
    expect(ends).toEqual(['rejected', 'rejected', 'fulfilled']);
  }
});
