import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An entry for a backup each night. */
export const DAILY = [{ kind: 'incremental', every: 'day', at: '02:00' }];

/** Writes a set file with what is scheduled, and a file to back up. @param more what else the set says */
export function writeSchedule(workspace: string, schedule: readonly object[], more: object = {}): void {
  mkdirSync(join(workspace, '.vscode'), { recursive: true });
  const set = { name: 'crm', files: [{ root: '.', exclude: ['.vscode/**'] }], schedule, ...more };
  writeFileSync(join(workspace, '.vscode/crm-backup.json'), JSON.stringify({ version: 1, sets: [set] }));
  writeFileSync(join(workspace, 'a.txt'), 'alpha');
}
