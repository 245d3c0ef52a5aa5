import path from 'node:path';
import { build } from 'esbuild';

/**
 * The exports of a TypeScript file of this project and of what it imports.
 * @param {string} file relative to the project
 * @returns {Promise<unknown>}
 */
export async function importTs(file) {
  const { outputFiles } = await build({
    absWorkingDir: path.dirname(import.meta.dirname),
    entryPoints: [file],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  });
  const source = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  /** @type {unknown} */
  const exports = await import(`data:text/javascript;base64,${source}`);
  return exports;
}
