import type { DatabaseCheck, DatabaseDescription } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { type Commands, productOf, firstProgramOf, needsFirstProgram } from './commands.ts';
import { findProgram, hasPipe, shellFor } from './shell.ts';

/** Whether the commands can be run. Neither is: a dump may take hours, and a restore changes the database. */
export function describeCommands(commands: Commands): DatabaseDescription {
  return {
    product: productOf(commands),
    bytes: undefined,
    checks: [checkCommand(commands, 'dump'), checkCommand(commands, 'restore'), ...checkPipes(commands)],
  };
}

function checkCommand(commands: Commands, which: 'dump' | 'restore'): DatabaseCheck {
  const name = `${which} command`;
  try {
    const shell = shellFor(commands.name, commands[which]);
    const program = firstProgramOf(commands[which]);
    if (program === undefined) return ok(name, `${shell.program} runs it; it is not tried here.`);
    const found = findProgram(commands, program);
    if (found !== undefined) return ok(name, `${shell.program} runs it with ${found}; it is not tried here.`);
    if (!needsFirstProgram(commands[which])) {
      return {
        name,
        status: 'warning',
        detail: `The program “${program}” was not found; whether the command finds it shows when it runs.`,
        hint: `If it does not, install it, or write its whole path in “${which}” of the set file.`,
      };
    }
    return {
      name,
      status: 'failed',
      detail: `The program “${program}” was not found.`,
      hint: `Install it, or write its whole path in “${which}” of the set file.`,
    };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { name, status: 'failed', detail: error.message, hint: error.hint ?? '' };
  }
}

function checkPipes({ dump, restore }: Commands): DatabaseCheck[] {
  if (process.platform !== 'win32' || !(hasPipe(dump) || hasPipe(restore))) return [];
  return [
    {
      name: 'pipe',
      status: 'warning',
      detail:
        'cmd.exe tells only how the last command of a pipe ended, so a failure before it would pass unseen.',
      hint: 'Put the pipe into a script that checks every exit code.',
    },
  ];
}

function ok(name: string, detail: string): DatabaseCheck {
  return { name, status: 'ok', detail, hint: '' };
}
