import type { Task } from '../../task.ts';
import type { DatabaseAddress, RowEdit, RowEditor, TableHead } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { type Field, fieldsOf, linesOf, unescaped } from '../line.ts';
import { parsePostgresAddress } from './address.ts';
import { readTables } from './catalog.ts';
import { copyOut } from './copy.ts';
import { stateOf } from './failure.ts';
import { identifier, literal, qualified } from './quote.ts';
import { readReferences } from './references.ts';
import { openSession, serverAt, type Session } from './session.ts';

const LOCK_TIMEOUT_MS = 15_000;
/** Foreign keys, unique keys, exclusions: these may be fulfilled once other rows are there or gone. */
const MAY_PASS_LATER = ['23503', '23505', '23P01'];
/** Triggers of the user find what they name as when anybody else changes rows … */
const AS_ANYBODY = 'SET LOCAL search_path TO DEFAULT';
/** … and everything else is named in full. */
const IN_FULL = "SET LOCAL search_path TO ''";

/** Connects to change single rows; see {@link RowEditor}. */
export async function editRows(address: DatabaseAddress, task: Task): Promise<RowEditor> {
  const session = await openSession(serverAt(address.url, parsePostgresAddress(address), task), task);
  try {
    await session.run(
      `BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET CONSTRAINTS ALL DEFERRED`,
      'Beginning',
    );
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  let tables: Promise<readonly TableHead[]> | undefined;
  const allTables = async (): Promise<readonly TableHead[]> =>
    (tables ??= readTables(session).then((all) => all.map(({ head }) => head)));
  return {
    async table(schema, name) {
      return (await allTables()).find((head) => head.schema === schema && head.name === name);
    },
    lock: async (table, key) =>
      (await lockAll(session, table, `WHERE ${condition('t', table, key)} LIMIT 1`))[0],
    referring: async (reference, to, row, most) => {
      const key = to.key.map((place) => row[place] ?? null);
      const parent = `ONLY ${qualified(to.schema, to.name)} AS p`;
      const where = `${condition('p', to, key)} AND ${reference.condition!}`;
      return lockAll(session, reference.table!, `, ${parent} WHERE ${where} LIMIT ${most}`);
    },
    references: async (table) => readReferences(session, table, await allTables()),
    statement: rowStatement,
    run: async (sql) => run(session, sql),
    async commit() {
      try {
        await session.client.query(`${AS_ANYBODY}; COMMIT`);
      } catch (error) {
        throw constraintOf(error) ?? session.server.failures.of(error, 'Keeping the rows', 'write-failed');
      }
    },
    [Symbol.asyncDispose]: async () => session[Symbol.asyncDispose](),
  };
}

/** @param more what follows the table, which is `t` */
async function lockAll(
  session: Session,
  table: TableHead,
  more: string,
): Promise<readonly (readonly Field[])[]> {
  const doing = `Reading rows of ${table.schema}.${table.name}`;
  const from = `FROM ONLY ${qualified(table.schema, table.name)} AS t ${more}`;
  const locked = await session.rows(`SELECT ${from} FOR UPDATE OF t`, doing);
  if (locked.length === 0) return [];
  const list = table.columns.map(({ name }) => `t.${identifier(name)}`).join(', ');
  const blocks: Buffer[] = [];
  await copyOut(
    session,
    `COPY (SELECT ${list} ${from}) TO STDOUT`,
    (block) => void blocks.push(Buffer.from(block)),
    doing,
  );
  return linesOf(Buffer.concat(blocks)).map(fieldsOf);
}

async function run(session: Session, sql: string): Promise<DatabaseError | undefined> {
  const doing = 'Changing a row';
  await session.run(`SAVEPOINT row; ${AS_ANYBODY}`, doing);
  try {
    await session.client.query(sql);
  } catch (error) {
    const failure = session.server.failures.of(error, doing, 'write-failed');
    const refused = constraintOf(error);
    await session.run('ROLLBACK TO SAVEPOINT row', doing);
    if (refused !== undefined && MAY_PASS_LATER.includes(stateOf(error) ?? '')) return refused;
    throw refused ?? failure;
  }
  await session.run(`${IN_FULL}; RELEASE SAVEPOINT row`, doing);
  return undefined;
}

function constraintOf(error: unknown): DatabaseError | undefined {
  if (stateOf(error)?.startsWith('23') !== true) return undefined;
  const { table, constraint } = error as { table?: string; constraint?: string };
  return new DatabaseError(
    'constraint',
    `The constraint “${constraint ?? 'NOT NULL'}” of table “${table ?? ''}” forbids it.`,
    { hint: 'Restore the rows they refer to, or that refer to them, together with them.' },
  );
}

/** What changes one row; see `DatabaseEngine.rowStatement`. */
export function rowStatement({ change, table, key, values }: RowEdit): string {
  const place = qualified(table.schema, table.name);
  const where = change === 'insert' ? '' : condition(undefined, table, key);
  if (change === 'delete') return `DELETE FROM ONLY ${place} WHERE ${where}`;
  const columns = [...values].map(([at, field]) => ({
    name: identifier(table.columns[at]!.name),
    value: valueOf(field),
  }));
  if (change === 'update') {
    const sets = columns.map(({ name, value }) => `${name} = ${value}`).join(', ');
    return `UPDATE ONLY ${place} SET ${sets} WHERE ${where}`;
  }
  const names = columns.map(({ name }) => name).join(', ');
  // Values of identity columns are taken as they are.
  return `INSERT INTO ${place} (${names}) OVERRIDING SYSTEM VALUE VALUES (${columns.map(({ value }) => value).join(', ')})`;
}

/** What a row with a key fulfils. @param alias of its table, if it has one */
function condition(alias: string | undefined, table: TableHead, key: readonly Field[]): string {
  const of = alias === undefined ? '' : `${alias}.`;
  return table.key
    .map((column, at) => `${of}${identifier(table.columns[column]!.name)} = ${valueOf(key[at] ?? null)}`)
    .join(' AND ');
}

function valueOf(field: Field): string {
  if (field === null) return 'NULL';
  try {
    return literal(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(unescaped(field)),
    ).trimStart();
  } catch {
    throw new DatabaseError(
      'cannot-hold',
      'A value is no text in UTF-8, so its row cannot be put back alone.',
      {
        hint: 'Restore the whole table.',
      },
    );
  }
}
