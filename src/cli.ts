import { existsSync, mkdirSync } from 'node:fs';
import { createRequire, enableCompileCache } from 'node:module';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type * as Program from './cli/main.ts';
import { homeDirectory } from './core/home.ts';
import { newSpareThread } from './core/worker/thread.ts';

/*
 * Starts the program, which is a file of its own so that V8's compiled form of it can be kept from run to run: of the
 * 70 ms it takes to start that saves 40.
 */

// Buffers that come and go have V8 begin to mark its heap step by step, again and again: a third of the work where a
// database is loaded. Steps are for programs that must never pause.
setFlagsFromString('--no-incremental-marking');

/** Commands that read or write much, in threads. */
const THREADED: ReadonlySet<string> = new Set(['backup', 'restore']);

const home = homeDirectory(process.env, process.platform, homedir());
// Nothing is made for a user who has nothing yet.
if (existsSync(home)) keepCompiled(join(home, 'cache'));
// Of two processors one would only wait for the program to be loaded.
const needsThread = process.argv.some((argument) => THREADED.has(argument)) && availableParallelism() > 1;
const spareThread = needsThread ? newSpareThread() : undefined;
const program = createRequire(__filename)('./program.js') as typeof Program;
program.main(spareThread);

function keepCompiled(directory: string): void {
  try {
    // Whoever could write here could have the next run do what they like.
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    enableCompileCache(directory);
  } catch {
    // Starting takes longer, that is all.
  }
}
