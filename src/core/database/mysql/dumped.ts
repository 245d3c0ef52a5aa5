import type { DumpedTable, DumpSource, RestoreRequest } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { objectPath, parseObject, type StoredObject } from './stored-object.ts';

/** What of a backup is to be restored. */
export interface Dumped {
  readonly tables: readonly DumpedTable[];
  readonly objects: readonly StoredObject[];
}

/**
 * The tables and objects a request asks for: all, or single tables with their triggers.
 * @throws {DatabaseError} `not-in-backup`.
 */
export async function readDumped(source: DumpSource, chosen: RestoreRequest['tables']): Promise<Dumped> {
  const missing = chosen?.find((path) => !source.tables.some((table) => table.path === path));
  if (missing !== undefined) {
    throw new DatabaseError('not-in-backup', `Database “${source.name}” of this backup has no ${missing}.`, {
      hint: `“crm-backup ls BACKUP databases/${source.name}/tables” lists its tables.`,
    });
  }
  const all: StoredObject[] = [];
  for (const { path } of source.objects) {
    const pieces: Buffer[] = [];
    for await (const piece of source.read(path)) pieces.push(piece);
    const object = parseObject(Buffer.concat(pieces).toString());
    if (object !== undefined) all.push(object);
  }
  const tables = source.tables.filter(({ path }) => chosen?.includes(path) ?? true);
  const names = new Set(tables.map(({ name }) => name));
  const lost = tables.find(
    ({ name }) => !all.some(({ kind, name: made }) => kind === 'table' && made === name),
  );
  if (lost !== undefined) {
    const path = objectPath({ kind: 'table', name: lost.name });
    throw new DatabaseError('not-in-backup', `The backup has rows of “${lost.name}”, but not ${path}.`, {
      hint: 'Verify the backup, and restore from another one.',
    });
  }
  const objects = all.filter(
    ({ kind, name, table }) =>
      chosen === undefined ||
      (kind === 'table' && names.has(name)) ||
      (table !== undefined && names.has(table)),
  );
  return { tables, objects };
}
