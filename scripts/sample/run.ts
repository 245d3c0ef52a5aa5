/**
 * What `npm start` shows: a sample CRM is made, backed up, upgraded, backed up again, compared and restored
 * through the command line, and everything is checked.
 *
 *   --ui      opens the sample in VS Code at the end
 *   --keep    keeps the temporary folder
 *   --seed N  another sample
 */
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readOptions } from '../options.mjs';
import { addSet } from '../../src/core/set/write.ts';
import {
  createCommandLine,
  type BackupOutput,
  type DiffOutput,
  type InitOutput,
  type RestoreOutput,
  type VerifyOutput,
} from './command-line.ts';
import { compareTrees, snapshotTree, type Snapshot } from './compare-trees.ts';
import { createSampleCrm } from './crm.ts';
import { createDatabase, databaseFile, migrateDatabase, snapshotDatabase } from './database.ts';
import { checkDifferences, checkRows } from './expected-differences.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';
import { migrate } from './migrate.ts';
import { openInCode } from './open.ts';
import { sizeOf } from './size-of.ts';
import { createStory, type Story } from './story.ts';

const project = join(import.meta.dirname, '../..');
const values = readOptions('npm start [-- --ui] [--keep] [--seed N]', {
  ui: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
});

const folder = await mkdtemp(join(tmpdir(), 'crm-backup-sample-'));
const workspace = join(folder, 'sample-crm');
const home = join(folder, 'home');
const story = createStory();
let keep = values.keep;
const stop = (): void => {
  if (!keep) rmSync(folder, { recursive: true, force: true });
  process.exit(130);
};
process.once('SIGINT', stop).once('SIGTERM', stop);
try {
  await tell(story);
  process.off('SIGINT', stop).off('SIGTERM', stop);
  if (values.ui) keep = (await openInCode(project, workspace, home)) === 'still-open' || keep;
} catch (error) {
  story.failed(error instanceof Error ? error : new Error(String(error)));
  process.exitCode = 1;
} finally {
  if (keep) story.note(`Everything is kept in ${folder}`);
  else await rm(folder, { recursive: true, force: true });
}

async function tell({ title, step, detail, note }: Story): Promise<void> {
  const cli = join(project, 'dist/cli.js');
  if (!existsSync(cli)) throw new Error('dist/cli.js is missing: build the project first (npm run build).');
  const crmBackup = createCommandLine(cli, workspace, home);
  const seed = Number(values.seed);

  title('CRM Backup at work on a sample CRM');

  const sample = createSampleCrm(workspace, { seed });
  const database = createDatabase(workspace, seed);
  step('Sample CRM', `${formatCount(sample.files, 'file')}, ${formatBytes(sample.bytes)}`);
  detail(
    `a SQLite database: ${formatCount(database.rows, 'row')} in ${formatCount(database.tables, 'table')}`,
  );
  detail(
    `${formatCount(sample.leftOut, 'file')} in node_modules, caches and logs beside it are not backed up`,
  );

  await addSet(workspace, {
    name: 'sample-crm',
    files: [{ root: '.' }],
    databases: [{ name: 'crm', url: `sqlite:${databaseFile}` }],
  });
  const { set, vault } = await crmBackup<InitOutput>('init', '--yes');
  step('Backup set', `“${set}”, files and database; its encrypted vault and key are made`);

  const before = snapshotFiles();
  const rowsBefore = snapshotDatabase(workspace);
  const full = await backUp('full', 'Before the upgrade');
  step(
    'Full backup',
    `${formatCount(full.files.total, 'file')} and ${formatCount(full.tables.total, 'table')} of one moment in ${formatDuration(full.durationMs)}`,
  );
  detail(`${formatBytes(full.bytes.source)} of source took ${formatBytes(full.bytes.stored)} in the vault`);

  step('Upgrade', 'the CRM is edited as a migration would');
  for (const line of [...migrate(workspace, seed), ...migrateDatabase(workspace)]) detail(line);
  const after = snapshotFiles();
  const rowsAfter = snapshotDatabase(workspace);

  const differential = await backUp('differential', 'After the upgrade');
  const { added, modified, deleted } = differential.files;
  step(
    'Differential',
    `${String(added)} files added, ${String(modified)} changed, ${String(deleted)} gone, in ${formatDuration(differential.durationMs)}`,
  );
  detail(showTables(differential));
  detail(`it added ${formatBytes(differential.bytes.stored)} to the vault`);

  const diff = await crmBackup<DiffOutput>('diff', differential.id);
  expectNothing('The comparison does not match what the upgrade did', checkDifferences(before, after, diff));
  step('What changed', `${formatCount(diff.entries.length, 'path')}, each of them really different`);
  for (const line of showChanges(diff)) detail(line);
  expectNothing('The rows are not what the upgrade did', checkRows(rowsBefore, rowsAfter, diff));
  step('Which rows', `${formatCount(diff.tables.length, 'table')}, compared row by row on their keys`);
  for (const line of showRows(diff)) detail(line);

  const restored = await crmBackup<RestoreOutput>('restore', full.id, '--delete');
  if (!restored.verified) throw new Error('The restore does not say that it was verified.');
  step('Restore', `back to before the upgrade in ${formatDuration(restored.durationMs)}`);
  detail(
    `${String(restored.plan.create)} created, ${String(restored.plan.replace)} replaced, ${String(restored.plan.delete)} deleted, ${String(restored.plan.unchanged)} left alone`,
  );
  if (typeof restored.safetyBackup === 'string') {
    detail(`the upgraded state was saved first, as backup ${restored.safetyBackup.slice(0, 8)}`);
  }

  expectNothing('The restored CRM is not the one before the upgrade', compareTrees(before, snapshotFiles()));
  expectNothing(
    'The restored database is not the one before the upgrade',
    compareTrees(rowsBefore, snapshotDatabase(workspace)),
  );
  step('Compared', `${formatCount(countFiles(before), 'file')} identical: every byte, link, mode and time`);
  detail(`${formatCount(database.rows, 'row')} identical: every value, table, index, view and trigger`);

  const verified = await crmBackup<VerifyOutput>('verify', '--level', 'data');
  expectNothing(
    'The vault is damaged',
    verified.damage.map((damage) => JSON.stringify(damage)),
  );
  step(
    'Verified',
    `${formatCount(verified.checked.backups, 'backup')}, ${formatCount(verified.checked.chunks, 'chunk')} in the vault, every byte read and checked`,
  );

  const { source } = differential.bytes;
  const stored = sizeOf(vault);
  note('');
  note(
    `Ratio          ${(source / stored).toFixed(1)} : 1, ${formatBytes(source)} of CRM in a vault of ${formatBytes(stored)} with all ${formatCount(verified.checked.backups, 'backup')}`,
  );
  note(`Recovery time  ${formatDuration(restored.durationMs)}`);
  note('');
  if (!values.ui) {
    note('See it in VS Code:  npm start -- --ui');
    note('Keep the folder:    npm start -- --keep');
  } else {
    note(`Its vault is ${vault}`);
  }

  /** All but the database, whose file changes with every connection; its content is compared. */
  function snapshotFiles(): Snapshot {
    const folder = dirname(databaseFile);
    const files = [...snapshotTree(workspace)].filter(
      ([path]) => path !== folder && !path.startsWith(`${folder}/`),
    );
    return new Map(files);
  }

  async function backUp(kind: string, label: string): Promise<BackupOutput> {
    const backup = await crmBackup<BackupOutput>('backup', '--kind', kind, '--label', label);
    expectNothing(
      `The ${kind} backup is ${backup.status}`,
      backup.problems.map(({ message }) => message),
    );
    if (backup.kind !== kind)
      throw new Error(`A ${kind} backup was asked for, and a ${backup.kind} one made.`);
    return backup;
  }
}

function expectNothing(sentence: string, found: readonly string[]): void {
  if (found.length > 0) throw new Error(`${sentence}:\n  ${found.slice(0, 20).join('\n  ')}`);
}

function countFiles(snapshot: Snapshot): number {
  return [...snapshot.values()].filter((is) => is.startsWith('file')).length;
}

function showTables({ tables }: BackupOutput): string {
  const { added, modified, deleted, unchanged } = tables;
  return `of the tables ${String(added)} added, ${String(modified)} changed, ${String(deleted)} gone, ${String(unchanged)} the same`;
}

function showRows({ tables }: DiffOutput): string[] {
  return tables.map(({ table, added, changed, deleted, schemaChanged }) => {
    const counts = `+${String(added)} ~${String(changed)} −${String(deleted)} rows`;
    return `${table.padEnd(18)}${counts}${schemaChanged ? ', structure changed' : ''}`;
  });
}

/** How many paths changed in which way, then a few of each kind with the lines that came and went. */
function showChanges({ entries }: DiffOutput): string[] {
  const counts = new Map<string, number>();
  const lines: string[] = [];
  for (const { path, change, oldPath, added = 0, deleted = 0 } of entries) {
    const lineCounts = added + deleted === 0 ? '' : `  +${String(added)} −${String(deleted)}`;
    const count = counts.get(change) ?? 0;
    counts.set(change, count + 1);
    if (count >= 3) continue;
    const names = [oldPath, path].flatMap((each) => each?.replace(/^files\/workspace\//, '') ?? []);
    lines.push(`${change.padEnd(10)}${names.join(' → ')}${lineCounts}`);
  }
  const summary = [...counts].map(([change, count]) => `${String(count)} ${change}`).join(', ');
  return [summary, ...lines, `… and ${String(entries.length - lines.length)} more`];
}
