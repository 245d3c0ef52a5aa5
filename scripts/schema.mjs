/**
 * Writes schemas/crm-backup.schema.json, what editors know about the set file: `node scripts/schema.mjs`.
 * It is made from the definition that validates the file and is committed; a test tells when it is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';

const root = path.dirname(import.meta.dirname);

export const schemaFile = path.join(root, 'schemas/crm-backup.schema.json');

/**
 * The text of the JSON schema, as the definition stands now.
 * @returns {Promise<string>}
 */
export async function renderSchema() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/core/set/definition.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  });
  const source = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  /** @type {typeof import('../src/core/set/definition.ts')} */
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- the bundle is that file
  const { setFileSchema } = await import(`data:text/javascript;base64,${source}`);
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

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeSchema();
