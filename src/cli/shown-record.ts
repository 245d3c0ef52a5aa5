import { countProblems } from '../core/problem.ts';
import type { BackupRecord, ChangeCounts } from '../core/vault/record.ts';
import type { Paint } from './colour.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatBytes, formatCount, formatDuration, formatRatio } from './quantity.ts';
import { ratioOf } from './record-json.ts';

const SHORT_ID_DIGITS = 8;
const MOST_PROBLEMS = 20;

/** The beginning of an id that people use. */
export function shortId(id: string): string {
  return id.slice(0, SHORT_ID_DIGITS);
}

/** `12 added, 3 modified, 0 deleted, 31,585 unchanged`. */
function changesText({ added, modified, deleted, unchanged }: ChangeCounts): string {
  const parts = [
    `${formatCount(added)} added`,
    `${formatCount(modified)} modified`,
    `${formatCount(deleted)} deleted`,
    `${formatCount(unchanged)} unchanged`,
  ];
  return parts.join(', ');
}

/** The facts of a backup's size and changes, ready for a list of facts. */
export function measureFacts(record: BackupRecord): [string, string][] {
  const { bytes, files, tables } = record;
  const ratio = formatRatio(ratioOf(record));
  return [
    ['files', `${formatCount(files.total)} (${changesText(files)})`],
    ['tables', tables.total === 0 ? '' : `${formatCount(tables.total)} (${changesText(tables)})`],
    [
      'size',
      `${formatBytes(bytes.source)}, read ${formatBytes(bytes.read)}, new ${formatBytes(bytes.new)}, stored ${formatBytes(bytes.stored)}${ratio === '' ? '' : ` (${ratio})`}`,
    ],
    ['time', formatDuration(record.durationMs)],
  ];
}

/** A backup's problems, one a line, the many after the first few counted. */
export function problemsText(record: BackupRecord, paint: Paint): string {
  const { problems } = record;
  const count = countProblems(record);
  if (problems.length === 0) return '';
  const lines = problems.slice(0, MOST_PROBLEMS).map(({ code, path, message, incomplete }) => {
    const name = incomplete ? paint('yellow', code) : code;
    return `  ${name}  ${printable(path)}: ${plainText(message)}`;
  });
  const more = count - lines.length;
  const has = count > problems.length ? 'has the first thousand of each kind' : 'has them all';
  if (more > 0) lines.push(`  … and ${formatCount(more)} more; “crm-backup show --json” ${has}`);
  return `${counted(count, 'problem')}:\n${lines.join('\n')}`;
}
