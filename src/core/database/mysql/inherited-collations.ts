import { isSign, type Token, tokens } from './tokens.ts';

/**
 * A table's statement without the collations that columns have from the table.
 *
 * MySQL 8 and newer shows such a column as `COLLATE x`. Made from that statement it has a collation of its own, and is
 * shown as `CHARACTER SET y COLLATE x` from then on: every table would look altered after a restore.
 */
export function withoutInheritedCollations(statement: string): string {
  const all = [...tokens(statement)];
  const inherited = tableCollation(all);
  if (inherited === undefined) return statement;
  const parts: string[] = [];
  let at = 0;
  for (const { token, index, depth } of withDepth(all)) {
    if (depth !== 1 || !isWord(token, 'COLLATE')) continue;
    const isOwn = isWord(all[index - 2], 'SET') && isWord(all[index - 3], 'CHARACTER');
    const name = all[index + 1];
    if (isOwn || name?.value !== inherited) continue;
    parts.push(statement.slice(at, all[index - 1]?.end));
    at = name.end;
  }
  return parts.join('') + statement.slice(at);
}

/** What the options of a table say, which stand behind its columns. */
function tableCollation(all: readonly Token[]): string | undefined {
  for (const { token, index, depth } of withDepth(all))
    if (depth === 0 && isWord(token, 'COLLATE') && isSign(all[index + 1], '=')) return all[index + 2]?.value;
  return undefined;
}

function* withDepth(all: readonly Token[]): Generator<{ token: Token; index: number; depth: number }> {
  let depth = 0;
  for (const [index, token] of all.entries()) {
    if (isSign(token, '(')) depth++;
    else if (isSign(token, ')')) depth--;
    yield { token, index, depth };
  }
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.value.toUpperCase() === word;
}
