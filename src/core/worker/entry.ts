import { parentPort } from 'node:worker_threads';
import { CrmBackupError } from '../errors.ts';
import type { WorkerRequest, WorkerResponse } from './messages.ts';
import { type Answer, type WorkerTaskName, workerTasks } from './tasks.ts';

parentPort?.on('message', ({ number, name, input }: WorkerRequest) => {
  let response: WorkerResponse;
  let transfer: readonly ArrayBuffer[] = [];
  try {
    const run = workerTasks[name] as (input: unknown) => Answer<WorkerTaskName>;
    const answer = run(input);
    transfer = answer.transfer;
    response = { number, output: answer.output };
  } catch (error) {
    response = {
      number,
      failure: {
        message: error instanceof Error ? error.message : String(error),
        code: error instanceof CrmBackupError ? error.code : undefined,
      },
    };
  }
  parentPort?.postMessage(response, [...transfer]);
});
