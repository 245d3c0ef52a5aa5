import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemCode } from '../../errors.ts';
import { throwIfCancelled, type Task } from '../../task.ts';
import type { DumpedTable, DumpSource, ExtractedPart } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { copyInStatement } from './catalog.ts';
import { isLargeObjects } from './large-objects.ts';
import { readText } from './load.ts';
import { type Properties, propertiesOf } from './properties.ts';
import { literal, qualified } from './quote.ts';

const FILE = 'database.sql';
/** What comes after the rows, where some of them are missing. */
const REST = 'post-data.sql';

const STOPS = '\\set ON_ERROR_STOP on\n';
const BEGINNING = `${STOPS}SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = off;
SET client_min_messages = warning;
SET row_security = off;
SET xmloption = content;
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET lc_monetary = 'C';
SELECT pg_catalog.set_config('search_path', '', false);
`;

/**
 * Writes a database as one script for psql. What is written when it fails or is cancelled stays.
 * @throws {DatabaseError} `no-space`, `write-failed`. {CancelledError}
 */
export async function extract(
  source: DumpSource,
  folder: string,
  task: Task,
  part?: ExtractedPart,
): Promise<void> {
  const properties = propertiesOf(source.info);
  const isWanted = ({ path }: DumpedTable): boolean =>
    (part?.tables?.includes(path) ?? true) && part?.without.includes(path) !== true;
  const tables = source.tables.filter(isWanted);
  const isWhole = tables.length === source.tables.length;
  try {
    await pipeline(
      script({ ...source, tables }, properties, isWhole, task),
      createWriteStream(path.join(folder, FILE), { mode: 0o600 }),
    );
    const rest = `${beginning(properties).replace(STOPS, '')}\n${await readText(source, 'schema/post-data.sql')}`;
    if (!isWhole) await writeFile(path.join(folder, REST), rest, { mode: 0o600 });
    const text = readme(source, properties) + (isWhole ? '' : readmeOfPart(tables));
    await writeFile(path.join(folder, 'README.txt'), text, { mode: 0o600 });
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new DatabaseError('no-space', `There is no space left for ${path.join(folder, FILE)}.`, {
        cause: error,
      });
    }
    throw new DatabaseError('write-failed', `${path.join(folder, FILE)} cannot be written: ${code}.`, {
      cause: error,
    });
  }
}

async function* script(
  source: DumpSource,
  properties: Properties,
  isWhole: boolean,
  task: Task,
): AsyncGenerator<Buffer | string> {
  yield beginning(properties);
  yield `\n${await readText(source, 'schema/pre-data.sql')}`;
  for (const table of source.tables) {
    throwIfCancelled(task);
    const isLarge = isLargeObjects(table);
    if (isLarge) {
      const columns = table.columns.map(({ name, type }) => `${name} ${type}`).join(', ');
      yield `\nCREATE TEMP TABLE ${table.name} (${columns});\n`;
    }
    yield `\n${copyInStatement(isLarge ? 'pg_temp' : table.schema, table.name, table.columns)};\n`;
    for await (const block of source.read(table.path)) {
      throwIfCancelled(task);
      yield block;
    }
    yield '\\.\n';
  }
  if (properties.largeObjects > 0 && source.tables.filter(isLargeObjects).length > 1) {
    yield '\nSELECT count(pg_catalog.lo_create(oid)) FROM pg_temp.pg_largeobject_metadata;\n';
    yield 'SELECT count(*) FROM (SELECT pg_catalog.lo_put(loid, page * 262144, data) FROM pg_temp.pg_largeobject) put;\n';
  }
  for (const { schema, name, lastValue, isCalled } of properties.sequences) {
    yield `\nSELECT pg_catalog.setval(${literal(qualified(schema, name))}, ${lastValue}, ${isCalled});`;
  }
  if (isWhole) yield `\n\n${await readText(source, 'schema/post-data.sql')}`;
}

function beginning({ encoding }: Properties): string {
  return encoding === 'SQL_ASCII' ? BEGINNING.replace("'UTF8'", "'SQL_ASCII'") : BEGINNING;
}

function readmeOfPart(tables: readonly DumpedTable[]): string {
  const names = tables.map(({ schema, name }) => `  ${schema}.${name}\n`);
  return `
All tables are made, but only these have their rows:

${names.join('')}
Indexes, keys and triggers are in ${REST}, for foreign keys may refer to rows that are not there. Load what you need of it:

  psql --no-psqlrc --dbname=restored --file=${REST}
`;
}

function readme({ info }: DumpSource, { encoding, collate, ctype, roles }: Properties): string {
  return `The database “${info.database}” of ${info.product}, as a script for psql.

Create an empty database, then load it:

  createdb --template=template0 --encoding=${encoding} --lc-collate='${collate}' --lc-ctype='${ctype}' restored
  psql --no-psqlrc --single-transaction --dbname=restored --file=${FILE}

Its objects belong to and are granted to these roles, which must exist before: ${roles.join(', ')}.
`;
}
