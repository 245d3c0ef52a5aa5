import type { Command } from 'commander';
import { rowsOf } from '../core/row-count.ts';
import type { EntryView } from '../core/vault/manifest-entry.ts';
import { entryJson, entryTime } from './entry-json.ts';
import { entryPath } from './entry-path.ts';
import { openBackup, rootsOf } from './opened.ts';
import { printable } from '../core/printable.ts';
import { counted, formatBytes, formatTime } from './quantity.ts';
import type { Act, Session } from './session.ts';

/** `ls`: the entries of a backup. */
export function defineLs(program: Command, act: Act): void {
  program
    .command('ls <backup> [path]')
    .description('list the entries of a backup')
    .option('-r, --recursive', 'list everything below, too')
    .action((reference: string, path: string | undefined, { recursive }: { recursive?: true }) =>
      act(async (session) => {
        const { listEntries } = await import('../core/entries.ts');
        const opened = await openBackup(session, reference);
        const { vault, record } = opened;
        const directory =
          path === undefined ? '' : entryPath(path, rootsOf(opened, record), session.surroundings.cwd);
        const entries = listEntries(vault, record, directory, recursive === true, session.task);
        if (session.options.json !== true) return { json: undefined, text: lines(entries, session) };
        const all = [];
        for await (const entry of entries) all.push(entryJson(entry));
        return { json: { entries: all } };
      }),
    );
}

async function* lines(entries: AsyncIterable<EntryView>, { paint }: Session): AsyncGenerator<string> {
  for await (const entry of entries) {
    const name = printable(entry.path);
    const shown = entry.type === 'directory' ? paint('blue', `${name}/`) : name;
    const target = entry.target === undefined ? '' : ` -> ${printable(entry.target)}`;
    // The rows of some tables are counted, but stand in another entry.
    const hasSize = entry.type !== 'directory' && (entry.type !== 'table' || entry.size > 0);
    const size = hasSize ? formatBytes(entry.size) : '';
    yield `${modeText(entry)}  ${size.padStart(8)}  ${formatTime(entryTime(entry.mtimeNs))}  ${shown}${target}${rowsText(entry)}\n`;
  }
}

function rowsText(entry: EntryView): string {
  const rows = rowsOf(entry);
  return rows === undefined ? '' : `  (${counted(rows, 'row')})`;
}

/** `-rw-r--r--`, as `ls -l` has it; set-id and sticky bits are not told. */
function modeText({ type, mode }: Pick<EntryView, 'type' | 'mode'>): string {
  const letter = type === 'directory' ? 'd' : type === 'link' ? 'l' : '-';
  const bits = Array.from('rwxrwxrwx', (bit, at) => ((mode >> (8 - at)) & 1 ? bit : '-'));
  return letter + bits.join('');
}
