import { compareBackups } from '../compare.ts';
import type { Task } from '../task.ts';
import { isDamage } from '../vault/error.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { changed, deleted, type FastImport, NOTHING_LEFT } from './fast-import.ts';
import type { ChunkSource, Loss } from './losses.ts';
import { toMirrorPath } from './mirror-path.ts';
import { mirroredContent, mirroredMode } from './mirrored-content.ts';
import { UnreadFiles } from './unread-files.ts';

/** What commits are made of. */
export interface Making {
  readonly vault: Vault;
  readonly source: ChunkSource;
  readonly task: Task;
}

/** What a commit has to say. */
export interface CommitContent {
  readonly changes: readonly string[];
  readonly losses: readonly Loss[];
  /** Whether it has files that the backup could not read, as they were before. */
  readonly keepsUnread: boolean;
  /** These files. */
  readonly kept: () => Promise<ReadonlySet<string>>;
}

/** What a commit is told against. */
export interface CommitBefore extends Pick<CommitContent, 'kept'> {
  readonly record: BackupRecord;
}

/** What a backup changes, against the one before it. Where a list of entries is damaged, as much of it as can be told. */
export async function contentOf(
  stream: FastImport,
  making: Making,
  before: CommitBefore | undefined,
  record: BackupRecord,
): Promise<CommitContent> {
  try {
    return await differences(stream, making, before, record);
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  const lost = await making.source.lostOfList(record);
  const none = { keepsUnread: false, kept: async () => Promise.resolve(new Set<string>()) };
  if (lost.length > 0) return { changes: [], losses: lost, ...none };
  // What is lost is of the one before; or it was only moved.
  const content = await differences(stream, making, undefined, record);
  return { ...content, changes: [NOTHING_LEFT, ...content.changes] };
}

async function differences(
  stream: FastImport,
  { vault, source, task }: Making,
  before: CommitBefore | undefined,
  record: BackupRecord,
): Promise<CommitContent> {
  const gone: string[] = [];
  const there: string[] = [];
  const losses: Loss[] = [];
  const unread = new UnreadFiles(record, await before?.kept());
  for await (const change of compareBackups(vault, before?.record, record, [], task)) {
    const { path, before: was, after } = change;
    const name = toMirrorPath(path);
    const lost = (chunk: Buffer): void => void losses.push({ chunk: chunk.toString('hex'), path });
    const content = after === undefined ? undefined : await mirroredContent(source, after, lost);
    if (unread.mayStay(change)) continue;
    if (after !== undefined && content !== undefined) {
      there.push(changed(name, mirroredMode(after), await stream.blob(content)));
      continue;
    }
    // What is deleted goes with all below it: a folder that only got another mode is left.
    const isFolder = after?.type === 'directory' && (was === undefined || was.type === 'directory');
    if (!isFolder) gone.push(deleted(name));
  }
  const { kept, dropped } = unread.settle();
  gone.push(...dropped.map((path) => deleted(toMirrorPath(path))));
  // A folder may stand where a file was: first what is gone.
  return {
    changes: [...gone, ...there],
    losses,
    keepsUnread: kept.size > 0,
    kept: async () => Promise.resolve(kept),
  };
}
