/** A piece of a statement. Names have their quotes taken off in `value`. */
export interface Token {
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
export function* tokens(statement: string): Generator<Token> {
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

/** Puts other texts in the place of tokens; what stands between them stays. */
export function rewrite(
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

/** Whether a token is a name, quoted or not; keywords are, too. */
export function isName({ kind }: Token): boolean {
  return kind === 'name' || kind === 'word';
}

/** Whether a token is this sign, not a name or text that looks like it. */
export function isSign(token: Token | undefined, sign: string): boolean {
  return token?.kind === 'sign' && token.value === sign;
}
