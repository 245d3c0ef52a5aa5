/**
 * Everything that says whether the project is well: `npm test`, or `npm test -- --only unit,lint` for some of it.
 * The stages stand in stages.mjs.
 */
import { inProjectNode } from './bootstrap.mjs';

await inProjectNode(import.meta.filename);
const { runStages } = await import('./run-stages.mjs');
process.exitCode = await runStages(process.argv.slice(2));
