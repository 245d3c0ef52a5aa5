import { Command, CommanderError, Option } from 'commander';
import { version } from '../../package.json';
import { defineCommands } from './commands.ts';
import type { Act, GlobalOptions } from './session.ts';
import { UsageError } from './usage.ts';

/** What parsing the arguments came to, when no command was run. */
export interface Shown {
  /** The help or version that was asked for. */
  readonly text: string;
}

const REFERENCES = `
BACKUP is an id, its first 4 or more digits, latest, latest-full, or latest~N.
PATH is a path in a backup (files/<root>/…), or a file of the workspace.

Exit codes:
  0  done                              4   damage found
  1  failed                            10  no vault or set file
  2  wrong usage                       11  locked by another process
  3  done, but something could not     12  wrong or missing key
     be read or is damaged             130 cancelled

Environment:
  CRM_BACKUP_HOME         where vaults, keys and caches are kept for the user
  CRM_BACKUP_KEY_FILE     the key that opens the vault, as --key-file
  CRM_BACKUP_PASSPHRASE   the passphrase that opens the vault
  CRM_BACKUP_SECRET_NAME  what \${secret:NAME} in the set file stands for
  CRM_BACKUP_DEBUG=1      print the whole of an error`;

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
    .description(
      'Full, incremental and differential backups of a CRM’s files and databases, restored exactly.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText('after', REFERENCES)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => (shown += text),
      writeErr: () => undefined,
      getOutHasColors: () => colour,
      getErrHasColors: () => false,
    });
  for (const option of globalOptions()) program.addOption(option);
  let options: GlobalOptions = { color: true };
  program.hook('preAction', (_, command) => {
    options = optionsOf(command);
  });
  defineCommands(program, (work) => act(options)(work));
  defineHelp(program);
  for (const command of program.commands) acceptGlobalOptions(command);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageErrorOf(error);
    return { text: shown };
  }
  return undefined;
}

/** `help`: as `--help` of the command that is named, also of one within another. */
function defineHelp(program: Command): void {
  program
    .command('help')
    .argument('[command...]')
    .description('print help for a command')
    .action((names: readonly string[]) => {
      let command = program;
      for (const [at, name] of names.entries()) {
        const next = command.commands.find((each) => each.name() === name);
        if (next === undefined)
          throw new UsageError(`there is no command “${names.slice(0, at + 1).join(' ')}”.`, SEE_HELP);
        command = next;
      }
      command.help();
    });
}

const SEE_HELP = 'Run “crm-backup --help” to see the commands.';
const GLOBAL = 'Global options:';

function globalOptions(): Option[] {
  const options: readonly (readonly [flags: string, description: string])[] = [
    ['-C, --workspace <dir>', 'the workspace (default: the nearest parent with a set file)'],
    ['--set <name>', 'the backup set (default: the only one)'],
    ['--vault <dir>', 'the vault; reading commands then need no workspace'],
    ['--json', 'print one JSON document'],
    ['--quiet', 'print no progress and no messages'],
    ['--no-color', 'print without colours'],
    ['--key-file <file>', 'the key that opens the vault'],
  ];
  return options.map(([flags, description]) => new Option(flags, description).helpGroup(GLOBAL));
}

/**
 * Global options may stand after the command, too. A command may have an option of the same name (`diff --workspace`);
 * then only the short form of the global one is taken there.
 */
function acceptGlobalOptions(command: Command): void {
  for (const option of globalOptions()) {
    const isTaken = command.options.some(({ long }) => long === option.long);
    if (!isTaken) command.addOption(option);
    else if (option.short !== undefined) {
      const short = new Option(option.flags.replace(/, \S+/, ''), option.description);
      command.addOption(short.helpGroup(GLOBAL));
    }
  }
  for (const each of command.commands) acceptGlobalOptions(each);
}

/** The global options in force for a command: those given after it win over those before. */
function optionsOf(command: Command): GlobalOptions {
  const parent = command.parent === null ? { color: true } : optionsOf(command.parent);
  const given: Record<string, unknown> = {};
  for (const option of globalOptions()) {
    const own = command.options.find(({ long }) => long === option.long);
    const short = option.short?.slice(1) ?? '';
    const name = option.attributeName();
    // An option of the same name that is the command's own takes no argument.
    if (own?.required === option.required && command.getOptionValueSource(name) === 'cli') {
      given[name] = command.getOptionValue(name);
    } else if (short !== '' && command.getOptionValueSource(short) === 'cli') {
      given[name] = command.getOptionValue(short);
    }
  }
  return { ...parent, ...given };
}

/** The library's message as ours: `error: unknown option '--jsn'\n(Did you mean --json?)`. */
function usageErrorOf(error: CommanderError): UsageError {
  if (error.code === 'commander.help') return new UsageError('no command was given.', SEE_HELP);
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const hint = suggestion === undefined ? undefined : suggestion.replace(/^\(|\)$/g, '');
  return new UsageError(
    `${first.replace(/[.]?$/, '')}.`,
    hint ?? 'Run it with --help to see how it is used.',
  );
}
