import { variableProblem } from './interpolation.ts';

// What a value must look like. Each function says what is wrong as the end of a sentence about the value, or
// answers undefined when it is right.

const ENGINES = 'mysql://, mariadb://, postgresql:// or sqlite:FILE';

/** A command or a label: anything but nothing. */
export function commandProblem(text: string): string | undefined {
  if (text.trim() === '') return 'must not be empty';
  return text.includes('\0') ? 'must not contain a NUL character' : undefined;
}

/** A command of a database's own tools. What stands in it can be read in the list of processes by everybody. */
export function toolCommandProblem(text: string): string | undefined {
  const [variable] = /\$\{(?:env|secret|config):[^}]*\}/.exec(text) ?? [];
  if (variable !== undefined) {
    return `uses ${variable}, which others could read in the list of processes; give it a name under “env” and write $NAME`;
  }
  return commandProblem(text);
}

/** The value of a variable that a command gets. */
export function environmentProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain a NUL character';
  return variableProblem(text, 'secrets');
}

/** The name of a variable that a command gets. */
export function environmentNameProblem(name: string): string | undefined {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? undefined
    : 'has a name that is none for a variable: it takes letters, digits and “_”';
}

/** A folder: of a root, or of a database's tools. */
export function rootProblem(root: string): string | undefined {
  if (root.trim() === '') return 'must not be empty; “.” is the workspace itself';
  if (root.includes('\0')) return 'must not contain a NUL character';
  if (/^~[^/\\]/.test(root)) return 'can begin with “~/”, the home folder, but not with another user’s';
  return variableProblem(root, 'no-secrets');
}

/** A database's tools: a folder, or `docker:SERVICE`. */
export function toolsProblem(tools: string): string | undefined {
  if (!tools.startsWith('docker:')) return rootProblem(tools);
  // As Compose names services; one that began with a dash would be an option.
  const isService = /^docker:[A-Za-z0-9][A-Za-z0-9._-]*$/.test(tools);
  return isService ? undefined : 'must name a service, as “docker:db”';
}

/** A vault: a folder, or `rclone:REMOTE:PATH`. */
export function vaultProblem(vault: string): string | undefined {
  if (vault.startsWith('rclone:')) {
    const named = /^rclone:[^:/\\]+:/.test(vault);
    return named ? variableProblem(vault, 'no-secrets') : 'must name a remote, as “rclone:REMOTE:PATH”';
  }
  return rootProblem(vault);
}

/** Where a database is; a variable may stand for the whole of it. */
export function urlProblem(url: string): string | undefined {
  if (url.trim() === '') return 'must not be empty';
  const known = /^(?:(?:mysql|mariadb|postgres|postgresql):\/\/|sqlite:.|\$\{)/s.test(url);
  if (!known) return `must begin with ${ENGINES}; write “command” for any other database`;
  return variableProblem(url, 'secrets');
}

/** An include or exclude pattern: what git would silently never match is told instead. */
export function patternProblem(pattern: string): string | undefined {
  if (pattern.trim() === '') return 'must not be empty';
  if (/\p{Cc}/u.test(pattern)) return 'must not contain control characters';
  if (pattern.startsWith('#')) return 'begins with “#”, which is a comment in such patterns; write “\\#”';
  if (pattern === '!') return 'must name something after “!”';
  if (/\\[\p{L}\p{N}_.]/u.test(pattern)) return 'must have “/” between names, not “\\”';
  if (/\\$/.test(pattern.replaceAll('\\\\', ''))) return 'must not end with “\\”';
  if (/^!?(?:~|[A-Za-z]:)\//.test(pattern))
    return 'is matched below the root, so it cannot be an absolute path';
  const segments = pattern.replace(/^!/, '').split('/');
  if (segments.includes('..')) return 'cannot lead out of the root with “..”';
  if (segments.includes('.')) return 'must not have a segment “.”: patterns begin at the root';
  if (pattern.includes('//')) return 'must not contain “//”';
  if (/^!?\/$/.test(pattern)) return 'must name something after “/”';
  if (pattern.includes('${')) return 'takes no variables; put them into “root”';
  if (/\{.*,.*\}/.test(pattern.replaceAll(/\\.|\[[^\]]*\]/g, '')))
    return 'has braces, which such patterns do not know: write one pattern for each, or “\\{” for the character';
  return undefined;
}

/** As {@link patternProblem}; an include has no exceptions, because `exclude` says them better. */
export function includeProblem(pattern: string): string | undefined {
  if (pattern.startsWith('!')) return 'begins with “!”; write it under “exclude” without the “!”';
  return patternProblem(pattern);
}
