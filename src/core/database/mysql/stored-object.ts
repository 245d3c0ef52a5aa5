/** Kinds of what a database has besides rows, in the order they are made again. */
const OBJECT_KINDS = [
  'sequence',
  'table',
  'function',
  'procedure',
  'package',
  'package body',
  'view',
  'trigger',
  'event',
] as const;

export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** The settings an object was made under; they are part of what it means. */
export interface ObjectSettings {
  readonly sqlMode?: string;
  /** Of the client that made it: the charset its literals are in. */
  readonly charset?: string;
  readonly collation?: string;
  /** The database’s collation at that time. */
  readonly databaseCollation?: string;
  /** An event’s. */
  readonly timeZone?: string;
}

/** A table, view, trigger … as a statement that makes it again. */
export interface StoredObject {
  readonly kind: ObjectKind;
  readonly name: string;
  /** A trigger’s table. */
  readonly table?: string;
  /** A trigger’s place among those of its table, event and time: the statement does not say it. */
  readonly order?: number;
  readonly settings?: ObjectSettings;
  /** A view whose own tables are missing. */
  readonly broken?: true;
  readonly statement: string;
}

/** Objects as they are made again: by their kinds, and triggers as they fire. */
export function inMakingOrder(objects: readonly StoredObject[]): StoredObject[] {
  const kind = (object: StoredObject) => OBJECT_KINDS.indexOf(object.kind);
  return objects.toSorted((a, b) => kind(a) - kind(b) || (a.order ?? 0) - (b.order ?? 0));
}

const MARK = '-- crm-backup: ';

/** Below `databases/<name>/`. */
export function objectPath({ kind, name }: Pick<StoredObject, 'kind' | 'name'>): string {
  const folder = kind === 'package body' ? 'package-bodies' : `${kind}s`;
  return `schema/${folder}/${fileName(name)}.sql`;
}

/** An object as the text of its entry: what it is in a comment, then the statement. */
export function writeObject({ statement, ...what }: StoredObject): string {
  return `${MARK}${JSON.stringify(what)}\n${statement}\n`;
}

/** An object from the text of its entry; undefined if it is something else. */
export function parseObject(text: string): StoredObject | undefined {
  const end = text.indexOf('\n');
  if (!text.startsWith(MARK) || end < 0) return undefined;
  const what = JSON.parse(text.slice(MARK.length, end)) as Omit<StoredObject, 'statement'>;
  return { ...what, statement: text.slice(end + 1).replace(/\n$/, '') };
}

/** As `tablePath` spells names, so that an object’s file is called like its table’s. */
function fileName(name: string): string {
  return name.replace(/[%/\\:*?"<>|\p{Cc}\p{Surrogate}]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
