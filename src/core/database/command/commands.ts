import type { DatabaseAddress } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { timerMs } from '../../minutes.ts';
import { type Redactor, redactorOfSecrets } from '../redact.ts';

/** The two commands of a database, and what they are run with. The environment holds secrets: never print it. */
export interface Commands {
  /** The database’s name in the backup. */
  readonly name: string;
  readonly dump: string;
  readonly restore: string;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute folder they run in. */
  readonly workspace: string;
  /** How long the dump may be silent, in milliseconds. */
  readonly silenceMs: number;
  readonly redact: Redactor;
}

const SILENT_MINUTES = 60;

/**
 * The commands of an address. They see this process’s environment but for what belongs to CRM Backup itself (the
 * vault’s passphrase, other databases’ secrets), the set file’s own variables, and the workspace and home folder under
 * the names they have in set files, so that `${workspaceFolder}` in a command is the shell’s own matter.
 * @throws {DatabaseError} `invalid-address`.
 */
export function commandsOf({ name, command, workspace }: DatabaseAddress): Commands {
  if (command === undefined) {
    throw new DatabaseError('invalid-address', `The database “${name}” has no commands.`, {
      hint: 'Write “command” with “dump” and “restore” in the set file.',
    });
  }
  const { dump, restore, env = {}, secrets = [], timeout = SILENT_MINUTES } = command;
  const inherited = Object.entries(process.env).filter(([variable]) => !/^CRM_BACKUP_/i.test(variable));
  return {
    name,
    dump,
    restore,
    env: {
      ...Object.fromEntries(inherited),
      workspaceFolder: workspace,
      userHome: process.env['HOME'] ?? process.env['USERPROFILE'] ?? '',
      ...env,
    },
    workspace,
    silenceMs: timerMs(timeout),
    redact: redactorOfSecrets(secrets),
  };
}

/** See `DatabaseEngine.liveName`: what commands work on is not known, only whose they are. */
export function liveName({ name, workspace }: DatabaseAddress): string {
  return `The database “${name}” of ${workspace}`;
}

const ASSIGNMENTS = /^\s*(?:[A-Za-z_]\w*=(?:"[^"]*"|'[^']*'|[^\s"'`(]*)\s+)*/;
/** Programs that run another one, perhaps as somebody else who finds it elsewhere. */
const RUNNERS = /^(?:(?:sudo|nice|env|exec)\s+(?=[A-Za-z./]))+/;
const SHELL_WORDS = new Set(['if', 'for', 'while', 'until', 'case', 'set', 'cd', 'test', 'exec', 'export']);
/** What decides only as the command runs which programs it needs, and where they are found. */
const DECIDES_LATER = /[`\n]|\$\(|\|\||\(\s*\)|\bPATH=/;
const WORD = /^[\w./+:-]+(?=\s|$|[|;&<>])/;

/** The program that the shell must find first, as it is written; undefined when that cannot be told. */
export function firstProgramOf(command: string): string | undefined {
  return WORD.exec(command.replace(ASSIGNMENTS, ''))?.[0];
}

/** Whether a command can do nothing without its first program, which must be found before. */
export function needsFirstProgram(command: string): boolean {
  return !DECIDES_LATER.test(command);
}

/** The program that does the work, as far as that can be told. */
function programOf(command: string): string | undefined {
  const work = command.replace(ASSIGNMENTS, '').replace(RUNNERS, '').replace(ASSIGNMENTS, '');
  const program = WORD.exec(work)?.[0].replace(/^.*\//, '');
  return program === undefined || SHELL_WORDS.has(program) ? undefined : program;
}

/** Who loads a dump, in words. */
export function loaderOf({ restore }: Commands): string {
  return programOf(restore) ?? 'its restore command';
}

/** What a dump is called: by the program that made it. */
export function productOf({ dump }: Commands): string {
  const program = programOf(dump);
  return program === undefined ? 'a dump by its own tools' : `a dump by ${program}`;
}
