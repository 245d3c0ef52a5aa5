import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { requireCompiled } from './cli/code-cache.ts';
import type * as Program from './cli/main.ts';
import { cacheOf, homeOf, processSurroundings } from './core/surroundings.ts';
import { newSpareThread } from './core/worker/thread.ts';

/*
 * Starts the program, which is a file of its own so that V8's compiled form of it can be kept from run to run: most of
 * the time a short command takes is compiling.
 */

/** Commands that read or write much, in threads. */
const THREADED: ReadonlySet<string> = new Set(['backup', 'restore']);
/** Commands that call what no other does; what is compiled for them is kept apart. */
const OWN_CODE: ReadonlySet<string> = new Set([...THREADED, 'diff', 'list', 'log', 'verify']);

const needsThread = process.argv.some((argument) => THREADED.has(argument));
// Of two processors one would only wait for the program to be loaded.
const spareThread = needsThread && availableParallelism() > 1 ? newSpareThread() : undefined;
const command = process.argv.find((argument) => OWN_CODE.has(argument));
const file = join(__dirname, 'program.js');
const surroundings = processSurroundings();
// Nothing is made for a user who has nothing yet.
const program: unknown = existsSync(homeOf(surroundings))
  ? requireCompiled(file, join(cacheOf(surroundings), 'code'), command ?? 'other')
  : createRequire(__filename)(file);
(program as typeof Program).main(spareThread);
