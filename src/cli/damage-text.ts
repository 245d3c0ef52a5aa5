import type { Damage } from '../core/vault/damage.ts';
import { plainText, printable } from './printable.ts';
import { counted, formatCount } from './quantity.ts';
import { shortId } from './shown-record.ts';

const MOST_PATHS = 20;

/** What is damaged and who is affected by it, on lines of their own. */
export function damageText({ object, problems, backups, backupCount, paths, pathCount }: Damage): string {
  const lines = [`  ${object}: ${plainText(problems.join(' '))}`];
  if (backupCount > 0) {
    const ids = backups.map(shortId).join(', ');
    const more = backupCount > backups.length ? ' …' : '';
    const what = pathCount > 0 ? ` and ${counted(pathCount, 'path')}:` : '';
    lines.push(`    affects ${counted(backupCount, 'backup')} (${ids}${more})${what}`);
  }
  lines.push(...pathLines(paths, pathCount));
  return lines.join('\n');
}

/** The first paths of many, one a line. */
export function pathLines(paths: readonly string[], count: number): string[] {
  const shown = paths.slice(0, MOST_PATHS);
  const lines = shown.map((path) => `      ${printable(path)}`);
  if (count > shown.length) lines.push(`      … and ${formatCount(count - shown.length)} more`);
  return lines;
}
