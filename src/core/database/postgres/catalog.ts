import type { DumpedColumn, TableHead } from '../engine.ts';
import { identifier, qualified } from './quote.ts';
import type { Session } from './session.ts';

/** A table whose rows are dumped. */
export interface CatalogTable {
  readonly oid: string;
  readonly head: TableHead;
  /** The order its rows are read in: expressions, or nothing without a key. */
  readonly order: string;
  /** Only these rows: tables of extensions keep those the extension does not make itself. */
  readonly where: string;
  readonly bytes: number;
}

interface ColumnRow {
  readonly number: number;
  readonly name: string;
  readonly type: string;
  readonly base: string;
  readonly category: string;
}

interface TableRow {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly bytes: number;
  readonly where: string;
  readonly columns: readonly ColumnRow[] | null;
  readonly key: readonly number[] | null;
}

/** Condition on pg_namespace `n`: what is neither PostgreSQL’s own nor stands beside while a restore goes on. */
export const OWN_SCHEMAS =
  "n.nspname !~ '^(pg_|crm_backup_(new|old)_)' AND n.nspname <> 'information_schema'";

const IS_DUMPED = `c.relkind = 'r' AND c.relpersistence IN ('p', 'u') AND ${OWN_SCHEMAS}
  AND (x.oid IS NOT NULL OR NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))`;

const EXTENSION_TABLES = `LEFT JOIN (
    SELECT u.oid, u.condition FROM pg_catalog.pg_extension e,
      unnest(e.extconfig, e.extcondition) AS u(oid, condition)) x ON x.oid = c.oid`;

/** Names of all tables that are dumped, to lock them: no more is asked than that. */
export const DUMPED_TABLES = `SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name,
    c.relfilenode::text AS file, pg_catalog.pg_relation_filenode(c.oid)::text AS "fileNow"
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ${EXTENSION_TABLES}
  WHERE ${IS_DUMPED} ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

// The key is the primary key or else the smallest unique one that is never NULL: what PostgreSQL 18 has only promised
// to be NOT NULL may hold it. Leaf partitions stand for their table.
const TABLES = `SELECT json_agg(json_build_object(
    'oid', c.oid::text, 'schema', n.nspname, 'name', c.relname, 'bytes', pg_catalog.pg_table_size(c.oid),
    'where', coalesce(x.condition, ''),
    'columns', (
      SELECT json_agg(json_build_object('number', a.attnum, 'name', a.attname,
          'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'base', b.typname, 'category', b.typtype)
          ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a
      CROSS JOIN LATERAL (
        WITH RECURSIVE chain AS (
          SELECT t.typname, t.typtype, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
          UNION ALL
          SELECT t.typname, t.typtype, t.typbasetype FROM chain JOIN pg_catalog.pg_type t ON t.oid = chain.typbasetype)
        SELECT typname, typtype FROM chain WHERE typtype <> 'd') b
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
    'key', (
      SELECT to_json(i.indkey::int2[]) FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid JOIN pg_catalog.pg_am am ON am.oid = ic.relam
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
        AND i.indexprs IS NULL AND am.amname = 'btree' AND i.indnkeyatts = i.indnatts
        AND NOT EXISTS (
          SELECT FROM unnest(i.indkey::int2[]) AS k(number) JOIN pg_catalog.pg_attribute a
            ON a.attrelid = c.oid AND a.attnum = k.number WHERE NOT a.attnotnull OR a.attgenerated <> ''
            OR EXISTS (SELECT FROM pg_catalog.pg_constraint v WHERE v.conrelid = c.oid AND v.contype = 'n'
              AND NOT v.convalidated AND v.conkey = ARRAY[a.attnum]))
      ORDER BY i.indisprimary DESC, i.indnkeyatts, ic.relname COLLATE "C" LIMIT 1)
  ) ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C")::text AS tables
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ${EXTENSION_TABLES}
  WHERE ${IS_DUMPED}`;

/** All tables whose rows are dumped, as the session’s transaction sees them. */
export async function readTables(session: Session): Promise<CatalogTable[]> {
  const [found] = await session.rows<{ tables: string | null }>(TABLES, 'Reading the list of tables');
  const encoding = await encodingOf(session);
  return ((JSON.parse(found?.tables ?? 'null') as TableRow[] | null) ?? []).map((table) =>
    catalogTable(table, encoding),
  );
}

async function encodingOf(session: Session): Promise<string> {
  const sql = "SELECT current_setting('server_encoding') AS encoding";
  const [found] = await session.rows<{ encoding: string }>(sql, 'Asking for the encoding');
  return found!.encoding;
}

function catalogTable(table: TableRow, encoding: string): CatalogTable {
  const columns = table.columns ?? [];
  const key = (table.key ?? []).map((number) => columns.findIndex((column) => column.number === number));
  const dumped = columns.map((column, index): DumpedColumn => {
    const { name, type, base } = column;
    return key.includes(index) ? { name, type, sorts: isNumber(base) ? 'number' : 'bytes' } : { name, type };
  });
  const head: TableHead = {
    schema: table.schema,
    name: table.name,
    columns: dumped,
    key,
    ...(table.where === '' ? {} : { details: { where: table.where } }),
  };
  return {
    oid: table.oid,
    head,
    order: key.map((index) => orderOf(columns[index]!, encoding)).join(', '),
    where: table.where,
    bytes: table.bytes,
  };
}

function isNumber(type: string): boolean {
  return ['int2', 'int4', 'int8', 'oid'].includes(type);
}

/** Rows are ordered by the bytes of the key’s text, whatever the column’s own order. Where both agree its index helps. */
function orderOf({ name, base }: ColumnRow, encoding: string): string {
  const column = identifier(name);
  if (isNumber(base) || ['uuid', 'bytea', 'bool'].includes(base)) return column;
  // Turned into text it would lose its padding.
  if (base === 'bpchar') return `pg_catalog.bpcharsend(${column})`;
  const text = ['text', 'varchar'].includes(base) ? column : `${column}::pg_catalog.text`;
  return ['UTF8', 'SQL_ASCII', 'LATIN1'].includes(encoding)
    ? `${text} COLLATE "C"`
    : `pg_catalog.convert_to(${text}, 'UTF8')`;
}

/** The statement that writes a table’s rows as they stand in a backup. */
export function copyOutStatement({ head, order, where }: CatalogTable): string {
  const columns = head.columns.map(({ name }) => identifier(name)).join(', ');
  const parts = [`SELECT ${columns} FROM ONLY ${qualified(head.schema, head.name)}`];
  if (where !== '') parts.push(where);
  if (order !== '') parts.push(`ORDER BY ${order}`);
  return `COPY (${parts.join(' ')}) TO STDOUT`;
}

/**
 * The statements by which a table is compared with a backup: one of them gives its rows in their order. A table that was
 * loaded has them in order as they lie, which spares the server sorting them.
 */
export function readBackStatements(table: CatalogTable): readonly string[] {
  const inOrder = copyOutStatement(table);
  return table.order === '' ? [inOrder] : [copyOutStatement({ ...table, order: '' }), inOrder];
}

/** The statement that takes them back. */
export function copyInStatement(schema: string, name: string, columns: readonly DumpedColumn[]): string {
  // A table without columns has rows all the same, and no list.
  const list =
    columns.length === 0 ? '' : ` (${columns.map((column) => identifier(column.name)).join(', ')})`;
  return `COPY ${qualified(schema, name)}${list} FROM STDIN`;
}
