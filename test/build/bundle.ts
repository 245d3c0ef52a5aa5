import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, workerPlugin } from '../../scripts/worker-plugin.mjs';

/** A bundle on disk. Disposing removes it. */
export interface Built extends AsyncDisposable {
  readonly script: string;
}

/**
 * Bundles an entry as the product is bundled, to be run in a process of its own.
 * @param beside Entries of the bundles that must stand beside it, by their names without `.js`.
 */
export async function buildForNode(
  entry: string,
  beside: Readonly<Record<string, string>> = {},
): Promise<Built> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-backup-engine-'));
  const script = path.join(folder, 'entry.js');
  await build({
    ...bundleOptions,
    absWorkingDir: path.join(import.meta.dirname, '../..'),
    entryPoints: { entry, ...beside },
    outdir: folder,
    logLevel: 'error',
    plugins: [workerPlugin()],
  });
  return { script, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }) };
}
