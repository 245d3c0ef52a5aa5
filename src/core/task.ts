import { CancelledError } from './errors.ts';

/** How far a long piece of work has come. `total` is absent while it is not known. */
export interface Progress {
  /** What is being done now, in the words of the user: `scan`, `read`, `store`, `verify`, `switch` … */
  readonly phase: string;
  readonly done: number;
  readonly total?: number;
  readonly unit: 'files' | 'bytes' | 'packs' | 'rows' | 'backups';
}

/** What every long function takes: a way to be stopped and a way to tell how far it is. */
export interface Task {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Told how many bytes were read; what it promises is waited for, so that the work is no faster than it may be. */
  readonly pace?: ((bytes: number) => Promise<void> | undefined) | undefined;
}

/** Throws {@link CancelledError} when the task was stopped. */
export function throwIfCancelled(task: Task): void {
  if (task.signal?.aborted) throw new CancelledError();
}
