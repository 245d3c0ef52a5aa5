import type { SimpleGit } from 'simple-git';

/** How git is run. */
export interface GitOptions {
  readonly signal?: AbortSignal | undefined;
  /** It is ended after so many milliseconds; by default it may take as long as it takes. */
  readonly mostMs?: number | undefined;
  /** Variables on top of the few that are passed on. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * What git needs of this process's environment: to be found, to find the user's configuration, to write temporary files.
 * Everything else (another repository's `GIT_DIR`, pagers, passwords) is none of its business.
 */
const PASSED_ON = new Set(
  'PATH HOME USER LOGNAME XDG_CONFIG_HOME TMPDIR TEMP TMP SYSTEMROOT USERPROFILE HOMEDRIVE HOMEPATH APPDATA PROGRAMDATA'.split(
    ' ',
  ),
);

/** The environment git is run in. */
export function gitEnvironment(added: Readonly<Record<string, string>> = {}): Record<string, string> {
  const passed = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && PASSED_ON.has(name.toUpperCase()) ? [[name, value] as const] : [],
  );
  return { ...Object.fromEntries(passed), LC_ALL: 'C', ...added };
}

/** git at work in a folder, which must exist. It is loaded on first use: most commands never need it. */
export async function gitIn(
  directory: string,
  { signal, mostMs, environment = {} }: GitOptions = {},
): Promise<SimpleGit> {
  const { simpleGit } = await import('simple-git');
  const variables = gitEnvironment(environment);
  const git = simpleGit({
    baseDir: directory,
    ...(signal === undefined ? {} : { abort: signal }),
    ...(mostMs === undefined ? {} : { timeout: { block: mostMs, stdErr: false, stdOut: false } }),
    allowEnvironment: Object.keys(variables),
    // Asked for even where it switches off: a repository's own hook, the user's and the system's configuration.
    unsafe: { allowUnsafeFsMonitor: true, allowUnsafeConfigPaths: true },
  });
  return git.env(variables);
}
