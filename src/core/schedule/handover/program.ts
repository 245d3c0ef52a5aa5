import type { Environment } from '../../home.ts';

/** What the system's scheduler starts. */
export interface Program {
  /** Absolute: this Node, or VS Code's own binary. */
  readonly executable: string;
  readonly args: readonly string[];
  /** What it needs of the environment; never a secret. */
  readonly env: Readonly<Record<string, string>>;
  /** Minutes of the hour at which it starts, sorted. */
  readonly minutes: readonly number[];
}

/** So often it looks whether something was missed, besides the minutes that schedules name. */
const CATCH_UP_MINUTES = [0, 15, 30, 45] as const;

/**
 * The program that does what is due.
 * @param script the command line's bundle, absolute
 * @param isElectron whether the executable is VS Code's, which runs as Node only when told so
 * @param times of schedules and off-peak hours, as `02:07`
 */
export function programOf(
  executable: string,
  script: string,
  isElectron: boolean,
  env: Environment,
  times: readonly string[],
): Program {
  const kept = ['CRM_BACKUP_HOME', 'CRM_BACKUP_CACHE', 'XDG_DATA_HOME', 'LOCALAPPDATA', 'PATH'];
  const passed = kept.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === '' || /[\r\n\0]/.test(value) ? [] : [[name, value] as const];
  });
  const named = times.map((time) => Number(time.split(':')[1]));
  return {
    executable,
    args: [script, 'schedule', 'run', '--quiet'],
    env: Object.fromEntries(isElectron ? [...passed, ['ELECTRON_RUN_AS_NODE', '1'] as const] : passed),
    minutes: [...new Set([...CATCH_UP_MINUTES, ...named])].sort((a, b) => a - b),
  };
}
