/** A `CREATE TABLE` without the keys that are made when its rows are there. */
export interface DeferredKeys {
  readonly statement: string;
  /** What `ALTER TABLE … ADD` takes, in order. */
  readonly keys: readonly string[];
}

/** A line of a key that is neither unique nor of a kind of its own. */
const PLAIN_KEY = /^KEY `(?:[^`]|``)+` (?:USING \w+ )?\((`(?:[^`]|``)+`)/;
const FOREIGN_KEY = / FOREIGN KEY \((`(?:[^`]|``)+`)/;
const REFERENCES = / REFERENCES (?:`(?:[^`]|``)+`\.)?(`(?:[^`]|``)+`) \((`(?:[^`]|``)+`)/g;
const COUNTED = /^(`(?:[^`]|``)+`) .* AUTO_INCREMENT\b/;

/**
 * Takes out of a statement, as the server writes it, the keys that InnoDB builds in a fraction of the time once all
 * rows are there: it sorts them then, where otherwise it would put each row’s entry at its place. The order in which
 * keys were made is the order in which they are shown, so only those behind the last that must stay are taken.
 * @param referenced quoted columns that foreign keys of any table refer to
 */
export function deferKeys(statement: string, referenced: Iterable<string>): DeferredKeys {
  const [head = '', ...lines] = statement.split('\n');
  const end = lines.findIndex((line) => line.startsWith(')'));
  const options = lines.slice(end).join('\n');
  if (end < 0 || !/ ENGINE=InnoDB\b/.test(options)) return { statement, keys: [] };
  const body = lines.slice(0, end).map((line) => line.trim().replace(/,$/, ''));
  // A foreign key and a counter each need a key that begins with their column.
  const own = body.flatMap((line) => (FOREIGN_KEY.exec(line) ?? COUNTED.exec(line))?.[1] ?? []);
  const needed = new Set([...own, ...referenced]);
  const mustStay = (line: string): boolean => {
    const column = PLAIN_KEY.exec(line)?.[1];
    return column === undefined ? line.startsWith('SPATIAL KEY ') : needed.has(column);
  };
  const last = body.findLastIndex(mustStay);
  const isDeferred = (line: string, at: number): boolean => at > last && PLAIN_KEY.test(line);
  const keys = body.filter(isDeferred);
  if (keys.length === 0) return { statement, keys };
  const rest = body.filter((line, at) => !isDeferred(line, at)).map((line) => `  ${line}`);
  return { statement: [head, rest.join(',\n'), options].join('\n'), keys };
}

/** The columns, quoted, that foreign keys in statements refer to, by the quoted name of their table. */
export function referencedColumns(statements: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const statement of statements) {
    for (const [, table = '', column = ''] of statement.matchAll(REFERENCES)) {
      found.set(table, [...(found.get(table) ?? []), column]);
    }
  }
  return found;
}
