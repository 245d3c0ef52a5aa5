import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, workerPlugin } from '../../scripts/worker-plugin.mjs';

/** A bundle on disk. Disposing removes it. */
export interface Built extends AsyncDisposable {
  readonly script: string;
}

/** Bundles an entry as the product is bundled, to be run in a process of its own. */
export async function buildForNode(entry: string): Promise<Built> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-backup-engine-'));
  const script = path.join(folder, 'engine.js');
  await build({
    ...bundleOptions,
    absWorkingDir: path.join(import.meta.dirname, '../..'),
    entryPoints: [entry],
    outfile: script,
    logLevel: 'error',
    plugins: [workerPlugin()],
  });
  return { script, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }) };
}
