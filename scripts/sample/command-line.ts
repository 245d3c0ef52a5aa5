import { spawn } from 'node:child_process';

/** What `init --json` prints, as far as it is used here. */
export interface InitOutput {
  readonly set: string;
  readonly vault: string;
  readonly keyFile: string;
}

/** What `backup --json` prints, as far as it is used here. */
export interface BackupOutput {
  readonly id: string;
  readonly kind: string;
  readonly durationMs: number;
  readonly status: string;
  readonly files: Readonly<Record<'total' | 'added' | 'modified' | 'deleted' | 'unchanged', number>>;
  readonly tables: BackupOutput['files'];
  readonly bytes: Readonly<Record<'source' | 'read' | 'new' | 'stored', number>>;
  readonly problems: readonly { readonly code: string; readonly path?: string; readonly message: string }[];
}

/** What `diff --json` prints, as far as it is used here. */
export interface DiffOutput {
  readonly entries: readonly {
    readonly path: string;
    readonly change: string;
    readonly oldPath?: string;
    readonly binary?: boolean;
    readonly added?: number;
    readonly deleted?: number;
  }[];
  /** Rows of tables that are different. */
  readonly tables: readonly {
    readonly table: string;
    readonly added: number;
    readonly changed: number;
    readonly deleted: number;
    readonly schemaChanged: boolean;
  }[];
}

/** What `restore --json` prints, as far as it is used here. */
export interface RestoreOutput {
  readonly plan: Readonly<Record<'create' | 'replace' | 'delete' | 'unchanged', number>>;
  readonly safetyBackup?: string | null;
  readonly verified: boolean;
  readonly durationMs: number;
}

/** What `verify --json` prints, as far as it is used here. */
export interface VerifyOutput {
  readonly checked: Readonly<Record<'packs' | 'chunks' | 'bytes' | 'backups', number>>;
  readonly damage: readonly unknown[];
}

/** Runs one command and returns the JSON document it prints. */
export type CommandLine = <Output>(...args: readonly string[]) => Promise<Output>;

/**
 * The bundled command line, as a user would call it: in `workspace`, with everything it keeps below `home`.
 * A call throws when the exit status is not 0, or stdout is not one JSON document; the message says which
 * command it was and ends with what it printed.
 */
export function createCommandLine(cli: string, workspace: string, home: string): CommandLine {
  return async <Output>(...args: readonly string[]): Promise<Output> => {
    const child = spawn(process.execPath, [cli, ...args, '--json'], {
      cwd: workspace,
      env: { ...process.env, CRM_BACKUP_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const command = `crm-backup ${args.join(' ')}`;
    if (status !== 0) throw new Error(`${command} exited with ${String(status)}.\n${stderr}${stdout}`);
    try {
      return JSON.parse(stdout) as Output;
    } catch (cause) {
      throw new Error(`${command} did not print one JSON document:\n${stdout}`, { cause });
    }
  };
}
