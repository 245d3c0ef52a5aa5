import { renameSchema } from './rename-schema.ts';
import { findDefiner, replaceCollations, withoutDefiner } from './statement.ts';
import type { StoredObject } from './stored-object.ts';
import type { Ticket } from './ticket.ts';

/** Whether it is moved with its content; everything else is made anew at the switch. */
export function isStored({ kind }: StoredObject): boolean {
  return kind === 'table' || kind === 'sequence';
}

/** What of a backup’s objects is made when its tables are in their place, as this server can make it. */
export function madeAtSwitch(
  objects: readonly StoredObject[],
  from: string,
  ticket: Pick<Ticket, 'database' | 'lostDefiners' | 'collations'>,
): StoredObject[] {
  return objects
    .filter((object) => !isStored(object))
    .map((object) => fitted(object, ticket))
    .map((object) => ({ ...object, statement: renameSchema(object.statement, from, ticket.database) }));
}

/**
 * What of the live database's objects goes at the switch, and comes again when it is taken back.
 * @param moves names of the tables that are replaced; undefined for the whole database
 */
export function takenAtSwitch(
  objects: readonly StoredObject[],
  moves: ReadonlySet<string> | undefined,
): StoredObject[] {
  return objects.filter(
    (object) =>
      !isStored(object) && (moves === undefined || (object.table !== undefined && moves.has(object.table))),
  );
}

/** An object as this server can make it. */
export function fitted(
  object: StoredObject,
  { lostDefiners, collations }: Pick<Ticket, 'lostDefiners' | 'collations'>,
): StoredObject {
  const { statement, settings } = object;
  const sorted = replaceCollations(statement, collations);
  if (isStored(object)) return { ...object, statement: sorted };
  const definer = findDefiner(sorted)?.account;
  const replaced = (name: string | undefined) =>
    name === undefined ? undefined : (collations[name] ?? name);
  const collation = replaced(settings?.collation);
  const databaseCollation = replaced(settings?.databaseCollation);
  return {
    ...object,
    ...(settings === undefined
      ? {}
      : {
          settings: {
            ...settings,
            ...(collation === undefined ? {} : { collation }),
            ...(databaseCollation === undefined ? {} : { databaseCollation }),
          },
        }),
    statement: definer !== undefined && lostDefiners.includes(definer) ? withoutDefiner(sorted) : sorted,
  };
}
