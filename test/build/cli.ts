import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';
import { type Built, buildForNode } from './bundle.ts';
import { temporaryFolder } from './tree.ts';

/** What a run of the command line came to. */
export interface CliRun {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** stdout as text. */
  readonly text: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What stdin has to say; nothing by default. */
  readonly input?: string | Buffer;
  /** Told the process once it runs. */
  readonly started?: (process: { kill(signal: NodeJS.Signals): void }) => void;
}

/** The built command line with a home and a workspace of its own: `await using cli = await buildCli()`. */
export interface Cli extends AsyncDisposable {
  /** An empty folder; commands run in it unless told otherwise. */
  readonly workspace: string;
  /** What `CRM_BACKUP_HOME` is. */
  readonly home: string;
  /** What `CRM_BACKUP_CACHE` is. */
  readonly cache: string;
  /** A folder for anything else, removed with the others. */
  readonly scratch: string;
  /** The bundle. */
  readonly script: string;
  run(args: readonly string[], options?: CliOptions): Promise<CliRun>;
  /** Runs a command with `--json`, checks that stdout is one document, and returns it with the exit code. */
  json(args: readonly string[], options?: CliOptions): Promise<{ code: number | null; value: Printed }>;
  /** Runs commands that must succeed, one after the other. */
  must(...commands: readonly (readonly string[])[]): Promise<void>;
  /** Writes the set file of the workspace. */
  writeSets(...sets: readonly object[]): void;
}

/** What commands print with `--json`, as far as tests look into it; each command prints some of it. */
export interface Printed {
  readonly id: string;
  readonly status: string;
  readonly base: string | null;
  readonly keyFile: string;
  readonly vault: string;
  readonly backups: readonly {
    readonly id: string;
    readonly label: string | null;
    readonly safety: boolean;
  }[];
  readonly entries: readonly { readonly path: string; readonly type: string }[];
  readonly matches: readonly { readonly path: string }[];
  readonly recoveryKey: string;
  readonly safetyBackup: string | null;
  readonly damage: readonly { readonly backups: readonly string[]; readonly paths: readonly string[] }[];
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null };
}

/** Bundles the command line as the product is bundled and makes it a place to run in. */
export async function buildCli(): Promise<Cli> {
  const built = await buildForNode('src/cli.ts', { program: 'src/cli/main.ts' });
  return placeCli(built);
}

/**
 * The built command line for all tests of a file: `const cli = await useCli()` at its top. Each test begins with an empty
 * workspace, an empty scratch folder and no home.
 */
export async function useCli(): Promise<Cli> {
  const cli = await buildCli();
  afterAll(() => cli[Symbol.asyncDispose]());
  beforeEach(() => {
    const { workspace, scratch, home, cache } = cli;
    // What V8 has compiled stays: compiling it anew takes longer than most commands.
    for (const folder of [workspace, scratch, home, join(cache, 'records'), join(cache, 'history')])
      rmSync(folder, { recursive: true, force: true });
    mkdirSync(cli.workspace);
    mkdirSync(cli.scratch);
  });
  return cli;
}

function placeCli(built: Built): Cli {
  const folder = temporaryFolder();
  const [workspace, home, cache, scratch] = ['workspace', 'home', 'cache', 'scratch'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string, string];
  mkdirSync(workspace);
  mkdirSync(scratch);
  const run = async (args: readonly string[], options: CliOptions = {}): Promise<CliRun> =>
    runProcess([built.script, ...args], {
      cwd: workspace,
      ...options,
      env: { CRM_BACKUP_HOME: home, CRM_BACKUP_CACHE: cache, ...options.env },
    });
  return {
    workspace,
    home,
    cache,
    scratch,
    script: built.script,
    run,
    async json(args, options) {
      const { code, text } = await run(args.includes('--json') ? args : [...args, '--json'], options);
      if (!/^[^\n]+\n$/.test(text)) throw new Error(`not one line of JSON: ${text}`);
      return { code, value: JSON.parse(text) as Printed };
    },
    async must(...commands) {
      for (const args of commands) {
        const { code, stderr } = await run(args);
        if (code !== 0) throw new Error(`crm-backup ${args.join(' ')} ended with ${code}: ${stderr}`);
      }
    },
    writeSets(...sets) {
      mkdirSync(join(workspace, '.vscode'), { recursive: true });
      writeFileSync(join(workspace, '.vscode/crm-backup.json'), JSON.stringify({ version: 1, sets }));
    },
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
      await built[Symbol.asyncDispose]();
    },
  };
}

async function runProcess(
  args: readonly string[],
  { cwd, env, input, started }: CliOptions,
): Promise<CliRun> {
  const child = spawn(process.execPath, args, {
    cwd,
    // Nothing of this process's own surroundings may decide what happens, except where programs are.
    env: { PATH: process.env['PATH'], HOME: cwd, TZ: 'UTC', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => stdout.push(part));
  child.stderr.on('data', (part: Buffer) => stderr.push(part));
  // Most commands never read their input and may end before it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  started?.(child);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const bytes = Buffer.concat(stdout);
  return { code, stdout: bytes, stderr: Buffer.concat(stderr).toString(), text: bytes.toString() };
}
