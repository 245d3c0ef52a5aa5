import { quoteName } from './quote.ts';

/** A piece of a statement. Names have their quotes taken off in `value`. */
interface Token {
  readonly kind: 'name' | 'word' | 'text' | 'sign';
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Spaces and comments, but not what stands in comments that the server carries out (`/*!50003 … *\/`). */
const SKIPPED = /(?:\s+|--(?=\s|$)[^\n]*|#[^\n]*|\/\*M?!\d*|\*\/|\/\*(?!M?!)[\s\S]*?\*\/)*/y;
const TOKEN =
  /`((?:[^`]|``)*)`|'(?:[^'\\]|''|\\[\s\S])*'|"((?:[^"\\]|""|\\[\s\S])*)"|([\p{L}\p{N}_$]+)|[\s\S]/uy;

/** The words, names, texts and signs of a statement, in order. */
function* tokens(statement: string): Generator<Token> {
  for (let at = 0; ;) {
    SKIPPED.lastIndex = at;
    SKIPPED.exec(statement);
    at = SKIPPED.lastIndex;
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(statement);
    if (found === null) return;
    const [whole, name, , word] = found;
    const end = at + whole.length;
    if (name !== undefined) yield { kind: 'name', value: name.replaceAll('``', '`'), start: at, end };
    else if (word !== undefined) yield { kind: 'word', value: word, start: at, end };
    else
      yield { kind: /^['"]/.test(whole) && whole.length > 1 ? 'text' : 'sign', value: whole, start: at, end };
    at = end;
  }
}

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

/** Puts another database’s name where a name is qualified with the old one. */
export function renameSchema(statement: string, from: string, to: string): string {
  if (from === to) return statement;
  return rewrite(statement, (token, before, after) =>
    isName(token) &&
    token.value === from &&
    after?.value === '.' &&
    before?.value !== '.' &&
    before?.value !== '@'
      ? quoteName(to)
      : undefined,
  );
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

function rewrite(
  statement: string,
  replace: (token: Token, before: Token | undefined, after: Token | undefined) => string | undefined,
): string {
  const all = [...tokens(statement)];
  const parts: string[] = [];
  let at = 0;
  for (const [index, token] of all.entries()) {
    const replacement = replace(token, all[index - 1], all[index + 1]);
    if (replacement === undefined) continue;
    parts.push(statement.slice(at, token.start), replacement);
    at = token.end;
  }
  return parts.length === 0 ? statement : parts.join('') + statement.slice(at);
}

function isName({ kind }: Token): boolean {
  return kind === 'name' || kind === 'word';
}

function plain({ kind, value }: Token): string {
  return kind === 'text' ? value.slice(1, -1) : value;
}
