import { type Metafile, build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { root } from '../../../scripts/bootstrap.mjs';
import { vscodePlugin } from '../../../scripts/vscode-plugin.mjs';

/** Modules, and bytes of source. More than this is too much to read before anything is asked for: load it on first use instead. */
const MOST_MODULES = 70;
const MOST_BYTES = 180_000;

let inputs: Metafile['inputs'];
let bundle = '';
/** What is evaluated when the extension is activated: all that it imports, but for what is imported on first use. */
const loaded = new Set<string>();

beforeAll(async () => {
  const options = { bundle: true, write: false, metafile: true, platform: 'node', format: 'cjs' } as const;
  const result = await build({
    ...options,
    absWorkingDir: root,
    entryPoints: ['src/extension.ts'],
    plugins: [vscodePlugin()],
    treeShaking: true,
  });
  inputs = result.metafile.inputs;
  bundle = result.outputFiles[0]!.text;
  const walk = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    for (const { path, kind, external } of inputs[file]?.imports ?? [])
      if (kind === 'import-statement' && external !== true) walk(path);
  };
  walk('src/extension.ts');
});

test('the extension loads no package and no part of the engine when it is activated', () => {
  const foreign = [...loaded].filter((file) => !/^src\/(?:extension\.ts$|vscode\/)|^vscode-once:/.test(file));
  // The words both sides share, and what errors travel as.
  const shared = /^src\/(?:core\/(?:errors|latest|printable|problem|task)|engine\/failure)\.ts$/;
  expect(foreign.filter((file) => !shared.test(file))).toEqual([]);
});

test('the extension loads few modules, and small ones, when it is activated', () => {
  const bytes = [...loaded].reduce((sum, file) => sum + (inputs[file]?.bytes ?? 0), 0);
  expect(loaded.size).toBeLessThanOrEqual(MOST_MODULES);
  expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
});

test('all modules share one copy of the editor’s API, which has hundreds of names', () => {
  expect(bundle.match(/require\("vscode"\)/g)).toHaveLength(1);
});
