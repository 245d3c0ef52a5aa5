import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../../task.ts';
import type { DumpSource } from '../engine.ts';
import { DUMP } from './dump.ts';
import { copyChecked } from './restore.ts';
import { writeWhole } from './staging.ts';

/** Writes the dump as a file. @throws {DatabaseError} `no-space`, `write-failed`, `check-failed`. {CancelledError} */
export async function extract(source: DumpSource, folder: string, task: Task): Promise<void> {
  await writeWhole(join(folder, DUMP), async (write) => copyChecked(source, write, task));
  await writeFile(join(folder, 'README.txt'), readme(source), { mode: 0o600 });
}

function readme({ name, info }: DumpSource): string {
  return `“${DUMP}” is ${info.product}, byte by byte as the tool wrote it.

Load it with the tool that belongs to it, the file as its standard input. The command stands in
.vscode/crm-backup.json of the workspace, as “restore” of the database “${name}”:

    RESTORE-COMMAND < ${DUMP}
`;
}
