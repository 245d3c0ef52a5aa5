import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * A small CRM where there is no real data: SQL that every engine here understands, and some files.
 */

const ROWS = 400;

/** The tables and rows of the old version. */
export function generatedCrm(): readonly string[] {
  const companies = rowsOf(
    (id) =>
      `(${id}, 'Company ${id} Ünlü', '${String((id * 7919) % 100_000)}.50', ${id % 3 ? "'active'" : 'NULL'})`,
  );
  const contacts = rowsOf(
    (id) =>
      `(${id}, ${(id % ROWS) + 1}, 'Contact ''${id}''', '${'n'.repeat(id % 90)}', '2024-0${(id % 9) + 1}-15')`,
  );
  return [
    'CREATE TABLE company (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL, revenue DECIMAL(14, 2), stage VARCHAR(20))',
    `CREATE TABLE contact (id INTEGER NOT NULL PRIMARY KEY, company INTEGER NOT NULL REFERENCES company (id),
       name VARCHAR(80) NOT NULL, note TEXT, since DATE)`,
    'CREATE TABLE campaign (code VARCHAR(20) NOT NULL PRIMARY KEY, title VARCHAR(80))',
    'CREATE TABLE journal (entry VARCHAR(80))',
    `INSERT INTO company VALUES ${companies}`,
    `INSERT INTO contact VALUES ${contacts}`,
    "INSERT INTO campaign VALUES ('spring', 'Spring'), ('autumn', NULL)",
    "INSERT INTO journal VALUES ('same'), ('same'), (NULL)",
    "CREATE VIEW active_company AS SELECT id, name FROM company WHERE stage = 'active'",
    'CREATE INDEX contact_name ON contact (name)',
  ];
}

/** What the new version makes of it. */
export const generatedMigration: readonly string[] = [
  'ALTER TABLE contact ADD COLUMN consent VARCHAR(10)',
  "UPDATE contact SET consent = 'yes' WHERE id % 5 = 0",
  "UPDATE company SET stage = 'customer', revenue = revenue + 1 WHERE id % 50 = 0",
  'DELETE FROM contact WHERE id % 97 = 0',
  `INSERT INTO company VALUES (${ROWS + 1}, 'A new one', NULL, NULL)`,
  "INSERT INTO journal VALUES ('same')",
  'DROP TABLE campaign',
  'CREATE TABLE setting (name VARCHAR(40) NOT NULL PRIMARY KEY, value TEXT)',
  "INSERT INTO setting VALUES ('schema', '42')",
  'CREATE INDEX company_stage ON company (stage)',
];

/** What that is in rows: added, changed, deleted. */
export const generatedChanges = {
  campaign: [0, 0, 2],
  company: [1, 8, 0],
  contact: [0, 80, 4],
  journal: [1, 0, 0],
  setting: [1, 0, 0],
} as const;

export function writeFiles(workspace: string): void {
  for (const [path, text] of Object.entries({
    'config/config.php': "<?php return ['version' => 41];\n",
    'documents/1/offer.pdf': '%PDF-1.4 offer\n'.repeat(500),
    'documents/2/letter.txt': 'Dear customer\n',
  })) {
    mkdirSync(join(workspace, path, '..'), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
}

export function migrateFiles(workspace: string): void {
  writeFileSync(join(workspace, 'config/config.php'), "<?php return ['version' => 42];\n");
  rmSync(join(workspace, 'documents/2'), { recursive: true });
  writeFileSync(join(workspace, 'documents/3.txt'), 'A new document\n');
}

function rowsOf(row: (id: number) => string): string {
  return Array.from({ length: ROWS }, (_, index) => row(index + 1)).join(', ');
}
