import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createModule } from './module-code.ts';
import { createRandom } from './random.ts';
import { createRecord } from './records.ts';

/**
 * Edits a sample CRM the way an upgrade does: schema and configuration changed, a field renamed across the
 * contacts, a module added, a legacy one dropped, templates moved, an export widened by a column, an
 * attachment replaced in part. The same seed makes the same edits.
 *
 * @returns what it did, a line each, in plain words
 */
export function migrate(workspace: string, seed = 1): string[] {
  const random = createRandom(`migration ${String(seed)}`);
  const at = (path: string): string => join(workspace, path);
  const edit = (path: string, change: (text: string) => string): void => {
    writeFileSync(at(path), change(readFileSync(at(path), 'utf8')));
  };
  const done: string[] = [];

  edit('config/config.php', (text) =>
    text
      .replace("'schemaVersion' => 41", "'schemaVersion' => 42")
      .replace("'consent' => false", "'consent' => true")
      .replace("'campaigns' => 'legacy'", "'campaigns' => 'v2'"),
  );
  edit('config/modules.yaml', (text) => text.replace('schemaVersion: 41', 'schemaVersion: 42'));
  done.push('raised the schema version in config.php and modules.yaml');

  let renamed = 0;
  for (const shard of readdirSync(at('data/records/contact'))) {
    for (const name of readdirSync(at(`data/records/contact/${shard}`))) {
      edit(`data/records/contact/${shard}/${name}`, (text) =>
        text.replace('"phone_work":', '"phoneOffice":'),
      );
      renamed += 1;
    }
  }
  done.push(`renamed the field phone_work to phoneOffice in ${String(renamed)} contacts`);

  edit('app/Modules/Contacts/schema.sql', (text) =>
    text.replace('  deleted TINYINT', '  consent_given_at DATETIME NULL,\n  deleted TINYINT'),
  );
  edit('app/Modules/Contacts/metadata/entityDefs.json', (text) =>
    text.replace('"fields": {', '"fields": {\n    "consentGivenAt": { "type": "datetime" },'),
  );
  done.push('added consent_given_at to the schema of contacts');

  const consent = createModule('Consent', random);
  for (const { path, text } of consent) {
    mkdirSync(dirname(at(`custom/modules/Consent/${path}`)), { recursive: true });
    writeFileSync(at(`custom/modules/Consent/${path}`), text);
  }
  done.push(`added the module Consent (${String(consent.length)} files)`);

  rmSync(at('app/Modules/LegacyCampaigns'), { recursive: true });
  rmSync(at('custom/modules/LegacyCampaigns'), { recursive: true, force: true });
  done.push('removed the module LegacyCampaigns');

  renameSync(at('templates/email'), at('templates/mail'));
  done.push('moved the mail templates from templates/email to templates/mail');

  edit('data/exports/contacts.csv', (text) =>
    text
      .trimEnd()
      .split('\n')
      .map(
        (line, index) => `${line},${index === 0 ? 'consent_given_at' : random.oneIn(3) ? '2024-06-01' : ''}`,
      )
      .join('\n')
      .concat('\n'),
  );
  done.push('widened the export contacts.csv by the column consent_given_at');

  const record = createRecord('activity', random);
  writeFileSync(at(`data/records/activity/migration ✅.json`), `${JSON.stringify(record, null, 2)}\n`);
  appendFileSync(at('data/shared documents/🎉 launch/notes 📝.md'), '\n迁移完成。Migration done.\n');
  overwrite(at('data/shared documents/合同 2024/供应商协议 ✅.pdf'), 4_000, random.bytes(64));
  done.push('added a record, appended to a note, replaced 64 bytes inside a PDF');

  rmSync(at('data/current-export.csv'));
  symlinkSync('exports/accounts.csv', at('data/current-export.csv'));
  chmodSync(at('bin/backup-cron.sh'), 0o700);
  rmSync(at('public/robots.txt'));
  mkdirSync(at('public/robots.txt'));
  done.push('pointed a link elsewhere, changed a mode, put a folder where a file was');

  return done;
}

function overwrite(path: string, offset: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, offset);
  } finally {
    closeSync(file);
  }
}
