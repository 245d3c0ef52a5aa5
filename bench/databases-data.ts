import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from '../scripts/sample/random.ts';
import {
  cities,
  companies,
  firstNames,
  industries,
  lastNames,
  phrases,
  stages,
} from '../scripts/sample/words.ts';

/** A table of the generated CRM. Its SQL is what PostgreSQL and MariaDB both understand. */
export interface BenchTable {
  readonly name: string;
  readonly columns: string;
  /** Columns with an index besides the key. */
  readonly indexes: readonly string[];
  /** The column that edits change. */
  readonly edited: string;
  /** How much of the whole it is. */
  readonly share: number;
  /** A row’s columns with tabs between; none has anything to escape. */
  readonly row: (id: number, random: Random) => string;
}

/** A change every so many rows: 0.5 %. */
export const EDIT_EVERY = 200;

const LINES_AT_ONCE = 5000;

const time = (random: Random): string =>
  `202${String(random.integer(0, 4))}-0${String(random.integer(1, 9))}-${String(random.integer(10, 28))} ${String(random.integer(10, 23))}:${String(random.integer(10, 59))}:00`;
const hex = (random: Random, digits: number): string =>
  random
    .integer(0, 2 ** 32 - 1)
    .toString(16)
    .padStart(8, '0')
    .slice(0, digits);

export const benchTables: readonly BenchTable[] = [
  {
    name: 'company',
    columns:
      'id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(120) NOT NULL, city VARCHAR(60), industry VARCHAR(40), revenue DECIMAL(14, 2), note TEXT, changed_at TIMESTAMP NULL',
    indexes: ['name'],
    edited: 'note',
    share: 0.05,
    row: (id, random) =>
      `${id}\t${random.pick(companies)} ${id}\t${random.pick(cities)}\t${random.pick(industries)}\t${random.integer(1, 9e8) / 100}\t${random.pick(phrases)}\t${time(random)}`,
  },
  {
    name: 'contact',
    columns:
      'id INTEGER NOT NULL PRIMARY KEY, company_id INTEGER NOT NULL, first_name VARCHAR(80), last_name VARCHAR(80) NOT NULL, email VARCHAR(120), phone VARCHAR(40), note TEXT, changed_at TIMESTAMP NULL, deleted SMALLINT NOT NULL',
    indexes: ['company_id', 'email'],
    edited: 'note',
    share: 0.3,
    row: (id, random) =>
      `${id}\t${random.integer(1, 100_000)}\t${random.pick(firstNames)}\t${random.pick(lastNames)}\tcontact.${hex(random, 8)}@example.com\t+49 30 ${random.integer(1e5, 1e7)}\t${random.oneIn(3) ? '\\N' : random.pick(phrases)}\t${time(random)}\t0`,
  },
  {
    name: 'activity',
    columns:
      'id BIGINT NOT NULL PRIMARY KEY, contact_id INTEGER NOT NULL, kind VARCHAR(20), subject VARCHAR(200), body TEXT, stage VARCHAR(20), changed_at TIMESTAMP NULL',
    indexes: ['contact_id'],
    edited: 'body',
    share: 0.45,
    row: (id, random) =>
      `${id}\t${random.integer(1, 1e6)}\tcall\t${random.pick(companies)} ${hex(random, 6)}\t${random.pick(phrases)} ${random.pick(phrases)} ${hex(random, 8)} ${random.pick(phrases)}\t${random.pick(stages)}\t${time(random)}`,
  },
  {
    name: 'audit',
    columns:
      'id INTEGER NOT NULL, uuid CHAR(36) NOT NULL PRIMARY KEY, field VARCHAR(40), old_value TEXT, new_value TEXT, changed_at TIMESTAMP NULL',
    indexes: [],
    edited: 'new_value',
    share: 0.2,
    row: (id, random) =>
      `${id}\t${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-a${hex(random, 3)}-${hex(random, 8)}${hex(random, 4)}\t${random.pick(industries)}\t${random.pick(phrases)}\t${random.pick(cities)} ${hex(random, 8)}\t${time(random)}`,
  },
];

/** Writes the rows of all tables, together so many bytes, as `<name>.tsv`; returns how many rows there are. */
export function writeRows(folder: string, bytes: number): number {
  let rows = 0;
  for (const { name, share, row } of benchTables) {
    const random = createRandom(`rows of ${name}`);
    const file = openSync(join(folder, `${name}.tsv`), 'w');
    try {
      for (let id = 1, written = 0; written < bytes * share;) {
        const lines: string[] = [];
        for (let line = 0; line < LINES_AT_ONCE; line += 1) lines.push(row(id++, random), '\n');
        written += writeSync(file, lines.join(''));
        rows += LINES_AT_ONCE;
      }
    } finally {
      closeSync(file);
    }
  }
  return rows;
}
