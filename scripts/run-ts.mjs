/**
 * Runs a program of ours that is written in TypeScript: `node scripts/run-ts.mjs FILE.ts [ARGS…]`.
 * Bundled first, so that it may use all the product's source may, worker threads included. Packages and the
 * scripts next to this one are loaded from where they are.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { inProjectNode, root, run } from './bootstrap.mjs';
import { bundleOptions, workerPlugin } from './worker-plugin.mjs';

/** @type {import('esbuild').Plugin} */
const scriptsStayInPlace = {
  name: 'scripts-stay-in-place',
  setup(host) {
    host.onResolve({ filter: /^[.].*[.]mjs$/ }, ({ path: request, resolveDir }) => ({
      path: pathToFileURL(path.resolve(resolveDir, request)).href,
      external: true,
    }));
  },
};

/**
 * Bundles `entry` (relative to the checkout) and runs it with the terminal's streams; resolves to its exit status.
 * `import.meta.dirname` in it and in its neighbours is the entry's own folder.
 * @param {string} entry
 * @param {readonly string[]} [args]
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export async function runTypeScript(entry, args = [], options = {}) {
  const source = path.resolve(root, entry);
  const outfile = path.join(root, 'out', 'run', path.relative(root, source).replace(/[.]ts$/, '.mjs'));
  const directory = path.dirname(source);
  await build({
    ...bundleOptions,
    format: 'esm',
    packages: 'external',
    entryPoints: [source],
    outfile,
    sourcemap: 'linked',
    logLevel: 'warning',
    define: {
      'import.meta.dirname': JSON.stringify(directory),
      'import.meta.filename': JSON.stringify(source),
      'import.meta.url': JSON.stringify(pathToFileURL(source).href),
    },
    plugins: [workerPlugin(), scriptsStayInPlace],
  });
  return run(process.execPath, ['--enable-source-maps', outfile, ...args], options);
}

if (process.argv[1] === import.meta.filename) {
  await inProjectNode(import.meta.filename);
  const [entry, ...args] = process.argv.slice(2);
  if (entry === undefined) throw new Error('Usage: node scripts/run-ts.mjs FILE.ts [ARGS…]');
  process.exitCode = await runTypeScript(path.relative(root, path.resolve(entry)), args);
}
