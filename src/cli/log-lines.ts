import type { LineOrigin } from '../core/history/line-origins.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import type { Opened } from './opened.ts';
import type { PathInSet } from './path-in-sets.ts';
import { plainText, printable } from '../core/printable.ts';
import { formatTime } from './quantity.ts';
import type { Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { notFoundText, UnreadRecords } from './unread-records.ts';

/** `log --lines`: every line of a file as its newest backup has it, with the backup it was changed in. */
export async function showLines(
  { vault, listing }: Opened,
  records: readonly BackupRecord[],
  places: readonly PathInSet[],
  session: Session,
): Promise<Outcome> {
  const { findPaths } = await import('../core/search.ts');
  const { entryAt } = await import('../core/entries.ts');
  const { historyOf, withHistory } = await import('../core/history.ts');
  const { lineOrigins } = await import('../core/history/line-origins.ts');
  const { MOST_TEXT_BYTES } = await import('../core/history/mirrored-content.ts');
  const { VaultError } = await import('../core/vault/error.ts');
  const { task } = session;
  const unread = new UnreadRecords(listing);
  const matches = [];
  for (const { records: ofSet, path } of places)
    matches.push(...(await findPaths(vault, ofSet, (other) => other === path, task, unread.add)));
  const [match] = matches.sort((a, b) => records.indexOf(a.newest) - records.indexOf(b.newest));
  if (match === undefined) {
    const path = places[0]?.path ?? '';
    if (!unread.isEmpty) {
      return {
        json: { path, backup: null, lines: [] },
        text: notFoundText(path),
        ...unread.told(session),
      };
    }
    throw new VaultError('unknown-entry', `No backup has “${path}”.`, {
      hint: '“crm-backup find” searches all backups for a name.',
    });
  }
  const { newest, path } = match;
  const ofSet = records.filter(({ set }) => set === newest.set);
  const repository = historyOf(session.surroundings, vault, newest.set);
  const origins = await withHistory(repository, vault, ofSet, task, async (history) =>
    lineOrigins(history, newest.id, path, task, unread.add),
  );
  const entry = await entryAt(vault, newest, path);
  const parts: Buffer[] = [];
  // What is lost is told as that, not as what is no text.
  if (origins.length > 0 || entry.size <= MOST_TEXT_BYTES) {
    for await (const part of vault.reader.readContent(entry, await vault.index())) parts.push(part);
  }
  if (origins.length === 0) {
    return {
      json: { path, backup: newest.id, lines: [] },
      text: `${printable(path)} is no text, or is larger than 1 MB.`,
      ...unread.told(session),
    };
  }
  return {
    json: { path, backup: newest.id, lines: origins.map(lineJson) },
    text: annotated(Buffer.concat(parts).toString('utf8'), origins, session),
    ...unread.told(session),
  };
}

function lineJson({ line, count, record }: LineOrigin): Record<string, unknown> {
  return { line, count, backup: record.id, createdAt: record.createdAt };
}

function annotated(text: string, origins: readonly LineOrigin[], { paint }: Session): string {
  const lines = text.split('\n');
  const width = String(lines.length).length;
  return origins
    .flatMap(({ line, count, record }) => {
      const head = `${paint('cyan', shortId(record.id))}  ${paint('dim', formatTime(record.createdAt))}`;
      return lines
        .slice(line - 1, line - 1 + count)
        .map(
          (content, at) =>
            `${head}  ${String(line + at).padStart(width)}  ${plainText(content.replace(/\r$/, ''))}`,
        );
    })
    .join('\n');
}
