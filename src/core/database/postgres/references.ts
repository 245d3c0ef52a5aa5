import type { Reference, ReferenceAction, TableHead } from '../engine.ts';
import { literal, qualified } from './quote.ts';
import type { Session } from './session.ts';

interface ReferenceRow {
  readonly schema: string;
  readonly name: string;
  readonly onDelete: string;
  readonly onUpdate: string;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
}

const ACTIONS: Readonly<Record<string, ReferenceAction>> = { c: 'follow', n: 'clear', d: 'clear' };

/** The foreign keys that refer to a table, or to what it is a partition of; of partitioned tables those of the leaves. */
export async function readReferences(
  session: Session,
  table: TableHead,
  tables: readonly TableHead[],
): Promise<Reference[]> {
  const self = `${literal(qualified(table.schema, table.name))}::pg_catalog.regclass`;
  const names = (numbers: string, relation: string): string => `(
      SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(${numbers}) WITH ORDINALITY AS k(number, place)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.number)`;
  const rows = await session.rows<{ found: string | null }>(
    `SELECT json_agg(json_build_object('schema', n.nspname, 'name', c.relname,
        'onDelete', f.confdeltype, 'onUpdate', f.confupdtype,
        'columns', ${names('f.conkey', 'f.conrelid')},
        'referenced', ${names('f.confkey', 'f.confrelid')}))::text AS found
      FROM pg_catalog.pg_constraint f
      JOIN pg_catalog.pg_class c ON c.oid = f.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE f.contype = 'f' AND c.relkind = 'r' AND f.confrelid IN (
        SELECT ${self} UNION SELECT relid FROM pg_catalog.pg_partition_ancestors(${self}))`,
    `Asking what refers to ${table.schema}.${table.name}`,
  );
  const found = (JSON.parse(rows[0]?.found ?? 'null') as ReferenceRow[] | null) ?? [];
  return found.map(({ schema, name, onDelete, onUpdate, columns, referenced }): Reference => {
    const own = tables.find((head) => head.schema === schema && head.name === name);
    const placesIn = (head: TableHead | undefined, wanted: readonly string[]): number[] =>
      wanted.map((each) => head?.columns.findIndex((column) => column.name === each) ?? -1);
    return {
      table: own,
      name: `${schema}.${name}`,
      columns: placesIn(own, columns),
      referenced: placesIn(table, referenced),
      onDelete: ACTIONS[onDelete] ?? 'refuse',
      onUpdate: ACTIONS[onUpdate] ?? 'refuse',
    };
  });
}
