/** Measures the product beside other tools on the same data: `npm run bench`. The measuring is bench/run.ts. */
import { inProjectNode, run } from './bootstrap.mjs';

await inProjectNode(import.meta.filename);
const { provideTools } = await import('./tools.mjs');
const { runTypeScript } = await import('./run-ts.mjs');
const missing = provideTools(['restic', 'borg', 'zstd', 'postgres', 'mariadb']);
if (missing.length > 0) console.log(`Measured without ${missing.join(', ')}: not installed.`);
let status = await run(process.execPath, ['scripts/build.mjs', '--production']);
// The package is measured in VS Code.
if (status === 0) status = await run(process.execPath, ['scripts/package.mjs']);
if (status === 0) status = await runTypeScript('bench/run.ts', process.argv.slice(2));
process.exitCode = status;
