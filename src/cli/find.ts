import type { Command } from 'commander';
import type { PathMatch } from '../core/search.ts';
import { entryTime } from './entry-json.ts';
import type { TextOptions } from './find-text.ts';
import { openVault } from './opened.ts';
import { parsePrintable, printable } from '../core/printable.ts';
import { formatBytes, formatTime } from './quantity.ts';
import type { Act, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { UnreadRecords } from './unread-records.ts';
import { UsageError } from './usage.ts';

interface FindOptions {
  readonly text?: string;
  readonly regex?: string;
  readonly ignoreCase?: true;
}

/** `find`: paths across all backups, or the backups that changed a text. */
export function defineFind(program: Command, act: Act): void {
  program
    .command('find [glob]')
    .description('search all backups for a name, as “*.php” or “custom/**/config*”, or for a text')
    .option(
      '--text <text>',
      'tell which backups brought a text into files and tables or took it out; not those over 1 MB, nor rows of SQLite',
    )
    .option('--regex <pattern>', 'the same for lines that match an extended regular expression')
    .option('-i, --ignore-case', 'take capital and small letters of the text for the same')
    .action((glob: string | undefined, options: FindOptions) =>
      act(async (session) => {
        const { findPaths } = await import('../core/search.ts');
        const text = textOf(options);
        if (glob === undefined && text === undefined) {
          throw new UsageError(
            'find needs a pattern of names, or --text.',
            'As in “crm-backup find "*.php"”.',
          );
        }
        const test = glob === undefined ? () => true : await testOf(parsePrintable(glob));
        const opened = await openVault(session);
        const { vault, listing, setName } = opened;
        const records = listing.records.filter(({ set }) => setName === undefined || set === setName);
        if (text !== undefined) {
          const { findText } = await import('./find-text.ts');
          return findText(opened, records, text, test, session);
        }
        const unread = new UnreadRecords(listing);
        const matches = await findPaths(vault, records, test, session.task, unread.add);
        return {
          json: { matches: matches.map(matchJson) },
          text: matches.length === 0 ? 'Nothing found.' : table(matches, session),
          ...unread.told(session),
        };
      }),
    );
}

function textOf({ text, regex, ignoreCase }: FindOptions): TextOptions | undefined {
  if (text !== undefined && regex !== undefined) {
    throw new UsageError('--text and --regex do not go together.', 'Search for one after the other.');
  }
  const wanted = text ?? regex;
  if (wanted === '') throw new UsageError('an empty text is everywhere.', 'Say what to search for.');
  return wanted === undefined
    ? undefined
    : { text: wanted, regex: regex !== undefined, ignoreCase: ignoreCase === true };
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
