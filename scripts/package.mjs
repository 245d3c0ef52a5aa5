/**
 * Packages the extension as users install it: out/crm-backup.vsix. Fails when it has grown too large to be
 * quick to install.
 */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { inProjectNode, root, run } from './bootstrap.mjs';
import { readOptions } from './options.mjs';

readOptions('node scripts/package.mjs', {});

const limitBytes = 1_500_000;

await inProjectNode(import.meta.filename);
const vsix = path.join(root, 'out', 'crm-backup.vsix');
mkdirSync(path.dirname(vsix), { recursive: true });
const vsce = path.join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
// Everything is bundled: no package goes in. Where the repository will be seen is not for the code to know, so
// links in the documents stay as they are.
const status = await run(process.execPath, [
  vsce,
  ...['package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links'],
  ...['--out', vsix],
]);
if (status !== 0) process.exit(status);
const { size } = statSync(vsix);
console.log(`${path.relative(root, vsix)}: ${(size / 1e6).toFixed(2)} MB of at most ${limitBytes / 1e6} MB`);
process.exitCode = size <= limitBytes ? 0 : 1;
