/**
 * Writes schemas/crm-backup.schema.json, what editors know about the set file: `node scripts/schema.mjs`.
 * It is made from the definition that validates the file and is committed; a test tells when it is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import { format, resolveConfig } from 'prettier';
import { importTs } from './import-ts.mjs';
import { readOptions } from './options.mjs';

const root = path.dirname(import.meta.dirname);

export const schemaFile = path.join(root, 'schemas/crm-backup.schema.json');

/**
 * The text of the JSON schema, as the definition stands now.
 * @returns {Promise<string>}
 */
export async function renderSchema() {
  const { setFileSchema } = /** @type {typeof import('../src/core/set/definition.ts')} */ (
    await importTs('src/core/set/definition.ts')
  );
  // What a check says beyond the schema is told by the validation itself.
  const { $schema, ...schema } = toJsonSchema(setFileSchema, { typeMode: 'input', ignoreActions: ['check'] });
  const text = JSON.stringify({
    $schema,
    title: 'CRM Backup sets',
    allowComments: true,
    allowTrailingCommas: true,
    ...schema,
  });
  return await format(text, { ...(await resolveConfig(schemaFile)), filepath: schemaFile });
}

/** Writes the JSON schema anew if it is stale. */
export async function writeSchema() {
  const text = await renderSchema();
  if (!existsSync(schemaFile) || readFileSync(schemaFile, 'utf8') !== text) writeFileSync(schemaFile, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  readOptions('node scripts/schema.mjs', {});
  await writeSchema();
}
