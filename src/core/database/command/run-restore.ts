import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, fstatSync, writeFileSync } from 'node:fs';
import type { Redactor } from '../redact.ts';
import type { Commands } from './commands.ts';
import { commandFailure, type Ending } from './failure.ts';
import { OutputTail } from './output-tail.ts';
import { identityOf } from './process-tree.ts';
import { shellFor } from './shell.ts';

const TAIL_BYTES = 16 * 1024;

/**
 * Runs the restore command with a file as its standard input. Nothing of this process is needed for it to go on: it
 * reads the file itself and writes to a file, so that a kill of this process does not make it load half a dump.
 *
 * @param log file for what it says; removed afterwards
 * @param mark file that says who it is, as long as it runs
 * @throws {DatabaseError} `write-failed`, `missing-tool`, `missing-privilege`.
 */
export async function runRestore(commands: Commands, dump: string, log: string, mark: string): Promise<void> {
  const { restore, env, workspace, name } = commands;
  const shell = shellFor(name, restore);
  const input = shell.readsFile ? undefined : openSync(dump, 'r');
  rmSync(log, { force: true });
  const output = openSync(log, 'wx+', 0o600);
  try {
    const child = spawn(shell.program, shell.args(restore, dump), {
      env,
      cwd: workspace,
      stdio: [input ?? 'ignore', output, output],
      detached: process.platform !== 'win32',
      windowsHide: true,
      windowsVerbatimArguments: shell.verbatim,
    });
    if (child.pid !== undefined) writeFileSync(mark, identityOf(child.pid) ?? '', { mode: 0o600 });
    const ending = await new Promise<Ending>((resolve, reject) => {
      child.once('error', reject).once('close', (code, signal) => resolve(code ?? signal));
    });
    if (ending !== 0) throw commandFailure(commands, 'restore', ending, endOf(output, commands.redact));
  } finally {
    if (input !== undefined) closeSync(input);
    closeSync(output);
    rmSync(mark, { force: true });
    rmSync(log, { force: true });
  }
}

/** Whether the restore command that a mark speaks of is still running. */
export function isRunning(identity: string): boolean {
  const pid = Number(identity.split(' ')[0]);
  return pid > 0 && identityOf(pid) === identity;
}

function endOf(file: number, redact: Redactor): string {
  const { size } = fstatSync(file);
  const bytes = Buffer.alloc(Math.min(size, 2 * TAIL_BYTES));
  readSync(file, bytes, 0, bytes.length, size - bytes.length);
  const tail = new OutputTail(redact, bytes.length < size);
  tail.add(bytes);
  return tail.text;
}
