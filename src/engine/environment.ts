/** glibc keeps as much of what was freed as it has ever seen; elsewhere these say nothing. */
export const FRUGAL: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: '1000000',
  MALLOC_TRIM_THRESHOLD_: '8000000',
};

/** What VS Code says to its own processes alone; its terminals do not get it either. */
const OF_HOST = /^(?:ELECTRON_|VSCODE_(?!(?:PORTABLE|SHELL_LOGIN|ENV_REPLACE|ENV_APPEND|ENV_PREPEND)$))/;

/** Takes out of an environment what was meant for the engine alone, so that no command it starts gets it. */
export function forgetHost(environment: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(environment)) {
    if (OF_HOST.test(name) || FRUGAL[name] === value) Reflect.deleteProperty(environment, name);
  }
}
