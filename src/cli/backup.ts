import { type Command, Option } from 'commander';
import type { BackupKind, BackupRecord } from '../core/vault/record.ts';
import { ExitCode } from './exit-code.ts';
import { failureJson } from './failure.ts';
import { finishRestores } from './interrupted-restores.ts';
import { plainText } from '../core/printable.ts';
import { takenJson } from './record-json.ts';
import type { Act, Outcome, Session } from './session.ts';
import { measureFacts, problemsText, shortId } from './shown-record.ts';
import { formatFacts } from './table.ts';

interface BackupOptions {
  readonly kind: BackupKind | 'auto';
  readonly label?: string;
  readonly pin?: true;
  readonly databases: boolean;
  readonly dryRun?: true;
}

/** `backup`: one backup of the set. */
export function defineBackup(program: Command, act: Act): void {
  program
    .command('backup')
    .description('take one backup of the set')
    .addOption(
      new Option('--kind <kind>', 'what is read')
        .choices(['auto', 'full', 'incremental', 'differential'])
        .default('auto'),
    )
    .option('--label <text>', 'what to call it')
    .option('--pin', 'keep it for good')
    .option('--no-databases', 'leave the databases out')
    .option('--dry-run', 'read and compare everything, store nothing')
    .action((options: BackupOptions) => act((session) => backUpSet(options, session)));
}

async function backUpSet(options: BackupOptions, session: Session): Promise<Outcome> {
  const { openSet } = await import('../core/open.ts');
  const { backUpWithHooks } = await import('../core/hooks.ts');
  const { vault, set } = await openSet(session.options, session.surroundings);
  const records = async (): Promise<readonly BackupRecord[]> => (await vault.records()).records;
  await finishRestores({ workspace: set.workspace, sets: [set], records }, session);
  const { record, notices, failure } = await backUpWithHooks(
    vault,
    set,
    {
      kind: options.kind,
      label: options.label,
      pinned: options.pin ?? false,
      databases: options.databases,
      dryRun: options.dryRun ?? false,
    },
    session.surroundings,
    session.task,
  );
  for (const notice of notices) session.warn(notice);
  return {
    json: failure === undefined ? takenJson(record) : { ...takenJson(record), ...failureJson(failure) },
    summary: summary(record, options, session),
    failure,
    exitCode: record.status === 'partial' ? ExitCode.incomplete : ExitCode.done,
  };
}

function summary(record: BackupRecord, { kind: wanted, dryRun }: BackupOptions, { paint }: Session): string {
  const against = record.base === undefined ? '' : ` against ${shortId(record.base)}`;
  const title = dryRun
    ? `Would take a backup of “${plainText(record.set)}”: ${record.kind}${against}`
    : `Backup ${paint('cyan', shortId(record.id))} of “${plainText(record.set)}”: ${record.kind}${against}`;
  const status = record.status === 'partial' ? `, ${paint('yellow', 'partial')}` : '';
  const problems = problemsText(record, paint);
  const isInstead = wanted !== 'auto' && wanted !== record.kind;
  const why = isInstead
    ? [`There is no ${wanted} without a full backup that has all files, so this is one.`]
    : [];
  return [
    title + status,
    ...why,
    formatFacts(measureFacts(record)),
    ...(problems === '' ? [] : [problems]),
  ].join('\n');
}
