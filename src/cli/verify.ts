import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DrillReport } from '../core/drill/drill.ts';
import { homeOf } from '../core/surroundings.ts';
import type { Verification } from '../core/vault/verify.ts';
import { damageText } from './damage-text.ts';
import { ExitCode } from './exit-code.ts';
import { openBackup, openVault, setOf } from './opened.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatAge, formatBytes, formatCount, formatDuration, formatTime } from './quantity.ts';
import { lackingText } from './restore-warnings.ts';
import type { Act, Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { UsageError } from './usage.ts';

interface VerifyOptions {
  readonly level?: 'quick' | 'data' | 'drill';
  readonly sample?: number;
}

/** `verify`: whether all backups, or one, are as they were written. */
export function defineVerify(program: Command, act: Act): void {
  program
    .command('verify [backup]')
    .description('check that the backups are as they were written')
    .addOption(
      new Option(
        '--level <level>',
        'quick: whether all is there; data: every byte; drill: a real restore to a scratch place, compared and timed (default: quick)',
      ).choices(['quick', 'data', 'drill']),
    )
    .option('--sample <percent>', 'of the data, read a random share, as 10%', percentage)
    .action((reference: string | undefined, { level, sample }: VerifyOptions) =>
      act(async (session) => {
        if (level === 'drill') {
          if (sample !== undefined)
            throw new UsageError('a drill restores all; --sample is for “--level data”.', NO_SAMPLE);
          return rehearse(session, reference ?? 'latest');
        }
        if (level === 'quick' && sample !== undefined)
          throw new UsageError('“--level quick” reads no data; --sample is for “--level data”.', NO_SAMPLE);
        const { verify } = await import('../core/vault/verify.ts');
        const { vault, record } =
          reference === undefined
            ? { ...(await openVault(session)), record: undefined }
            : await openBackup(session, reference);
        const options = {
          level: level ?? (sample === undefined ? 'quick' : 'data'),
          record,
          samplePercent: sample,
        };
        const result = await verify(vault, options, session.task);
        for (const notice of result.notices) session.warn(notice);
        return {
          json: result,
          text: description(result, session),
          exitCode: result.damage.length + result.known.length > 0 ? ExitCode.damage : ExitCode.done,
        };
      }),
    );
}

const NO_SAMPLE = 'Leave --sample out.';

/** `verify --level drill`: restores a backup to a scratch place. */
async function rehearse(session: Session, reference: string): Promise<Outcome> {
  const { drill } = await import('../core/drill/drill.ts');
  const opened = await openBackup(session, reference);
  const { vault, record } = opened;
  const home = homeOf(session.surroundings);
  const report = await drill(vault, record, { home, set: setOf(opened, record) }, session.task);
  for (const notice of report.notices) session.warn(notice);
  for (const { message } of report.problems) session.warn(message);
  if (report.lacking !== undefined) session.warn(lackingText(report.lacking));
  const { compared, differences, differenceCount, recoveryTimeMs, phases } = report;
  const paths = differences.map(({ path }) => path);
  const what = { object: 'restore', pack: null, problems: ['What came back is not what was backed up.'] };
  const found = { backups: [record.id], backupCount: 1, paths, lists: [], pathCount: differenceCount };
  return {
    json: {
      level: 'drill',
      checked: { packs: 0, chunks: 0, bytes: compared.bytes, backups: 1 },
      damage: differenceCount === 0 ? [] : [{ ...what, ...found }],
      recoveryTimeMs,
      phases,
      compared,
      differences,
      differenceCount,
      notices: report.notices,
      problems: report.problems,
    },
    text: drillText(report, session),
    exitCode: drillExitCode(report),
  };
}

function drillExitCode({ differenceCount, problems }: DrillReport): ExitCode {
  if (differenceCount > 0) return ExitCode.damage;
  return problems.length > 0 ? ExitCode.incomplete : ExitCode.done;
}

function drillText(report: DrillReport, { paint }: Session): string {
  const { backup, recoveryTimeMs, compared, differences, differenceCount, phases } = report;
  const isAll = report.problems.length === 0 && report.lacking === undefined;
  const tables =
    compared.databases === 0
      ? ''
      : `, ${counted(compared.tables, 'table')} with ${counted(compared.rows, 'row')}`;
  const looked = `${counted(compared.entries, 'entry', 'entries')} (${formatBytes(compared.bytes)})${tables}`;
  const title =
    differenceCount === 0
      ? `${paint('green', isAll ? 'All came back as it was' : 'What was rehearsed came back as it was')}: ${looked}`
      : `${paint('red', counted(differenceCount, 'difference'))}: ${looked} compared`;
  const timed = Object.entries(phases)
    .map(([phase, ms]) => `${phase} ${formatDuration(ms)}`)
    .join(', ');
  const rest = differenceCount - differences.length;
  return [
    title,
    `Backup ${shortId(backup)} was restored in ${formatDuration(recoveryTimeMs)} (${timed}).`,
    ...differences.map(({ path, message }) => `  ${printable(path)}: ${plainText(message)}`),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ].join('\n');
}

function percentage(text: string): number {
  const value = Number(text.replace(/%$/, ''));
  if (value > 0 && value <= 100) return value;
  throw new InvalidArgumentError('It must be a share between 0% and 100%.');
}

function description({ level, checked, damage, known }: Verification, session: Session): string {
  const { paint } = session;
  const looked = `${counted(checked.backups, 'backup')}, ${counted(checked.packs, 'pack')}, ${counted(checked.chunks, 'chunk')}, ${formatBytes(checked.bytes)}`;
  const depth = level === 'data' ? 'every byte read' : 'all there, content not read';
  if (damage.length + known.length === 0) return `${paint('green', 'No damage found')}: ${looked} (${depth})`;
  if (damage.length === 0) return `No new damage found: ${looked} (${depth})\n${knownText(known, session)}`;
  return [
    `${paint('red', `${counted(damage.length, 'object')} damaged`)}: ${looked} looked at`,
    ...damage.map(damageText),
    ...(known.length === 0 ? [] : [knownText(known, session)]),
    isOnlyLost(damage) ? LOST_HINT : '“crm-backup repair” mends what can be mended.',
  ].join('\n');
}

/** The damage that was found before, and how to learn what it is. */
function knownText(known: Verification['known'], { paint, nowMs }: Session): string {
  const lines = known
    .slice(0, MOST_KNOWN)
    .map(
      ({ backup, damagedAt }) =>
        `  ${shortId(backup)}: found ${formatTime(damagedAt)}, ${formatAge(Date.parse(damagedAt), nowMs)}`,
    );
  const rest = known.length - lines.length;
  return [
    `${paint('red', `Damage was found before in ${counted(known.length, 'backup')}`)}, and not all was read now:`,
    ...lines,
    ...(rest > 0 ? [`  and ${formatCount(rest)} more`] : []),
    '“crm-backup verify --level data” tells what is damaged, “crm-backup repair” mends what it can.',
  ].join('\n');
}

/** As many backups with known damage are listed; `--json` has all. */
const MOST_KNOWN = 20;

const LOST_HINT =
  'What is in no pack is lost; the rest of these backups can be restored. “crm-backup forget” takes them off the list.';

/** Whether repair has nothing left to mend. */
function isOnlyLost(damage: Verification['damage']): boolean {
  return damage.every(({ object }) => object === 'packs');
}
