import type { WorkerTaskName } from './tasks.ts';

/** What goes to a worker thread. */
export interface WorkerRequest {
  readonly number: number;
  readonly name: WorkerTaskName;
  readonly input: unknown;
}

/** What comes back: an output or a failure. */
export interface WorkerResponse {
  readonly number: number;
  readonly output?: unknown;
  readonly failure?: { readonly message: string; readonly code: string | undefined };
}
