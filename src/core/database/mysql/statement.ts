import { quoteName } from './quote.ts';
import { isName, rewrite, type Token, tokens } from './tokens.ts';

/** An account as `user@host`, or a role’s name. */
export interface Definer {
  readonly account: string;
  /** Where `DEFINER=…` stands in the statement. */
  readonly start: number;
  readonly end: number;
}

const KINDS = new Set(['VIEW', 'TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT', 'PACKAGE']);

/** Who a view, trigger, routine or event belongs to, if its statement says so. */
export function findDefiner(statement: string): Definer | undefined {
  const stream = tokens(statement);
  for (const { kind, value, start } of stream) {
    if (kind !== 'word') continue;
    const word = value.toUpperCase();
    if (KINDS.has(word)) return undefined;
    if (word !== 'DEFINER') continue;
    stream.next(); // =
    const user = stream.next().value as Token | undefined;
    if (user === undefined) return undefined;
    const at = stream.next().value as Token | undefined;
    if (at?.value !== '@') return { account: plain(user), start, end: user.end };
    const host = stream.next().value as Token | undefined;
    if (host === undefined) return undefined;
    return { account: `${plain(user)}@${plain(host)}`, start, end: host.end };
  }
  return undefined;
}

/** The statement without its `DEFINER=…`, so that it belongs to whoever carries it out. */
export function withoutDefiner(statement: string): string {
  const definer = findDefiner(statement);
  if (definer === undefined) return statement;
  return statement.slice(0, definer.start) + statement.slice(definer.end).trimStart();
}

/** Qualifies tables that foreign keys refer to, but for those of some names. */
export function qualifyReferences(statement: string, schema: string, except: ReadonlySet<string>): string {
  return rewrite(statement, (token, before, after) =>
    isName(token) &&
    before?.value.toUpperCase() === 'REFERENCES' &&
    after?.value !== '.' &&
    !except.has(token.value)
      ? `${quoteName(schema)}.${quoteName(token.value)}`
      : undefined,
  );
}

/** Names of collations, charsets and engines a CREATE TABLE asks for. */
export function findNeeds(statement: string): {
  readonly collations: readonly string[];
  readonly charsets: readonly string[];
  readonly engines: readonly string[];
} {
  const collations: string[] = [];
  const charsets: string[] = [];
  const engines: string[] = [];
  const recent: string[] = [];
  for (const { kind, value } of tokens(statement)) {
    if (value === '=') continue;
    const before = recent.at(-1) ?? '';
    if (kind === 'word' || kind === 'name') {
      if (before === 'COLLATE') collations.push(value);
      else if (before === 'CHARSET' || (before === 'SET' && recent.at(-2) === 'CHARACTER'))
        charsets.push(value);
      else if (before === 'ENGINE') engines.push(value);
    }
    recent.push(kind === 'word' ? value.toUpperCase() : '');
    if (recent.length > 2) recent.shift();
  }
  return { collations, charsets, engines };
}

/** Puts other collations where a statement asks for some. */
export function replaceCollations(statement: string, by: Readonly<Record<string, string>>): string {
  if (Object.keys(by).length === 0) return statement;
  let isOption = false;
  return rewrite(statement, (token, before) => {
    if (token.value === '=') {
      isOption = before?.value.toUpperCase() === 'COLLATE';
      return undefined;
    }
    const wanted = before?.value.toUpperCase() === 'COLLATE' || (before?.value === '=' && isOption);
    return wanted && token.kind === 'word' ? by[token.value] : undefined;
  });
}

/** All names in a statement. */
export function namesOf(statement: string): ReadonlySet<string> {
  return new Set([...tokens(statement)].filter(isName).map(({ value }) => value));
}

function plain({ kind, value }: Token): string {
  return kind === 'text' ? value.slice(1, -1) : value;
}
