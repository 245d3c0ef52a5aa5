import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import type { Commands } from './commands.ts';
import { DatabaseError } from '../error.ts';

/*
 * Which shell runs the commands. Wherever there is bash: bash -e -o pipefail, so that the first command that fails ends
 * all, in the middle of a pipe, too. Else sh, with pipefail where it knows that, and without pipes where it does not.
 * On Windows cmd.exe, which tells only how the last command of a pipe ended; PowerShell would take bytes for text.
 *
 * `cat` at the ends of a command makes real pipes: what Node makes are sockets, which /dev/stdin and /dev/stdout cannot
 * open. It also feeds a restore to its end when this process is killed in the middle.
 */

/** A shell of this machine. */
export interface Shell {
  readonly program: string;
  /** Whether all commands of a pipe count. */
  readonly checksPipes: boolean;
  /** Arguments that run a command. @param file what becomes its standard input, where the shell reads that itself */
  readonly args: (command: string, file?: string) => string[];
  /** Whether it reads the standard input’s file itself; else it is to be opened for it. */
  readonly readsFile: boolean;
  readonly verbatim: boolean;
}

const DUMP = '{ eval "$0"; } | cat';
const RESTORE = 'cat "$1" | { eval "$0"; }';
const POSIX_SHELLS = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash', '/opt/homebrew/bin/bash'];

/**
 * The shell that runs a command.
 * @throws {DatabaseError} `missing-tool` when it could not tell how a pipe ends.
 */
export function shellFor(name: string, command: string, platform: NodeJS.Platform = process.platform): Shell {
  if (platform === 'win32') return windowsShell();
  const shell = posixShell();
  if (shell.checksPipes || !hasPipe(command)) return shell;
  throw new DatabaseError(
    'missing-tool',
    `The commands of “${name}” use a pipe, and ${shell.program} does not tell when its beginning fails.`,
    { hint: 'Install bash, or put the command into a script of its own.' },
  );
}

/** Whether a command has a pipe; quotes are not looked at, so it may be said of one that has none. */
export function hasPipe(command: string): boolean {
  return /(^|[^|>])\|(?!\|)/.test(command);
}

/** Where a program is that a command begins with; undefined when there is none. */
export function findProgram({ env, workspace }: Commands, program: string): string | undefined {
  if (process.platform === 'win32') {
    const found = spawnSync('where.exe', [program], { env, cwd: workspace, encoding: 'utf8' });
    return found.status === 0 ? found.stdout.split(/\r?\n/)[0] : undefined;
  }
  const args = ['-c', 'command -v "$0"', program];
  const found = spawnSync(posixShell().program, args, { env, cwd: workspace, encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

let known: Shell | undefined;

function posixShell(): Shell {
  known ??= findPosixShell();
  return known;
}

function findPosixShell(): Shell {
  const onPath = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder));
  const bash = [...onPath.map((folder) => path.join(folder, 'bash')), ...POSIX_SHELLS].find(isProgram);
  const program = bash ?? '/bin/sh';
  const checksPipes =
    bash !== undefined || spawnSync(program, ['-o', 'pipefail', '-c', ':'], { stdio: 'ignore' }).status === 0;
  const options = checksPipes ? ['-e', '-o', 'pipefail', '-c'] : ['-e', '-c'];
  return {
    program,
    checksPipes,
    args: (command, file) => {
      if (!checksPipes) return [...options, 'eval "$0"', command];
      return file === undefined ? [...options, DUMP, command] : [...options, RESTORE, command, file];
    },
    readsFile: checksPipes,
    verbatim: false,
  };
}

function windowsShell(): Shell {
  return {
    program: process.env['ComSpec'] ?? 'cmd.exe',
    checksPipes: false,
    args: (command) => ['/d', '/s', '/c', `"${command}"`],
    readsFile: false,
    verbatim: true,
  };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
