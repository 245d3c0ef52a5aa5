import { oneValue, type Session } from './session.ts';
import { quoteName, quoteText } from './quote.ts';
import { ServerRefusal } from './wire.ts';
import { inMakingOrder, type StoredObject } from './stored-object.ts';

const UNICODE = new Set(['utf8', 'utf8mb3', 'utf8mb4']);

/** Makes objects in the database in use, each under the settings it was first made under. */
export async function makeObjects(
  session: Session,
  database: string,
  objects: readonly StoredObject[],
): Promise<void> {
  let left = inMakingOrder(objects);
  // Views, and what calls one another, come in an order nobody has written down: whatever cannot be made yet waits.
  for (;;) {
    const waiting: { object: StoredObject; error: unknown }[] = [];
    for (const object of left) {
      try {
        await makeObject(session, database, object);
      } catch (error) {
        if (!(error instanceof ServerRefusal)) throw error;
        waiting.push({ object, error });
      }
    }
    const sound = waiting.find(({ object }) => object.broken === undefined);
    if (sound === undefined) break;
    if (waiting.length === left.length) throw sound.error;
    left = waiting.map(({ object }) => object);
  }
  await restoreSettings(session);
}

/** Removes an object from the database in use, if it is there. */
export async function dropObject({ wire }: Session, { kind, name }: StoredObject): Promise<void> {
  await wire.query(`DROP ${kind.toUpperCase()} IF EXISTS ${quoteName(name)}`);
}

async function makeObject(session: Session, database: string, object: StoredObject): Promise<void> {
  const { wire } = session;
  const { settings = {}, statement } = object;
  const { sqlMode, charset, collation, databaseCollation, timeZone } = settings;
  const collationBefore = databaseCollation === undefined ? undefined : await collationOf(session, database);
  const otherCollation = collationBefore !== databaseCollation ? databaseCollation : undefined;
  const bytes = await inCharset(session, statement, charset);
  try {
    if (otherCollation !== undefined)
      await wire.query(`ALTER DATABASE ${quoteName(database)} COLLATE ${otherCollation}`);
    if (sqlMode !== undefined) await wire.query(`SET SESSION sql_mode = ${quoteText(sqlMode)}`);
    if (timeZone !== undefined) await wire.query(`SET SESSION time_zone = ${quoteText(timeZone)}`);
    if (charset !== undefined && collation !== undefined)
      await wire.query(`SET character_set_client = ${charset}, collation_connection = ${collation}`);
    await wire.query(bytes);
  } finally {
    await restoreSettings(session);
    if (otherCollation !== undefined && collationBefore !== undefined)
      await wire.query(`ALTER DATABASE ${quoteName(database)} COLLATE ${collationBefore}`);
  }
}

async function restoreSettings({ wire }: Session): Promise<void> {
  await wire.query('SET NAMES utf8mb4');
  await wire.query("SET SESSION time_zone = '+00:00'");
  await wire.query(
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES'",
  );
}

async function collationOf(session: Session, database: string): Promise<string | undefined> {
  return oneValue(
    session,
    `SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${quoteText(database)}`,
  );
}

/** A statement in the bytes of a client’s charset; the server knows them all. */
async function inCharset(session: Session, statement: string, charset: string | undefined): Promise<Buffer> {
  const unicode = Buffer.from(statement);
  if (charset === undefined || UNICODE.has(charset) || /^[\0-\x7f]*$/.test(statement)) return unicode;
  const digits = await oneValue(
    session,
    `SELECT HEX(CONVERT(_utf8mb4 x'${unicode.toString('hex')}' USING ${charset}))`,
  );
  return Buffer.from(digits ?? '', 'hex');
}
