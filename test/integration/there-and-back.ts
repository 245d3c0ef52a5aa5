import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildCli, type Cli } from '../build/cli.ts';
import { snapshotTree, type TreeSnapshot } from '../build/snapshot-tree.ts';

/** What a table is, told without any of the product’s reading. Equal texts are equal tables. */
export interface TableTruth {
  /** Columns, keys and all else that makes the table. */
  readonly definition: string;
  /** The rows, whatever their order, as one text. */
  readonly rows: string;
  readonly count: number;
}

/** A database as its own server or program tells it. */
export interface DatabaseTruth {
  /** By the name the table has in a backup’s paths: `<schema>.<table>`. */
  readonly tables: Readonly<Record<string, TableTruth>>;
  /** Everything else: views, triggers, routines, sequences, settings. */
  readonly objects: string;
  /** Tables that nothing can read at one moment, by the same names: those a backup must warn of. */
  readonly withoutSnapshot?: readonly string[];
}

/** A CRM with one database that a migration changes. */
export interface Migration {
  /** The database’s URL as the set file has it. */
  readonly url: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Puts the old version’s files and database there. */
  fill(workspace: string): Promise<void>;
  /** Changes files and database. */
  migrate(workspace: string): Promise<void>;
  truth(workspace: string): Promise<DatabaseTruth>;
  /** What the row diff must tell, where that is known: [added, changed, deleted] by the table’s own name. */
  readonly rows?: Readonly<Record<string, readonly [number, number, number]>>;
  /** Paths below the workspace that are not files of the CRM. */
  readonly except?: (path: string) => boolean;
}

interface Diff {
  readonly entries: readonly { readonly path: string; readonly change: string; readonly oldPath?: string }[];
  readonly tables: readonly ({
    readonly table: string;
    readonly path: string;
    readonly schemaChanged: boolean;
  } & RowCounts)[];
}

type RowCounts = Readonly<Record<'added' | 'changed' | 'deleted', number>>;

interface Made {
  readonly id: string;
  readonly kind: string;
  readonly base: string | null;
  readonly status: string;
  readonly problems: readonly { readonly code: string; readonly path: string }[];
  readonly tables: Readonly<Record<string, number>>;
}

const TABLES = 'databases/crm/tables/';

/**
 * Old version → full backup → migration → differential backup → what it tells is the true migration → back to the old
 * version → forth to the new one; each time every table, every object and every file is as it was. All of it through
 * the built command line.
 */
export async function expectThereAndBack(migration: Migration): Promise<void> {
  await using cli = await buildCli();
  const { workspace } = cli;
  const state = async () => ({
    database: await migration.truth(workspace),
    files: snapshotTree(workspace, {
      except: (path) => path === '.vscode' || migration.except?.(path) === true,
    }),
  });
  writeSet(workspace, migration.url);
  await migration.fill(workspace);
  const old = await state();
  const env = migration.env ?? {};
  const run = async <Output>(...args: readonly string[]): Promise<Output> => {
    const { code, value } = await cli.json(args, { env });
    if (code !== 0)
      throw new Error(`crm-backup ${args.join(' ')} ended with ${code}: ${JSON.stringify(value)}`);
    return value as unknown as Output;
  };
  await run('init', '--yes');

  const full = await run<Made>('backup', '--kind', 'full');
  expect(full).toMatchObject({ kind: 'full', status: 'complete' });
  expectTrueCounts(full, old.database);

  await migration.migrate(workspace);
  const migrated = await state();
  const differential = await run<Made>('backup', '--kind', 'differential');
  expect(differential).toMatchObject({ kind: 'differential', base: full.id, status: 'complete' });
  expectTrueCounts(differential, migrated.database);
  const diff = await run<Diff>('diff', differential.id);
  expectTrueTables(diff, old.database, migrated.database);
  expectTrueFiles(diff, old.files, migrated.files);
  expectTrueRows(diff, old.database, migrated.database);
  if (migration.rows !== undefined) {
    const told = diff.tables.map(({ table, added, changed, deleted }) => [table, [added, changed, deleted]]);
    expect(Object.fromEntries(told)).toEqual(migration.rows);
  }
  for (const told of sampleOf(diff.tables)) {
    const { rows } = await run<{ rows: readonly { change: string }[] }>(
      ...['diff', differential.id, '--rows', `crm.${told.table}`],
    );
    for (const change of ['added', 'changed', 'deleted'] as const)
      expect(rows.filter((row) => row.change === change)).toHaveLength(told[change]);
  }

  for (const [backup, expected] of [
    [full, old],
    [differential, migrated],
  ] as const) {
    const report = await run<{ verified: boolean }>('restore', backup.id, '--delete', '--end-sessions');
    expect(report.verified).toBe(true);
    expect(await state()).toEqual(expected);
    const { entries, tables } = await run<Diff>('diff', backup.id, '--workspace');
    expect([entries, tables]).toEqual([[], []]);
  }
  expect(await run('verify', '--level', 'data')).toMatchObject({ damage: [] });
  await expectNoSecrets(cli, env);
}

function writeSet(workspace: string, url: string): void {
  mkdirSync(join(workspace, '.vscode'), { recursive: true });
  const set = {
    version: 1,
    sets: [
      { name: 'crm', files: [{ root: '.', exclude: ['.vscode/**'] }], databases: [{ name: 'crm', url }] },
    ],
  };
  writeFileSync(join(workspace, '.vscode/crm-backup.json'), JSON.stringify(set));
}

/** Every table is in the backup, and nothing is warned of but what must be. */
function expectTrueCounts({ tables, problems }: Made, truth: DatabaseTruth): void {
  expect(tables['total']).toBe(Object.keys(truth.tables).length);
  const expected = (truth.withoutSnapshot ?? []).map((name) => `database-inconsistent ${TABLES}${name}`);
  expect(problems.map(({ code, path }) => `${code} ${path}`).sort()).toEqual(expected.sort());
}

/** The tables that came and went are told, and of the others just those that are different. */
function expectTrueTables(diff: Diff, old: DatabaseTruth, migrated: DatabaseTruth): void {
  const told = (change: string): string[] =>
    diff.entries.flatMap((entry) =>
      entry.change === change && entry.path.startsWith(TABLES) ? [entry.path.slice(TABLES.length)] : [],
    );
  const both = Object.keys(old.tables).filter((name) => migrated.tables[name] !== undefined);
  const changed = (of: 'rows' | 'definition'): string[] =>
    both.filter((name) => old.tables[name]![of] !== migrated.tables[name]![of]);
  const without = (from: DatabaseTruth, other: DatabaseTruth): string[] =>
    Object.keys(from.tables).filter((name) => other.tables[name] === undefined);
  expect(told('renamed')).toEqual([]);
  expect(told('added').sort()).toEqual(without(migrated, old).sort());
  expect(told('deleted').sort()).toEqual(without(old, migrated).sort());
  expect(told('modified')).toEqual(expect.arrayContaining(changed('rows')));
  expect([...changed('rows'), ...changed('definition')]).toEqual(expect.arrayContaining(told('modified')));
}

/** Counts of rows add up to what the tables have, and a table is told of if and only if it is another. */
function expectTrueRows({ tables }: Diff, old: DatabaseTruth, migrated: DatabaseTruth): void {
  const names = new Set([...Object.keys(old.tables), ...Object.keys(migrated.tables)]);
  for (const name of names) {
    const [before, after] = [old.tables[name], migrated.tables[name]];
    const told = tables.find(({ path }) => path === `tables/${name}`);
    const { added, changed, deleted } = told ?? { added: 0, changed: 0, deleted: 0 };
    expect(added - deleted, name).toBe((after?.count ?? 0) - (before?.count ?? 0));
    if (before === undefined || after === undefined) expect(told?.schemaChanged, name).toBe(true);
    // Where columns came or went, rows are others although what both sides have of them may be the same.
    else if (before.definition === after.definition)
      expect(added + changed + deleted > 0, name).toBe(before.rows !== after.rows);
  }
}

/** A few tables with few changes and with many. */
function sampleOf(tables: Diff['tables']): Diff['tables'] {
  const changes = ({ added, changed, deleted }: RowCounts): number => added + changed + deleted;
  const sorted = tables.toSorted((a, b) => changes(a) - changes(b)).filter((table) => changes(table) < 1000);
  return [...sorted.slice(0, 2), ...sorted.slice(-2)];
}

function expectTrueFiles(diff: Diff, old: TreeSnapshot, migrated: TreeSnapshot): void {
  const prefix = 'files/workspace/';
  const told = diff.entries
    .flatMap(({ path, oldPath }) => [path, ...(oldPath === undefined ? [] : [oldPath])])
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length));
  const different = [...new Set([...Object.keys(old), ...Object.keys(migrated)])].filter(
    (path) => path !== '.' && old[path] !== migrated[path],
  );
  const isFile = (path: string): boolean => !(migrated[path] ?? old[path] ?? '').startsWith('directory');
  expect(told.filter(isFile).sort()).toEqual(different.filter(isFile).sort());
}

/** What is shown of a backup has none of what the environment keeps. */
async function expectNoSecrets(cli: Cli, env: Readonly<Record<string, string>>): Promise<void> {
  const shown = await cli.run(['show', 'latest', '--json'], { env });
  for (const secret of Object.values(env)) {
    expect(shown.text).not.toContain(secret);
    expect(shown.stderr).not.toContain(secret);
  }
}
