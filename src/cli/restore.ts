import { type Command, InvalidArgumentError } from 'commander';
import { type DatabaseChoice, withNamed } from '../core/restore/database-selection.ts';
import type { RestoredDatabase } from '../core/restore/plan-databases.ts';
import type { RestoreReport } from '../core/restore/restore.ts';
import type { SelectedPath } from '../core/restore/selection.ts';
import type { SkippedPath } from '../core/restore/skipped.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import { homeOf } from '../core/surroundings.ts';
import { isRelative } from '../core/reference.ts';
import { VaultError } from '../core/vault/error.ts';
import type { Paint } from './colour.ts';
import { entryPath } from './entry-path.ts';
import { ExitCode } from './exit-code.ts';
import { surroundingOf, warnOfInterrupted } from './interrupted-restores.ts';
import { openBackup, type OpenedBackup, rootsOf, setOf } from './opened.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatBytes, formatCount, formatDuration } from './quantity.ts';
import { lackingText, movedText } from './restore-warnings.ts';
import type { Act, Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { UsageError } from './usage.ts';

interface RestoreOptions {
  readonly to?: string;
  readonly database?: readonly DatabaseChoice[];
  readonly databases: boolean;
  readonly endSessions?: true;
  readonly delete?: true;
  readonly overwrite?: true;
  readonly dryRun?: true;
  readonly safetyBackup: boolean;
  readonly skipDamaged?: true;
}

/** `restore`: bring a backup, or paths of it, back. */
export function defineRestore(program: Command, act: Act): void {
  program
    .command('restore <backup> [path...]')
    .description('bring a backup, or some paths of it, back')
    .option('--to <dir>', 'into DIR/files/<root>/… instead of the original place')
    .option('--database <name[=target]>', 'this database, perhaps to another one; repeatable', addDatabase)
    .option('--no-databases', 'leave the databases as they are')
    .option('--end-sessions', 'end other sessions of a database when it is switched')
    .option('--delete', 'remove files that the backup does not have')
    .option('--overwrite', 'with --to or another database as target: replace what is there')
    .option('--dry-run', 'only tell what would be done')
    .option('--no-safety-backup', 'take no backup before')
    .option('--skip-damaged', 'leave out what the vault has lost or damaged, and restore the rest')
    .action((reference: string, paths: string[], options: RestoreOptions) =>
      act((session) => restoreBackup(reference, paths, options, session)),
    );
}

function addDatabase(text: string, before: readonly DatabaseChoice[] = []): readonly DatabaseChoice[] {
  const [, name = text, target] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name === '' || target === '') {
    throw new InvalidArgumentError('Write it as NAME or as NAME=TARGET.');
  }
  if (before.some((one) => one.name === name && one.target !== target)) {
    throw new InvalidArgumentError(`“${plainText(name)}” can go to one place only.`);
  }
  return [...before, { name, target }];
}

async function restoreBackup(
  reference: string,
  paths: readonly string[],
  options: RestoreOptions,
  session: Session,
): Promise<Outcome> {
  mustFit(options, paths);
  const { restore } = await import('../core/restore/restore.ts');
  const { lackingOf } = await import('../core/restore/lacking.ts');
  const { movedBy } = await import('../core/restore/plan-restore.ts');
  const { surroundings, task } = session;
  const opened = await openBackup(session, reference, options.to === undefined);
  const { vault, record, placed } = opened;
  if (options.to === undefined) mustBeSure(reference, opened);
  const roots = rootsOf(opened, record);
  // A set that the workspace no longer has goes back to where it was.
  const elsewhere = placed.length === 0 ? undefined : { name: record.set, roots: [], databases: [] };
  const selected = paths.map((path) => entryPath(path, roots, surroundings.cwd));
  const meant = meantPaths(selected, options);
  const lacking = lackingOf(record, meant);
  if (lacking !== undefined) session.warn(lackingText(lacking));
  const set = setOf(opened, record) ?? elsewhere;
  const moved = movedBy(record, { paths: meant, set, to: options.to });
  if (moved.length > 0) session.warn(movedText(moved));
  const report = await restore(
    vault,
    record,
    {
      home: homeOf(surroundings),
      set,
      paths: selected,
      databases: options.databases ? options.database : 'none',
      endSessions: options.endSessions ?? false,
      to: options.to,
      delete: options.delete ?? false,
      overwrite: options.overwrite ?? false,
      dryRun: options.dryRun ?? false,
      safetyBackup: options.safetyBackup,
      skipDamaged: options.skipDamaged ?? false,
      onInterrupted: async (found, isEndedFirst) =>
        warnOfInterrupted(found, surroundingOf(opened), session, isEndedFirst),
    },
    task,
  );
  return {
    json: report,
    summary: summary(record, report, options, session),
    exitCode: report.skipped > 0 ? ExitCode.incomplete : ExitCode.done,
  };
}

/** What is there is not replaced by a backup that may not be the one that was meant. */
function mustBeSure(reference: string, { listing, record }: OpenedBackup): void {
  if (listing.damaged.length === 0 || !isRelative(reference)) return;
  const id = shortId(record.id);
  throw new VaultError(
    'damaged',
    `What “${reference}” means is not sure while a backup cannot be read, so nothing was restored.`,
    {
      hint: `Name the backup by its id: ${id} is what “${reference}” means of those that can be read; “crm-backup list” shows all.`,
    },
  );
}

/** What of the backup is meant, databases that are named or left out considered; undefined for everything. */
function meantPaths(
  paths: readonly string[],
  { database = [], databases }: RestoreOptions,
): readonly SelectedPath[] | undefined {
  const named = withNamed(paths, database);
  const meant = databases || named.length > 0 ? named : ['files'];
  return meant.length === 0 ? undefined : meant.map((path) => ({ path, recursive: true }));
}

function mustFit({ database, databases, to, overwrite }: RestoreOptions, paths: readonly string[]): void {
  const hasTarget = database?.some(({ target }) => target !== undefined) ?? false;
  if (overwrite === true && to === undefined && !hasTarget)
    throw new UsageError(
      '--overwrite is for --to and --database NAME=TARGET; in place what differs is always replaced.',
      'Leave it out.',
    );
  if (!databases && paths.some((path) => /^databases(\/|$)/.test(path)))
    throw new UsageError(
      '--no-databases and a path of a database exclude each other.',
      'Leave one of them out.',
    );
  if (database === undefined) return;
  if (!databases)
    throw new UsageError('--database and --no-databases exclude each other.', 'Leave one of them out.');
  if (to !== undefined && hasTarget) {
    throw new UsageError(
      '--to takes databases without a target.',
      'Write --database NAME, or leave --to out.',
    );
  }
}

function summary(
  record: BackupRecord,
  { plan, problems, skipped, notDeleted, safetyBackup, durationMs }: RestoreReport,
  { dryRun, to }: RestoreOptions,
  { paint }: Session,
): string {
  const id = paint('cyan', shortId(record.id));
  const written = plan.create + plan.replace;
  const counts = `${formatCount(plan.create)} created, ${formatCount(plan.replace)} replaced, ${formatCount(plan.delete)} deleted, ${formatCount(plan.unchanged)} unchanged`;
  const databases = plan.tables.flatMap((database) => databaseLines(database, dryRun === true));
  const left = [...skippedLines(problems, skipped, paint), ...notDeletedLines(notDeleted, dryRun === true)];
  if (dryRun === true) {
    return [`Would restore ${counted(written, 'file')} of ${id}: ${counts}`, ...databases, ...left].join(
      '\n',
    );
  }
  const where = to === undefined ? '' : ` to ${printable(to)}`;
  const lines = [
    `Restored ${counted(written, 'file')} of ${id}${where} in ${formatDuration(durationMs)}: ${counts}`,
    `${formatBytes(plan.bytes)} written, every byte checked`,
    ...databases,
    ...left,
  ];
  if (safetyBackup !== null)
    lines.push(`Before that, safety backup ${paint('cyan', shortId(safetyBackup))} was taken`);
  return lines.join('\n');
}

const MOST_SKIPPED_SHOWN = 10;

function skippedLines(listed: readonly SkippedPath[], count: number, paint: Paint): string[] {
  if (count === 0) return [];
  const shown = listed.slice(0, MOST_SKIPPED_SHOWN);
  const lines = shown.map(
    ({ path, message }) => `  ${paint('yellow', printable(path))}: ${plainText(message)}`,
  );
  const more = count - shown.length;
  if (more > 0) lines.push(`  … and ${formatCount(more)} more; --json has the first thousand`);
  const isAllDamage = listed.every(({ code }) => code !== 'database');
  const why = isAllDamage ? ' because the vault has lost or damaged it' : '';
  return [`Left out${why}: ${counted(count, 'path')}`, ...lines];
}

function notDeletedLines(roots: readonly string[], isDryRun: boolean): string[] {
  if (roots.length === 0) return [];
  const beginning = isDryRun ? 'Nothing would be deleted' : 'Nothing was deleted';
  const why = 'because a part of the list of files is damaged or lost: what it named is not known';
  return [`${beginning} in ${roots.map(printable).join(', ')}, ${why}.`];
}

function databaseLines(
  { database, target, creates, tables, notices }: RestoredDatabase,
  isDryRun: boolean,
): string[] {
  const verb = isDryRun ? 'Would restore' : 'Restored';
  const how = creates ? 'new' : 'replaced';
  const line = `${verb} database “${plainText(database)}” ${tables === 0 ? '' : `with ${counted(tables, 'table')} `}to ${printable(target)} (${how})`;
  return [line, ...notices.map((notice) => `  ${plainText(notice)}`)];
}
