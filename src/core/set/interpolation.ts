import type { Environment } from '../home.ts';
import type { Surroundings } from '../surroundings.ts';
import { SetError } from './error.ts';

/** Where the values of `${…}` come from. A callback that knows no such name answers undefined. */
export interface Variables {
  readonly env: Environment;
  /** `${userHome}`. */
  readonly userHome: string;
  /** `${workspaceFolder}`. */
  readonly workspaceFolder: string;
  /** `${secret:NAME}`: see {@link secretsOf}. */
  readonly secret?: ((name: string) => Promise<string | undefined>) | undefined;
  /** `${config:KEY}`: the CRM's own config file; undefined where nobody can read it. */
  readonly config?: ((key: string) => Promise<string | undefined>) | undefined;
}

const VARIABLE = /\$\{([^}]*)\}/g;
/** Scheme, login, host and path, parameters; a variable may hold any sign. */
const URL_PARTS = /^([^:]+:\/\/)((?:\$\{[^}]*\}|[^/?#])*@)?((?:\$\{[^}]*\}|[^?])*)(\?.*)?$/s;
const KNOWN = /^(?:(env|secret|config):(.+)|userHome|workspaceFolder)$/s;

/**
 * What is wrong with the variables of a text, as the end of a sentence about it; undefined when nothing is.
 * Folders are shown in messages, so they take no variable that may be secret.
 */
export function variableProblem(text: string, secrets: 'secrets' | 'no-secrets'): string | undefined {
  for (const [whole, name = ''] of text.matchAll(VARIABLE)) {
    const [known, kind] = KNOWN.exec(name) ?? [];
    if (known === undefined) {
      return `uses ${whole}, but only \${env:NAME}, \${secret:NAME}, \${userHome} and \${workspaceFolder} exist`;
    }
    if (secrets === 'no-secrets' && (kind === 'secret' || kind === 'config')) {
      return `uses ${whole}, but a secret cannot be part of it`;
    }
  }
  return undefined;
}

/**
 * The text with its variables replaced. `subject` says in an error whose text it is: `the root of set “crm”`;
 * `written` spells a value for where it goes.
 * Throws {@link SetError} `missing-variable` or `unknown-variable`, which name variables and never values.
 */
export async function interpolate(
  text: string,
  variables: Variables,
  subject: string,
  written = (value: string) => value,
): Promise<string> {
  let result = '';
  let end = 0;
  for (const match of text.matchAll(VARIABLE)) {
    result += text.slice(end, match.index) + written(await valueOf(match[1] ?? '', variables, subject));
    end = match.index + match[0].length;
  }
  return result + text.slice(end);
}

/**
 * A database URL with its variables replaced. In user name, password and the value of a parameter a variable is taken
 * literally, so it is percent-encoded there: a password may hold `@` or `&`. Throws as {@link interpolate}.
 */
export async function interpolateUrl(url: string, variables: Variables, subject: string): Promise<string> {
  const [, scheme = '', userInfo = '', rest = '', query = ''] = URL_PARTS.exec(url) ?? [];
  if (scheme === '' || scheme.includes('${')) return await interpolate(url, variables, subject);
  const parameters = query.split(/(?<==)((?:\$\{[^}]*\}|[^&])*)/);
  return [
    scheme,
    await interpolate(userInfo, variables, subject, percentEncoded),
    await interpolate(rest, variables, subject),
    // Every other piece is a value.
    ...(await Promise.all(
      parameters.map((piece, index) =>
        interpolate(piece, variables, subject, index % 2 === 1 ? percentEncoded : undefined),
      ),
    )),
  ].join('');
}

/**
 * The secrets of the command line: `${secret:crm-db}` is the environment variable `CRM_BACKUP_SECRET_crm-db` or,
 * as most shells only take such names, `CRM_BACKUP_SECRET_CRM_DB`.
 */
export function secretsFromEnvironment(env: Environment): (name: string) => Promise<string | undefined> {
  return (name) =>
    Promise.resolve(env[`CRM_BACKUP_SECRET_${name}`] ?? env[`CRM_BACKUP_SECRET_${shellName(name)}`]);
}

/** The secrets of a workspace: the environment's, and what else the surroundings know. */
export function secretsOf(
  { env, secret }: Pick<Surroundings, 'env' | 'secret'>,
  workspace: string,
): (name: string) => Promise<string | undefined> {
  const given = secretsFromEnvironment(env);
  return async (name) => (await given(name)) ?? secret?.(name, workspace);
}

async function valueOf(variable: string, variables: Variables, subject: string): Promise<string> {
  const [known, kind, name = ''] = KNOWN.exec(variable) ?? [];
  switch (kind) {
    case 'env':
      return (
        // Every object has a `constructor`.
        (Object.hasOwn(variables.env, name) ? variables.env[name] : undefined) ??
        missing(`the environment variable ${name}, which is not set`, `Set ${name} and start again.`, subject)
      );
    case 'secret':
      return (
        (await variables.secret?.(name)) ??
        missing(
          `the secret “${name}”, which is not known`,
          `Set CRM_BACKUP_SECRET_${shellName(name)}, or enter the secret in VS Code.`,
          subject,
        )
      );
    case 'config':
      if (variables.config === undefined) {
        return missing(
          `“${name}” of the CRM’s config file, which this version cannot read`,
          'Write it as ${env:NAME} or ${secret:NAME}.',
          subject,
        );
      }
      return (
        (await variables.config(name)) ??
        missing(
          `“${name}” of the CRM’s config file, which is not there`,
          'Check the key and the config file.',
          subject,
        )
      );
    default:
      if (known === 'userHome') return variables.userHome;
      if (known === 'workspaceFolder') return variables.workspaceFolder;
      throw new SetError('unknown-variable', `${subject} uses \${${variable}}, which is not a variable.`);
  }
}

function missing(what: string, hint: string, subject: string): never {
  throw new SetError('missing-variable', `${subject} uses ${what}.`, { hint });
}

function shellName(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
}

/** As encodeURIComponent, but it keeps lone surrogates from throwing and leaves nothing a URL parser may split at. */
function percentEncoded(value: string): string {
  return encodeURIComponent(value.replace(/\p{Surrogate}/gu, '\ufffd')).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
