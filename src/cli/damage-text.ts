import { type Damage, entriesIn, type LostList } from '../core/vault/damage.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted, formatCount } from './quantity.ts';
import { shortId } from './shown-record.ts';

const MOST_PATHS = 20;

/** What is damaged and who is affected by it, on lines of their own. */
export function damageText(damage: Damage): string {
  const { object, problems, backups, backupCount, pathCount } = damage;
  const lines = [`  ${object}: ${plainText(problems.join(' '))}`];
  if (backupCount > 0) {
    const ids = backups.map(shortId).join(', ');
    const more = backupCount > backups.length ? ' …' : '';
    const what = pathCount > 0 ? ` and ${counted(pathCount, 'path')}:` : '';
    lines.push(`    affects ${counted(backupCount, 'backup')} (${ids}${more})${what}`);
  }
  lines.push(...lossLines(damage));
  return lines.join('\n');
}

/** What is lost: the first paths of many, one a line, and the parts of lists. */
export function lossLines({
  paths,
  lists,
  pathCount,
}: Pick<Damage, 'paths' | 'lists' | 'pathCount'>): string[] {
  const shown = paths.slice(0, MOST_PATHS);
  const shownLists = lists.slice(0, MOST_PATHS);
  const lines = shownLists.map(listLine);
  const moreLists = lists.length - shownLists.length;
  if (moreLists > 0) lines.push(`      … and parts of ${counted(moreLists, 'list')} more`);
  lines.push(...shown.map((path) => `      ${printable(path)}`));
  const rest = pathCount - entriesIn(lists) - shown.length;
  if (rest > 0) lines.push(`      … and ${formatCount(rest)} more`);
  return lines;
}

function listLine({ root, path, parts, entries }: LostList): string {
  const from = path === root ? 'its beginning' : printable(path);
  const where = parts === 1 ? `from ${from} on` : `in ${formatCount(parts)} parts, the first from ${from} on`;
  return `      ${counted(entries, 'entry', 'entries')} of ${printable(root)}, ${where}: the list of them is lost, so which they are is not known`;
}
