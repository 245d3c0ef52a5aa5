import type { SimpleGit } from 'simple-git';

/** How git is run. */
export interface GitOptions {
  readonly signal?: AbortSignal | undefined;
  /** It is ended after so many milliseconds; by default it may take as long as it takes. */
  readonly mostMs?: number | undefined;
  /** Variables on top of the few that are passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What it reads from its standard input; nothing by default. */
  readonly input?: string | undefined;
}

/** What the error begins with when git ended without saying why; simple-git keeps no more of an error than its words. */
export const GIT_ENDED = 'git ended before it was done';

/** The error for a git that ended without saying why. @param exitCode null when it was killed */
export function gitEnded(exitCode: number | null): Error {
  return new Error(`${GIT_ENDED}: ${exitCode === null ? 'it was killed' : `exit code ${exitCode}`}.`);
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
  return { ...Object.fromEntries(passed), ...gitLocale(process.env, process.platform), ...added };
}

/**
 * The locale git is run in: its messages are read, so they are English; what is searched is UTF-8, so that small and capital
 * letters and “any character” mean those of every language. The user’s own locale counts where it is UTF-8, since it exists.
 */
export function gitLocale(
  environment: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): Record<string, string> {
  const own = [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find(Boolean);
  const standard = platform === 'darwin' ? 'UTF-8' : 'C.UTF-8';
  return { LC_CTYPE: own !== undefined && /utf-?8$/i.test(own) ? own : standard, LC_MESSAGES: 'C' };
}

/** git at work in a folder, which must exist. It is loaded on first use: most commands never need it. */
export async function gitIn(
  directory: string,
  { signal, mostMs, environment = {}, input }: GitOptions = {},
): Promise<SimpleGit> {
  const { simpleGit } = await import('simple-git');
  const variables = gitEnvironment(environment);
  const git = simpleGit({
    baseDir: directory,
    ...(signal === undefined ? {} : { abort: signal }),
    ...(mostMs === undefined ? {} : { timeout: { block: mostMs, stdErr: false, stdOut: false } }),
    allowEnvironment: Object.keys(variables),
    ...(input === undefined ? {} : { input: () => input }),
    // It takes only what also says something for a failure. None of our commands ends otherwise when all is well.
    errors: (error, { exitCode }) => error ?? (exitCode === 0 ? undefined : gitEnded(exitCode)),
    unsafe: {
      // Asked for even where it switches off: a repository's own hook, the user's and the system's configuration.
      allowUnsafeFsMonitor: true,
      allowUnsafeConfigPaths: true,
      // A text that is searched for may look like an option; it never is one.
      allowUnsafePack: true,
      allowUnsafeTemplateDir: true,
    },
  });
  return git.env(variables);
}
