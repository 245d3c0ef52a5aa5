import { quoteName } from './quote.ts';
import { isName, isSign, rewrite, type Token, tokens } from './tokens.ts';

/** A statement, or what stands in one pair of parentheses. */
interface Level {
  /** Whether it has a query, so that FROM is the query’s and not a function’s: `EXTRACT(YEAR FROM …)`. */
  isQuery: boolean;
  /** Whether it is between FROM, UPDATE or TABLE and what ends the list of tables. */
  inTables: boolean;
  /** Whether a name would be a table’s here, not a column’s. */
  isTable: boolean;
}

/** What comes behind these is called so in its schema. */
const BEFORE_NAMES = new Set([
  ...['VIEW', 'TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT', 'SEQUENCE', 'PACKAGE', 'BODY', 'EXISTS'],
  ...['CALL', 'REFERENCES', 'DESCRIBE', 'EXPLAIN', 'HANDLER', 'TRUNCATE'],
]);
const OF_SEQUENCES = new Set(['NEXTVAL', 'LASTVAL', 'SETVAL']);
const INSERTS = new Set(['INSERT', 'REPLACE']);
const INSERT_OPTIONS = new Set(['INTO', 'IGNORE', 'LOW_PRIORITY', 'HIGH_PRIORITY', 'DELAYED']);
/** Where UPDATE and DELETE are no statements. */
const BEFORE_EVENTS = new Set(['ON', 'BEFORE', 'AFTER', 'OR', 'FOR', 'KEY']);
const ENDS_TABLES = new Set([
  ...['WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'WINDOW', 'SET', 'VALUES', 'RETURNING', 'INTO'],
  ...['UNION', 'EXCEPT', 'INTERSECT', 'INSERT', 'REPLACE', 'CALL', 'RETURN'],
  ...['DO', 'THEN', 'ELSE', 'ELSEIF', 'BEGIN', 'LOOP', 'REPEAT', 'WHILE', 'WHEN'],
]);
/** These are functions, too. */
const FUNCTIONS = new Set(['INSERT', 'REPLACE', 'REPEAT']);

/**
 * Puts another database’s name where a name is qualified with the old one. `a.b` may also be column `b` of a table or
 * alias `a`: where something else of the statement is called like the database, the place decides.
 */
export function renameSchema(statement: string, from: string, to: string): string {
  if (from === to) return statement;
  const starts = schemaNames([...tokens(statement)], from);
  return rewrite(statement, ({ start }) => (starts.has(start) ? quoteName(to) : undefined));
}

/** Where the tokens start that name a schema. */
function schemaNames(all: readonly Token[], schema: string): ReadonlySet<number> {
  const starts = new Set<number>();
  const isUnique = !isCalled(all, schema);
  const levels: Level[] = [{ isQuery: true, inTables: false, isTable: false }];
  for (const [at, token] of all.entries()) {
    const level = levels.at(-1)!;
    if (isSign(token, '(')) levels.push(levelInside(all, at, level));
    else if (isSign(token, ')')) {
      if (levels.length > 1) levels.pop();
    } else if (isQualifier(all, at)) {
      const isMeant = token.value === schema && !isSign(all[at - 1], '@');
      if (isMeant && (isUnique || isSchema(all, at, level))) starts.add(token.start);
    } else if (!isSign(all[at - 1], '.')) advance(all, at, level);
  }
  return starts;
}

/** Whether a name begins others: `a` in `a.b` and `a.b.c`. */
function isQualifier(all: readonly Token[], at: number): boolean {
  const token = all[at];
  return token !== undefined && isName(token) && isSign(all[at + 1], '.') && !isSign(all[at - 1], '.');
}

/** Whether anything but a database may be called so: a table, an alias, a variable. */
function isCalled(all: readonly Token[], schema: string): boolean {
  const name = schema.toLowerCase();
  // The rows of a trigger.
  if (name === 'new' || name === 'old') return true;
  return all.some((token, at) => {
    const value = token.kind === 'text' ? token.value.slice(1, -1) : token.value;
    if (token.kind === 'sign' || value.toLowerCase() !== name || isSign(all[at - 1], '@')) return false;
    return !isQualifier(all, at) || word(all[at - 1]) === 'OF';
  });
}

/** Whether a qualifier is a schema: of three names it is, of two where a table or a routine is meant. */
function isSchema(all: readonly Token[], at: number, { inTables, isTable }: Level): boolean {
  if (isSign(all[at + 3], '.')) return true;
  const before = word(all[at - 1]);
  const isGranted = before === 'ON' && !inTables;
  if (isSign(all[at + 2], '*')) return isGranted;
  if (isSign(all[at + 3], '(') || isTable || isGranted || BEFORE_NAMES.has(before)) return true;
  const second = word(all[at - 2]);
  if (isSign(all[at - 1], '(')) return OF_SEQUENCES.has(second);
  if (before === 'FOR') return second === 'VALUE';
  if (before === 'OF') return second === 'TYPE' && word(all[at - 3]) === 'ROW';
  let verb = at - 1;
  while (INSERT_OPTIONS.has(word(all[verb]))) verb--;
  return INSERTS.has(word(all[verb]));
}

/** What parentheses begin with: tables where they are joined in them, else expressions or a query. */
function levelInside(all: readonly Token[], at: number, { isTable }: Level): Level {
  const before = all[at - 1];
  const joins =
    isSign(before, '(') || isSign(before, ',') || /^(FROM|JOIN|STRAIGHT_JOIN|UPDATE)$/.test(word(before));
  return { isQuery: false, inTables: isTable && joins, isTable: isTable && joins };
}

/** Goes on behind a word or sign. */
function advance(all: readonly Token[], at: number, level: Level): void {
  const token = all[at]!;
  if (isSign(token, ';')) Object.assign(level, { inTables: false, isTable: false });
  if (isSign(token, ',')) level.isTable = level.inTables;
  const now = word(token);
  const before = word(all[at - 1]);
  if (now === 'SELECT') Object.assign(level, { isQuery: true, inTables: false, isTable: false });
  else if (now === 'UPDATE' || now === 'DELETE') {
    const begins = !BEFORE_EVENTS.has(before);
    if (begins || before === 'KEY') Object.assign(level, { inTables: begins, isTable: begins });
  } else if (now === 'TABLE' || now === 'TABLES' || (now === 'FROM' && level.isQuery)) {
    Object.assign(level, { inTables: true, isTable: true });
  } else if (now === 'JOIN' || now === 'STRAIGHT_JOIN') level.isTable = level.inTables;
  else if (now === 'ON') level.isTable = false;
  else if (now === 'USING') level.isTable = level.inTables && !isSign(all[at + 1], '(');
  else if (ENDS_TABLES.has(now) && !(FUNCTIONS.has(now) && isSign(all[at + 1], '(')))
    Object.assign(level, { inTables: false, isTable: false });
}

/** A word that is no quoted name, in capitals. */
function word(token: Token | undefined): string {
  return token?.kind === 'word' ? token.value.toUpperCase() : '';
}
