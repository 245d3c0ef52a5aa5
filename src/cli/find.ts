import type { Command } from 'commander';
import type { PathMatch } from '../core/search.ts';
import { entryTime } from './entry-json.ts';
import { openVault } from './opened.ts';
import { parsePrintable, printable } from './printable.ts';
import { formatBytes, formatTime } from './quantity.ts';
import type { Act, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { UsageError } from './usage.ts';

/** `find`: paths across all backups. */
export function defineFind(program: Command, act: Act): void {
  program
    .command('find <glob>')
    .description('search all backups for a name, as “*.php” or “custom/**/config*”')
    .action((glob: string) =>
      act(async (session) => {
        const { findPaths } = await import('../core/search.ts');
        const test = await testOf(parsePrintable(glob));
        const { vault, listing, setName } = await openVault(session);
        const records = listing.records.filter(({ set }) => setName === undefined || set === setName);
        const matches = await findPaths(vault, records, test, session.task);
        return {
          json: { matches: matches.map(matchJson) },
          text: matches.length === 0 ? 'Nothing found.' : table(matches, session),
        };
      }),
    );
}

async function testOf(glob: string): Promise<(path: string) => boolean> {
  const { globTest } = await import('../core/glob.ts');
  try {
    return globTest(glob);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`${printable(glob)} is not a pattern.`, 'Use *, ?, ** and [a-z], as in “*.php”.');
  }
}

function matchJson({ path, type, size, mtimeNs, newest, oldest }: PathMatch): Record<string, unknown> {
  return {
    path,
    type,
    size,
    mtime: entryTime(mtimeNs),
    backup: newest.id,
    createdAt: newest.createdAt,
    oldest: { backup: oldest.id, createdAt: oldest.createdAt },
  };
}

function table(matches: readonly PathMatch[], { paint }: Session): string {
  const rows = matches.map(({ path, type, size, newest, oldest }) => [
    paint('cyan', shortId(newest.id)),
    newest.id === oldest.id ? '' : paint('cyan', shortId(oldest.id)),
    formatTime(newest.createdAt),
    type === 'directory' ? '' : formatBytes(size),
    `${printable(path)}${type === 'directory' ? '/' : ''}`,
  ]);
  return formatTable(
    [
      { title: 'NEWEST' },
      { title: 'OLDEST' },
      { title: 'CREATED' },
      { title: 'SIZE', align: 'right' },
      { title: 'PATH' },
    ],
    rows,
    (title) => paint('dim', title),
  );
}
