/**
 * Builds the bundles into dist/: `node scripts/build.mjs [--production] [--watch]`.
 * --production minifies and writes no source maps: this is what goes into the VSIX.
 */
import { isAscii } from 'node:buffer';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { context } from 'esbuild';
import { readOptions } from './options.mjs';
import { writeSchema } from './schema.mjs';
import { vscodePlugin } from './vscode-plugin.mjs';
import { bundleOptions, workerPlugin } from './worker-plugin.mjs';

const root = path.dirname(import.meta.dirname);

/**
 * One file of dist/ and the source it starts from; a `page` runs in a webview, its styles are bundled beside it.
 * @typedef {{ out: string, entry: string, executable?: boolean, page?: boolean }} Bundle
 */

/** @type {readonly Bundle[]} */
const bundles = [
  { out: 'dist/extension.js', entry: 'src/extension.ts' },
  { out: 'dist/engine.js', entry: 'src/engine/server.ts' },
  { out: 'dist/cli.js', entry: 'src/cli.ts', executable: true },
  { out: 'dist/program.js', entry: 'src/cli/main.ts' },
  { out: 'dist/rows.js', entry: 'src/webview/rows/main.ts', page: true },
  { out: 'dist/dashboard.js', entry: 'src/webview/dashboard/main.ts', page: true },
];

/** Options of bundles that run in a webview of the editor's own browser. */
const pageOptions = /** @type {const} */ ({
  bundle: true,
  platform: 'browser',
  target: 'es2023',
  format: 'iife',
  charset: 'utf8',
});

const flags = readOptions('node scripts/build.mjs [--production] [--watch]', {
  production: { type: 'boolean', default: false },
  watch: { type: 'boolean', default: false },
});

let building = 0;

/**
 * Says when a build begins and ends, in words the tasks in .vscode/tasks.json wait for.
 * @param {string} name
 * @returns {import('esbuild').Plugin}
 */
function reporter(name) {
  return {
    name: 'reporter',
    setup(host) {
      host.onStart(() => {
        if (building++ === 0 && flags.watch) console.log('[watch] building');
      });
      host.onEnd(({ errors, warnings, metafile }) => {
        const problems = [...errors, ...warnings];
        for (const { text, location } of problems) {
          const where = location ? `${location.file}:${location.line}:${location.column + 1}: ` : '';
          console.error(`${where}error: ${text}`);
        }
        if (problems.length > 0) process.exitCode = 1;
        else if (!flags.watch) {
          const bytes = metafile?.outputs[name]?.bytes ?? 0;
          console.log(`${name}  ${(bytes / 1024).toFixed(0)} KiB`);
        }
        if (--building === 0 && flags.watch) console.log('[watch] built');
      });
    },
  };
}

/**
 * A command starts with how to run it; its entry may already say so itself.
 * @param {Bundle} bundle
 */
function banner({ entry, executable }) {
  if (!executable || readFileSync(path.join(root, entry), 'utf8').startsWith('#!')) return {};
  // Node would let young objects take a hundred megabytes before it looks at them, and glibc keep as much of what was
  // freed; V8's own threads get in the way of ours when they are four. Kernels before 5.1 read no more than 127 bytes
  // of this line.
  const memory = 'MALLOC_MMAP_THRESHOLD_=1000000 MALLOC_TRIM_THRESHOLD_=8000000';
  return { banner: { js: `#!/usr/bin/env -S ${memory} node --max-semi-space-size=8 --v8-pool-size=1` } };
}

await writeSchema();
if (!flags.watch) rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const minify = flags.production;
const contexts = await Promise.all(
  bundles
    .filter(({ entry }) => existsSync(path.join(root, entry)))
    .map((bundle) =>
      context({
        ...(bundle.page ? pageOptions : bundleOptions),
        ...banner(bundle),
        absWorkingDir: root,
        entryPoints: [bundle.entry],
        outfile: bundle.out,
        minify,
        sourcemap: !flags.production,
        metafile: true,
        logLevel: 'silent',
        plugins: [vscodePlugin(), workerPlugin({ minify }), reporter(bundle.out)],
      }),
    ),
);

if (flags.watch) {
  await Promise.all(contexts.map((each) => each.watch()));
} else {
  // A failed build has already been reported and has set the exit status.
  await Promise.allSettled(contexts.map((each) => each.rebuild()));
  await Promise.all(contexts.map((each) => each.dispose()));
  for (const { out, executable, page } of bundles) {
    const file = path.join(root, out);
    if (!existsSync(file)) continue;
    if (executable) chmodSync(file, 0o755);
    // One character beyond has all of the text take two bytes each.
    if (flags.production && !page && !isAscii(readFileSync(file))) {
      console.error(`${out}: error: there is more than ASCII; a regular expression must spell it as \\u….`);
      process.exitCode = 1;
    }
  }
}
