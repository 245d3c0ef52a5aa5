import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 mark its heap at once from now on: where buffers come and go by the megabyte it begins to mark step by step,
 * again and again, a third of the work where a database is loaded, and keeps what is dropped meanwhile. Not from the
 * start, as V8 then takes nothing that was compiled before, neither of Node nor of this program: that is tens of
 * milliseconds, for every thread again.
 */
export function markHeapAtOnce(): void {
  setFlagsFromString('--no-incremental-marking');
}
