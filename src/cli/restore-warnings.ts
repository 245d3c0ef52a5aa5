import type { Lacking } from '../core/restore/lacking.ts';
import { plainText, printable } from './printable.ts';
import { counted } from './quantity.ts';

/** What is told before a partial backup is restored. */
export function lackingText({ count, first }: Lacking): string {
  const what = counted(count, 'entry is', 'entries are');
  return `This backup is partial: ${what} missing or in doubt, the first: ${printable(first.path)}: ${plainText(first.message)}`;
}
