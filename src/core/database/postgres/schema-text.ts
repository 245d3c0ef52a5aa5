/** One thing of a schema dump: its statements, as pg_dump writes them. */
export interface SchemaEntry {
  readonly name: string;
  /** pg_dump’s word: `TABLE`, `INDEX`, `FK CONSTRAINT`, `ACL` … */
  readonly type: string;
  /** `-` when it is in none. */
  readonly schema: string;
  readonly sql: string;
  /** Statements that say where its rows belong; empty where that does not matter. */
  readonly settings: readonly string[];
}

/** What has rows or pages of its own. */
const STORED = new Set(['TABLE', 'MATERIALIZED VIEW', 'INDEX', 'CONSTRAINT']);
const SETTING = /^SET default_(tablespace|table_access_method) = ("(?:[^"]|"")*"|'[^']*'|[^\s;]+);$/gm;
/** pg_dump writes settings before the header of what they are for, so they come at the end of what stands before. */
const SETTINGS_AFTER = new RegExp(
  `(?:\\s*${SETTING.source.replaceAll('$', '').replaceAll('^SET', 'SET')})+\\s*$`,
);

const HEADER = /^--\n-- Name: (.*); Type: ([^;\n]*); Schema: (.*); Owner: .*\n--\n/;
/** What begins something in which a semicolon or a header means nothing. */
const OPENING = /'|"|\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$|--|\/\*|;/gu;

/**
 * Takes a schema dump apart. Headers and semicolons in texts, names, bodies of functions and comments are passed over.
 */
export function schemaEntries(text: string): SchemaEntry[] {
  const starts: { at: number; header: RegExpExecArray }[] = [];
  for (const { at, kind } of topLevel(text)) {
    if (kind !== '--' || (at > 0 && text[at - 1] !== '\n')) continue;
    // The first of a header’s three lines is empty.
    const header = text.startsWith('--\n', at) ? HEADER.exec(text.slice(at, at + 2000)) : null;
    if (header !== null) starts.push({ at, header });
  }
  const inForce = new Map<string, string>();
  const note = (settings: readonly string[]): void => {
    for (const line of settings) inForce.set(line.slice(0, line.indexOf('=')), line);
  };
  note(settingsIn(text.slice(0, starts[0]?.at)));
  return starts.map(({ at, header }, index) => {
    const [whole, name = '', type = '', schema = ''] = header;
    const settings = STORED.has(type) ? [...inForce.values()] : [];
    const all = text.slice(at + whole.length, starts[index + 1]?.at);
    const [after = ''] = SETTINGS_AFTER.exec(all) ?? [];
    note(settingsIn(after));
    return { name, type, schema, settings, sql: all.slice(0, all.length - after.length).trim() };
  });
}

/** The settings of a text that say where rows belong. */
export function settingsIn(text: string): string[] {
  return [...text.matchAll(SETTING)].map(([line]) => line);
}

/** The statements of an entry, without their semicolons. Not for functions: their bodies may hold some. */
function statementsOf(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  for (const { at, kind } of topLevel(sql)) {
    if (kind !== ';') continue;
    statements.push(sql.slice(start, at).trim());
    start = at + 1;
  }
  statements.push(sql.slice(start).trim());
  return statements.filter((statement) => statement !== '');
}

/** Comments and semicolons outside of everything that is quoted. */
function* topLevel(text: string): Generator<{ at: number; kind: string }> {
  OPENING.lastIndex = 0;
  const opening = new RegExp(OPENING);
  for (let found = opening.exec(text); found !== null; found = opening.exec(text)) {
    const kind = found[0];
    const at = found.index;
    if (kind === '--' || kind === ';') yield { at, kind };
    if (kind.startsWith('$') && isInName(text, at)) {
      opening.lastIndex = at + 1;
      continue;
    }
    opening.lastIndex = endOf(text, at, kind);
  }
}

/** A dollar may stand in a name: `a$b$c`. */
function isInName(text: string, at: number): boolean {
  return at > 0 && /[\p{L}\p{N}_$]/u.test(text[at - 1]!);
}

function endOf(text: string, at: number, kind: string): number {
  const after = (end: string, from: number) => {
    const found = text.indexOf(end, from);
    return found < 0 ? text.length : found + end.length;
  };
  switch (kind) {
    case ';':
      return at + 1;
    case '--':
      return after('\n', at);
    case '/*':
      return after('*/', at + 2);
    case "'": {
      // pg_dump writes E'' where there are backslashes; elsewhere a backslash is one.
      const escapes = /(?:^|[^\p{L}\p{N}_$])[eE]$/u.test(text.slice(Math.max(0, at - 2), at));
      let end = at + 1;
      while (end < text.length && text[end] !== "'") end += escapes && text[end] === '\\' ? 2 : 1;
      return end + 1;
    }
    case '"':
      return after('"', at + 1);
    default:
      return after(kind, at + kind.length);
  }
}

/** What cannot be done on the target, and so is left out. */
export interface RoleRules {
  /** Whether something may be given to the role. */
  readonly mayOwn: (role: string) => boolean;
  readonly exists: (role: string) => boolean;
  readonly tablespaceExists: (name: string) => boolean;
}

const OWNER = /\n\s*ALTER [^;]*? OWNER TO ("(?:[^"]|"")*"|[^\s";]+);((?:\s*SET [^;\n]*;)*\s*)$/;

/**
 * An entry as the target can hold it: without owners and grants of roles it does not have, and without its tablespaces.
 * Such things then belong to whoever restores.
 */
export function fitToTarget(entry: SchemaEntry, rules: RoleRules): string {
  let { sql } = entry;
  if (entry.type === 'ACL' || entry.type === 'DEFAULT ACL') {
    const kept = statementsOf(sql).filter((statement) => rolesIn(statement).every(rules.exists));
    return kept.map((statement) => `${statement};`).join('\n');
  }
  const owner = OWNER.exec(sql);
  if (owner !== null && !rules.mayOwn(unquoted(owner[1]!)))
    sql = `${sql.slice(0, owner.index)}\n${owner[2]!}`;
  return sql;
}

/** The settings of an entry as the target can hold it: what belongs to a tablespace it has not goes to the default one. */
export function fitSettings({ settings }: SchemaEntry, rules: RoleRules): string {
  return settings
    .map((line) =>
      line.replace(SETTING, (whole, setting: string, name: string) =>
        setting !== 'tablespace' || rules.tablespaceExists(unquoted(name))
          ? whole
          : "SET default_tablespace = '';",
      ),
    )
    .join(' ');
}

/** The roles a GRANT, REVOKE, SET SESSION AUTHORIZATION or ALTER DEFAULT PRIVILEGES names, but for PUBLIC. */
function rolesIn(statement: string): string[] {
  const role = String.raw`("(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)`;
  const named = [
    new RegExp(String.raw` (?:TO|FROM) ${role}(?: WITH GRANT OPTION)?$`, 'u'),
    new RegExp(String.raw`^SET SESSION AUTHORIZATION ${role}$`, 'u'),
    new RegExp(String.raw`^ALTER DEFAULT PRIVILEGES FOR ROLE ${role} `, 'u'),
  ].map((pattern) => pattern.exec(statement)?.[1]);
  return named
    .filter((name) => name !== undefined && name !== 'PUBLIC' && name !== 'DEFAULT')
    .map((name) => unquoted(name!));
}

function unquoted(name: string): string {
  if (name.startsWith('"')) return name.slice(1, -1).replaceAll('""', '"');
  return name.startsWith("'") ? name.slice(1, -1) : name;
}
