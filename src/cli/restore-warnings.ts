import type { MovedRoot } from '../core/moved-roots.ts';
import type { Lacking } from '../core/restore/lacking.ts';
import { plainText, printable } from '../core/printable.ts';
import { counted } from './quantity.ts';

/** What is told before a partial backup is restored. */
export function lackingText({ count, first }: Lacking): string {
  const what = counted(count, 'entry is', 'entries are');
  return `This backup is partial: ${what} missing or in doubt, the first: ${printable(first.path)}: ${plainText(first.message)}`;
}

/** What is told before roots are restored to somewhere else than where the backup is of. */
export function movedText(moved: readonly MovedRoot[]): string {
  const list = (end: 'from' | 'to'): string => moved.map((root) => printable(root[end])).join(', ');
  return `This backup is of ${list('from')} and goes to ${list('to')}.`;
}
