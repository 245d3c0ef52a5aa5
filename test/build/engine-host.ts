/**
 * A host that starts a backup in an engine and tells the engine's process id once it is under way:
 * `node engine-host.js ENGINE WORKSPACE SET`. The test kills it.
 */
import { EngineClient } from '../../src/engine/client.ts';

const [, , script = '', workspace = '', set = ''] = process.argv;
const client = new EngineClient({ script, idleMs: 60_000, log: () => undefined });
let told = false;
const progress = (): void => {
  if (told) return;
  told = true;
  process.stdout.write(`${client.pid}\n`);
};
void client.call('backup', { workspace, set, kind: 'full' }, { progress });
