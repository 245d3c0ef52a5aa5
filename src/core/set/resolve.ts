import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { CrmBackupError } from '../errors.ts';
import { excludesOf } from './default-excludes.ts';
import type { BackupSet, FileRoot } from './definition.ts';
import type { CommandAddress, DatabaseAddress } from '../database/engine.ts';
import { sqliteFile } from '../database/sqlite/address.ts';
import { SetError } from './error.ts';
import { interpolate, interpolateUrl, type Variables } from './interpolation.ts';

/** A set whose folders are known. Databases keep their variables: a secret is asked for only when it is used. */
export interface ResolvedSet extends Omit<BackupSet, 'files' | 'vault' | 'databases'> {
  /** The folder with the set file, absolute. */
  readonly workspace: string;
  readonly roots: readonly ResolvedRoot[];
  readonly databases: readonly ResolvedDatabase[];
  /** An absolute folder or `rclone:REMOTE:PATH`; absent when the set leaves it to the tool. */
  readonly vault?: string;
}

type DatabaseSource = BackupSet['databases'][number];

/** A database that is backed up. */
export interface ResolvedDatabase {
  readonly name: string;
  /** As it is written, with its variables. */
  readonly source: DatabaseSource;
  /** Where it is. @throws {SetError} `missing-variable`. */
  readonly address: () => Promise<DatabaseAddress>;
}

/** A folder whose files are backed up. */
export interface ResolvedRoot {
  /** Its files are `files/<name>/…` in a backup. */
  readonly name: string;
  /** Absolute; it may be a link, and it may not exist. */
  readonly directory: string;
  readonly include: readonly string[];
  /** The set's own patterns, what is left out by default, and what is never backed up. */
  readonly exclude: readonly string[];
}

/** What a set depends on besides its file. */
export interface SetEnvironment extends Omit<Variables, 'workspaceFolder'> {
  /**
   * Absolute folders that no backup takes, even inside a root: the vault in use and what else the tool keeps. The
   * vault that the set itself names is always among them.
   */
  readonly leftOut?: readonly string[];
}

/**
 * Finds the folders of a set. `workspace` is absolute. Throws {@link SetError} `missing-variable`, and
 * `vault-holds-root` when a root lies where backups are kept.
 */
export async function resolveSet(
  set: BackupSet,
  workspace: string,
  environment: SetEnvironment,
): Promise<ResolvedSet> {
  const { files, databases, vault: namedVault, ...rest } = set;
  const variables: Variables = { ...environment, workspaceFolder: workspace };

  const vault = namedVault === undefined ? undefined : await resolveVault(namedVault, set.name, variables);
  const vaultFolder = vault === undefined || isRemote(vault) ? [] : [vault];
  const leftOut = [...new Set([...vaultFolder, ...(environment.leftOut ?? [])])];
  const realLeftOut = await Promise.all(leftOut.map(realPath));
  const resolved = databases.map((source) => resolveDatabase(source, set.name, variables));
  const databaseFiles = await filesOf(resolved);
  const roots = await Promise.all(
    files.map((root) => resolveRoot(root, set.name, variables, realLeftOut, databaseFiles)),
  );
  return { ...rest, workspace, roots, databases: resolved, ...(vault === undefined ? {} : { vault }) };
}

/**
 * A database of a set file, with its address still to be found.
 * @param variables also where secrets come from when the address is asked for
 */
export function resolveDatabase(source: DatabaseSource, set: string, variables: Variables): ResolvedDatabase {
  const { name, url = '', command, tools } = source;
  const subject = `Database “${name}” of set “${set}”`;
  const find = async (): Promise<DatabaseAddress> => ({
    name,
    url: await interpolateUrl(url, variables, subject),
    command: command === undefined ? undefined : await resolveCommand(command, variables, subject),
    tools: tools === undefined ? undefined : await resolveTools(tools, variables, subject),
    workspace: variables.workspaceFolder,
  });
  // Whoever is asked for a secret is asked once.
  let found: Promise<DatabaseAddress> | undefined;
  return { name, source, address: async () => (found ??= find()) };
}

/**
 * Whether a value that is written into the set file may be a secret: not a number or a host’s number, a path, or a short
 * word such as `utf8`, without which nobody would understand what a tool says.
 */
function isTelling(name: string, value: string): boolean {
  if (/pass|pwd|secret|token|key|credential|auth/i.test(name)) return value.length >= 4;
  return value.length >= 6 && !/^(?:[\d.:]+|(?:[A-Za-z]:)?[/\\~].*)$/.test(value);
}

/** Fills in what the commands get as environment, and remembers which values of that are secret. */
async function resolveCommand(
  command: DatabaseSource['command'] & {},
  variables: Variables,
  subject: string,
): Promise<CommandAddress> {
  const secrets: string[] = [];
  const env: Record<string, string> = {};
  for (const [name, written] of Object.entries(command.env ?? {})) {
    const value = await interpolate(written, variables, `The variable ${name} of ${subject}`);
    env[name] = value;
    if (isTelling(name, value)) secrets.push(value, /:\/\/[^:/?#@]*:([^/?#]*)@/.exec(value)?.[1] ?? '');
    for (const [variable] of written.matchAll(/\$\{(?:env|secret|config):[^}]*\}/g)) {
      secrets.push(value, await interpolate(variable, variables, subject));
    }
  }
  return { ...command, env, secrets };
}

async function resolveTools(tools: string, variables: Variables, subject: string): Promise<string> {
  return tools.startsWith('docker:')
    ? tools
    : absoluteFolder(await interpolateFolder(tools, variables, `The tools of ${subject}`), variables);
}

/** Files that are backed up as databases, absolute and without links on the way; what cannot be told yet has none. */
async function filesOf(databases: readonly ResolvedDatabase[]): Promise<string[]> {
  const files: string[] = [];
  for (const { source, address } of databases) {
    if (!source.url?.toLowerCase().startsWith('sqlite:')) continue;
    try {
      files.push(await realPath(sqliteFile(await address())));
    } catch (error) {
      // A backup says what is wrong with it.
      if (!(error instanceof CrmBackupError)) throw error;
    }
  }
  return files;
}

/**
 * A folder of the set file as an absolute path: relative ones begin at the workspace, `~` is the home folder.
 * Pure.
 */
export function absoluteFolder(
  folder: string,
  { workspaceFolder, userHome }: Pick<Variables, 'workspaceFolder' | 'userHome'>,
  platform: NodeJS.Platform = process.platform,
): string {
  const paths = platform === 'win32' ? path.win32 : path.posix;
  const [, below] = (platform === 'win32' ? /^~(?:[/\\](.*))?$/s : /^~(?:\/(.*))?$/s).exec(folder) ?? [];
  return folder === '~' || below !== undefined
    ? paths.resolve(userHome, below ?? '')
    : paths.resolve(workspaceFolder, folder);
}

/**
 * Where a set's vault is: an absolute folder, or `rclone:REMOTE:PATH`. Throws {@link SetError} `missing-variable`.
 */
export async function resolveVault(vault: string, set: string, variables: Variables): Promise<string> {
  const subject = `The vault of set “${set}”`;
  const value = await interpolateFolder(vault, variables, subject);
  return isRemote(value) ? value : absoluteFolder(value, variables);
}

async function resolveRoot(
  root: FileRoot,
  set: string,
  variables: Variables,
  leftOut: readonly string[],
  databaseFiles: readonly string[],
): Promise<ResolvedRoot> {
  const name = root.name ?? 'workspace';
  const subject = `The root “${name}” of set “${set}”`;
  const directory = absoluteFolder(await interpolateFolder(root.root, variables, subject), variables);
  const realDirectory = await realPath(directory);

  const inside: string[] = [];
  for (const kept of leftOut) {
    const fromRoot = path.relative(realDirectory, kept);
    if (fromRoot === '' || !leadsOut(path.relative(kept, realDirectory))) {
      throw new SetError(
        'vault-holds-root',
        `${subject} cannot be backed up: ${directory} lies in ${kept}, where backups are kept.`,
        { hint: 'Choose another folder for the vault, or another root.' },
      );
    }
    if (!leadsOut(fromRoot)) inside.push(fromRoot.replaceAll(path.sep, '/'));
  }
  const databases = databaseFiles
    .map((file) => path.relative(realDirectory, file))
    .filter((fromRoot) => !leadsOut(fromRoot))
    .map((fromRoot) => fromRoot.replaceAll(path.sep, '/'));
  const include = root.include ?? [];
  return { name, directory, include, exclude: excludesOf(include, root.exclude ?? [], inside, databases) };
}

/** The folder with its variables replaced; with an empty one it would be a folder that nobody named. */
async function interpolateFolder(written: string, variables: Variables, subject: string): Promise<string> {
  return interpolate(written, variables, subject, (value) => {
    if (value.trim() !== '') return value;
    const isWhole = /^\$\{[^}]*\}$/.test(written);
    throw new SetError(
      'missing-variable',
      `${subject} is “${written}”, ${isWhole ? 'which' : 'in which a variable'} is empty now.`,
      { hint: 'Set the variables it uses and start again.' },
    );
  });
}

export function isRemote(vault: string): boolean {
  return vault.startsWith('rclone:');
}

function leadsOut(relative: string): boolean {
  return relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative);
}

/** The path without links on the way, as far as it exists. */
async function realPath(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    const parent = path.dirname(folder);
    return parent === folder ? folder : path.join(await realPath(parent), path.basename(folder));
  }
}
