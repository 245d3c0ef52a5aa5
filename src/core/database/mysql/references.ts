import type { Reference, ReferenceAction, TableHead } from '../engine.ts';
import { quoteText } from './quote.ts';
import type { Session } from './session.ts';

/** Finds a table’s references among those of the database. @param known the table of a name, where the editor has it */
export type FindReferences = (
  table: TableHead,
  known: (name: string) => TableHead | undefined,
) => readonly Reference[];

const ACTIONS: Readonly<Record<string, ReferenceAction>> = {
  CASCADE: 'follow',
  'SET NULL': 'clear',
  'SET DEFAULT': 'clear',
};

/** All foreign keys that refer to tables of a database, as far as the account may see them, asked for at once. */
export async function readReferences({ wire }: Session, database: string): Promise<FindReferences> {
  const rows = await wire.query(
    `SELECT k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, r.DELETE_RULE, r.UPDATE_RULE, k.REFERENCED_TABLE_NAME,
        k.COLUMN_NAME, k.REFERENCED_COLUMN_NAME
      FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
        ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
        AND r.TABLE_NAME = k.TABLE_NAME
      WHERE k.REFERENCED_TABLE_SCHEMA = ${quoteText(database)}
      ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION`,
  );
  return (table, known) => {
    const found = new Map<
      string,
      Reference & { readonly columns: number[]; readonly referenced: number[] }
    >();
    for (const row of rows) {
      const [schema, name, constraint, onDelete, onUpdate, to, column, referenced] = row as readonly string[];
      if (to !== table.name) continue;
      const own = schema === database ? known(name!) : undefined;
      const id = [schema, name, constraint].join('\0');
      const reference = found.get(id) ?? {
        table: own,
        name: schema === database ? name! : `${schema}.${name}`,
        columns: [],
        referenced: [],
        onDelete: ACTIONS[onDelete!] ?? 'refuse',
        onUpdate: ACTIONS[onUpdate!] ?? 'refuse',
      };
      reference.columns.push(own?.columns.findIndex((each) => each.name === column) ?? -1);
      reference.referenced.push(table.columns.findIndex((each) => each.name === referenced));
      found.set(id, reference);
    }
    return [...found.values()];
  };
}
