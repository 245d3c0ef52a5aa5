import { Command, CommanderError } from 'commander';
import { version } from '../../package.json';
import { defineCommands } from './commands.ts';
import type { Act, GlobalOptions } from './session.ts';
import { UsageError } from './usage.ts';

/** What parsing the arguments came to, when no command was run. */
export interface Shown {
  /** The help or version that was asked for. */
  readonly text: string;
}

const REFERENCES =
  '\nBACKUP is an id, its first 4 or more digits, latest, latest-full, or latest~N.\nPATH is a path in a backup (files/<root>/…), or a file of the workspace.';

/**
 * Parses the arguments and runs the command they name. Returns help or version text when that was asked for.
 * @throws {UsageError} what the arguments should have been.
 */
export async function runProgram(
  args: readonly string[],
  act: (options: GlobalOptions) => Act,
  colour: boolean,
): Promise<Shown | undefined> {
  let shown = '';
  const program = new Command('crm-backup')
    .description('Full, incremental and differential backups of a CRM’s files, restored exactly.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .option('-C, --workspace <dir>', 'the workspace (default: the nearest parent with a set file)')
    .option('--set <name>', 'the backup set (default: the only one)')
    .option('--vault <dir>', 'the vault; reading commands then need no workspace')
    .option('--json', 'print one JSON document')
    .option('--quiet', 'print no progress and no messages')
    .option('--no-color', 'print without colours')
    .option('--key-file <file>', 'the key that opens the vault')
    .addHelpText('after', REFERENCES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => (shown += text),
      writeErr: () => undefined,
      getOutHasColors: () => colour,
      getErrHasColors: () => false,
    });
  defineCommands(program, (work) => act(program.opts<GlobalOptions>())(work));
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageErrorOf(error);
    return { text: shown };
  }
  return undefined;
}

/** The library's message as ours: `error: unknown option '--jsn'\n(Did you mean --json?)`. */
function usageErrorOf(error: CommanderError): UsageError {
  if (error.code === 'commander.help') {
    return new UsageError('no command was given.', 'Run “crm-backup --help” to see the commands.');
  }
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion === undefined ? undefined : suggestion.replace(/^\(|\)$/g, '');
  return new UsageError(
    `${first.replace(/[.]?$/, '')}.`,
    hint ?? 'Run it with --help to see how it is used.',
  );
}
