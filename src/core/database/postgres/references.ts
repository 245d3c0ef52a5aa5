import type { Reference, ReferenceAction, TableHead } from '../engine.ts';
import { identifier, literal, qualified } from './quote.ts';
import type { Session } from './session.ts';

interface ReferenceRow {
  readonly schema: string;
  readonly name: string;
  readonly onDelete: string;
  readonly onUpdate: string;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  /** By which each of the columns is compared. */
  readonly operators: readonly string[];
  /** Of the columns referred to; null for a type without. */
  readonly collations: readonly (string | null)[];
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
        'referenced', ${names('f.confkey', 'f.confrelid')},
        'operators', (SELECT json_agg(format('%I.%s', s.nspname, o.oprname) ORDER BY k.place)
          FROM unnest(f.conpfeqop) WITH ORDINALITY AS k(operator, place)
          JOIN pg_catalog.pg_operator o ON o.oid = k.operator JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace),
        'collations', (SELECT json_agg(CASE WHEN l.oid IS NOT NULL THEN format('%I.%I', s.nspname, l.collname) END
            ORDER BY k.place) FROM unnest(f.confkey) WITH ORDINALITY AS k(number, place)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number
          LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
          LEFT JOIN pg_catalog.pg_namespace s ON s.oid = l.collnamespace)))::text AS found
      FROM pg_catalog.pg_constraint f
      JOIN pg_catalog.pg_class c ON c.oid = f.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE f.contype = 'f' AND c.relkind = 'r' AND f.confrelid IN (
        SELECT ${self} UNION SELECT relid FROM pg_catalog.pg_partition_ancestors(${self}))`,
    `Asking what refers to ${table.schema}.${table.name}`,
  );
  const found = (JSON.parse(rows[0]?.found ?? 'null') as ReferenceRow[] | null) ?? [];
  return found.map((row): Reference => {
    const { schema, name, onDelete, onUpdate, columns, referenced } = row;
    const own = tables.find((head) => head.schema === schema && head.name === name);
    const placesIn = (head: TableHead | undefined, wanted: readonly string[]): number[] =>
      wanted.map((each) => head?.columns.findIndex((column) => column.name === each) ?? -1);
    return {
      table: own,
      name: `${schema}.${name}`,
      columns: placesIn(own, columns),
      referenced: placesIn(table, referenced),
      condition: conditionOf(row),
      onDelete: ACTIONS[onDelete] ?? 'refuse',
      onUpdate: ACTIONS[onUpdate] ?? 'refuse',
    };
  });
}

/** What the server itself asks, wherever its operators are. */
function conditionOf({ columns, referenced, operators, collations }: ReferenceRow): string {
  return columns
    .map((column, at) => {
      const collation = collations[at] ?? null;
      const by = collation === null ? '' : ` COLLATE ${collation}`;
      return `p.${identifier(referenced[at]!)} OPERATOR(${operators[at]!}) t.${identifier(column)}${by}`;
    })
    .join(' AND ');
}
