import { globSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../../scripts/worker-plugin.mjs';

const suite = path.join(import.meta.dirname, 'suite');

/** Bundles every test file of the suite, and mocha, into the one file whose run() the extension host calls. */
export async function bundleSuite(outfile: string): Promise<void> {
  const cases = globSync('**/*.test.ts', { cwd: suite }).sort();
  const loads = cases.map((file) => `await import(${JSON.stringify(`./${file}`)});`);
  await build({
    ...bundleOptions,
    stdin: {
      resolveDir: suite,
      contents: `
        import { runSuite } from './index.ts';
        export const run = () => runSuite(async () => { ${loads.join('\n')} });`,
    },
    outfile,
    sourcemap: 'inline',
    logLevel: 'error',
  });
}
