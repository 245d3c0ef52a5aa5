import { DatabaseError, type DatabaseErrorCode } from '../error.ts';
import { type Commands, firstProgramOf } from './commands.ts';

/** What the shell answers when there is no such program, or one that may not be run. */
const NOT_FOUND = 127;
const NOT_ALLOWED = 126;
/** What it answers when a command was ended by SIGPIPE: whoever should have read was gone. */
const BROKEN_PIPE = 141;
const MOST_SHOWN = 300;

/** How a command ended: its exit code, or the signal that ended it. */
export type Ending = number | NodeJS.Signals | null;

/** The sentence of a command that did not end well. @param said what it wrote besides the dump, its end only */
export function commandFailure(
  commands: Commands,
  which: 'dump' | 'restore',
  ending: Ending,
  said: string,
): DatabaseError {
  const { name } = commands;
  const program = firstProgramOf(commands[which]);
  const what = `The ${which} command of “${name}”`;
  const last = tellingLine(commands.redact(said));
  const because = last === '' ? '' : `: ${last}`;
  if (ending === NOT_FOUND) {
    return failure('missing-tool', `${what} uses a program that was not found${because}.`, {
      hint: `Install it, or write its whole path${program === undefined ? '' : ` for “${program}”`} in the set file.`,
    });
  }
  if (ending === NOT_ALLOWED) {
    return failure('missing-privilege', `${what} uses a program that may not be run${because}.`, {
      hint: 'Make the file executable for this user.',
    });
  }
  if (which === 'restore' && ending === BROKEN_PIPE) {
    return failure('write-failed', `${what} ended before it had read the whole dump${because}.`, {
      hint: 'Let it read its standard input to the end.',
    });
  }
  const end =
    typeof ending === 'number' ? `ended with exit code ${ending}` : `was ended by ${ending ?? 'a signal'}`;
  return failure(which === 'dump' ? 'read-failed' : 'write-failed', `${what} ${end}${because}.`, {
    hint: `Run the “${which}” command of the set file by hand to see more.`,
  });
}

function failure(code: DatabaseErrorCode, message: string, options: { hint: string }): DatabaseError {
  return new DatabaseError(code, message, options);
}

/** The line that says why: the last that speaks of an error, else the last. */
function tellingLine(said: string): string {
  const lines = said
    .split(/\r?\n|\r/)
    // What a terminal would obey.
    .map((line) =>
      line
        .replace(/\p{Cc}\[[\d;]*[A-Za-z]/gu, '')
        .replace(/\p{Cc}+/gu, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
  const telling = lines.findLast((line) =>
    /error|fail|fatal|denied|refused|cannot|unable|ORA-\d/i.test(line),
  );
  return (telling ?? lines.at(-1) ?? '').replace(/[.\s]+$/, '').slice(0, MOST_SHOWN);
}
