import { once } from 'node:events';
import { expect, test } from 'vitest';
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
