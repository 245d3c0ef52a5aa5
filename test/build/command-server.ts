import { createInterface } from 'node:readline';
import { runCommandLine } from '../../src/cli/run.ts';
import { runDue } from '../../src/core/schedule/run.ts';
import { processSurroundings } from '../../src/core/surroundings.ts';

/*
 * Runs one command line after the other in one process: a line of stdin holds the arguments of each as JSON. After what
 * the command printed stands its end, between two NULs: its exit code, and what time this process believes it is.
 * `due` does what `schedule run` and the editor do, but not below everything else on the machine: beside other tests a
 * year would take long.
 */
async function serve(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const args = JSON.parse(line) as string[];
    const code = args[0] === 'due' ? await due() : await command(args);
    process.stdout.write(`\0${JSON.stringify({ code, nowMs: Date.now() })}\0`);
  }
}

async function command(args: readonly string[]): Promise<number> {
  process.argv.splice(2, process.argv.length, ...args);
  return runCommandLine(process);
}

async function due(): Promise<number> {
  process.stdout.write(JSON.stringify(await runDue(process.cwd(), processSurroundings(), {})));
  return 0;
}

void serve();
