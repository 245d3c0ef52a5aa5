/**
 * Shows the product at work on a sample CRM: `npm start`. With `-- --ui` it is opened in VS Code at the end.
 * The run itself is scripts/sample/run.ts.
 */
import { inProjectNode, run } from './bootstrap.mjs';

await inProjectNode(import.meta.filename);
const { provideTools } = await import('./tools.mjs');
const { runTypeScript } = await import('./run-ts.mjs');
provideTools(['git']);
let status = await run(process.execPath, ['scripts/build.mjs']);
if (status === 0) status = await runTypeScript('scripts/sample/run.ts', process.argv.slice(2));
process.exitCode = status;
