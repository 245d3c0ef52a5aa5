import { parentPort } from 'node:worker_threads';
import { CrmBackupError } from '../errors.ts';
import type { WorkerRequest, WorkerResponse } from './messages.ts';
import { workerTasks } from './tasks.ts';

parentPort?.on('message', ({ number, name, input }: WorkerRequest) => {
  let response: WorkerResponse;
  let transfer: readonly ArrayBuffer[] = [];
  try {
    const answer = workerTasks[name](input as never);
    transfer = answer.transfer;
    response = { number, output: answer.output };
  } catch (error) {
    response = {
      number,
      failure: {
        message: error instanceof Error ? error.message : String(error),
        code: error instanceof CrmBackupError ? (error as CrmBackupError).code : undefined,
      },
    };
  }
  parentPort?.postMessage(response, [...transfer]);
});
