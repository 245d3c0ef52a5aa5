/** Claims a restore as often as it can: `node claim-child.js JOURNAL TIMES`. Whoever has it has `JOURNAL/alone`, too. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claim } from '../../src/core/restore/claim.ts';

const [, , journal = '', times = ''] = process.argv;
const alone = join(journal, 'alone');
let had = 0;
for (let time = 0; time < Number(times); time++) {
  using held = claim(journal);
  if (held === undefined) continue;
  writeFileSync(alone, '', { flag: 'wx' });
  had++;
  rmSync(alone);
}
process.stdout.write(String(had));
