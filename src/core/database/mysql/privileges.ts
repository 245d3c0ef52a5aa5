import type { Session } from './session.ts';

/** What the account of a session may do. */
export interface Privileges {
  /** As the server writes it: `` `crm`@`%` ``. */
  readonly account: string;
  /**
   * Whether it has a privilege: on the database, on `*` (everything), on databases of a name, or on a table there.
   * Privileges through roles that are not enabled do not count.
   */
  readonly has: (privilege: string, where?: string, table?: string) => boolean;
}

interface Grant {
  readonly privileges: ReadonlySet<string>;
  readonly schema: string;
  readonly table: string;
}

/** To hand on what one has; no part of ALL PRIVILEGES. */
const GRANT_OPTION = 'GRANT OPTION';

/** Reads the grants of the session’s account and of its enabled roles. */
export async function readPrivileges({ wire }: Session, database: string): Promise<Privileges> {
  const grants: Grant[] = [];
  let account = '';
  for (const [text] of await wire.query('SHOW GRANTS')) {
    const grant = parseGrant(text ?? '');
    if (grant === undefined) continue;
    grants.push(grant.grant);
    if (account === '') ({ account } = grant);
  }
  return {
    account,
    has: (privilege, where = database, name = '*') =>
      grants.some(
        ({ privileges, schema, table }) =>
          (privileges.has(privilege) || (privileges.has('ALL PRIVILEGES') && privilege !== GRANT_OPTION)) &&
          covers(schema, where) &&
          (table === '*' || table === name),
      ),
  };
}

/** MariaDB 11.3: SHOW CREATE ROUTINE is a privilege of its own, and a part of all privileges. */
const HAS_SHOW_CREATE_ROUTINE = 1103;

/** Whether the statements of routines can be read, whoever made them. */
export function readsRoutines({ server: { isMariaDb, version } }: Session, { has }: Privileges): boolean {
  if (!isMariaDb) return has('SHOW_ROUTINE', '*') || has('SELECT', '*');
  return has('SELECT', 'mysql', 'proc') || (version >= HAS_SHOW_CREATE_ROUTINE && has('SHOW CREATE ROUTINE'));
}

/** Whether it can be seen which routines there are. */
export function seesRoutines(session: Session, privileges: Privileges): boolean {
  return (
    readsRoutines(session, privileges) ||
    ['EXECUTE', 'CREATE ROUTINE', 'ALTER ROUTINE'].some((privilege) => privileges.has(privilege))
  );
}

function covers(schema: string, where: string): boolean {
  return schema === '*' || (where !== '*' && matches(schema, where));
}

/** Names of databases in grants are patterns: `_` is any character, `%` any text, unless escaped. */
function matches(pattern: string, name: string): boolean {
  // A pattern covers what is asked for when it is asked for as a pattern itself.
  if (pattern.replaceAll('\\', '') === name) return true;
  const expression = pattern.replace(
    /\\([_%])|[_%]|[.*+?^${}()|[\]\\]/g,
    (part, escaped: string | undefined) =>
      escaped ?? (part === '_' ? '.' : part === '%' ? '.*' : `\\${part}`),
  );
  return new RegExp(`^${expression}$`, 's').test(name);
}

function parseGrant(text: string): { grant: Grant; account: string } | undefined {
  const found =
    /^GRANT (.+) ON (?:(?:TABLE|FUNCTION|PROCEDURE) )?(\*|`(?:[^`]|``)+`)\.(\*|`(?:[^`]|``)+`) TO (\S+)/.exec(
      text,
    );
  if (found === null) return undefined;
  const [, privileges = '', schema = '', table = '', account = ''] = found;
  const plain = privileges.replace(/\([^)]*\)/g, '').split(',');
  if (/ WITH (?:.* )?GRANT OPTION/.test(text)) plain.push(GRANT_OPTION);
  return {
    grant: {
      privileges: new Set(plain.map((privilege) => privilege.trim().toUpperCase())),
      schema: unquoted(schema),
      table: unquoted(table),
    },
    account,
  };
}

function unquoted(name: string): string {
  return name.replace(/^`(.*)`$/s, '$1').replaceAll('``', '`');
}
