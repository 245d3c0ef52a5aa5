import { type Task, throwIfCancelled } from '../task.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { type CommitBefore, type CommitContent, contentOf, type Making } from './commit-content.ts';
import { FastImport, wholeTree } from './fast-import.ts';
import { ChunkSource, type Loss, lossLines, parseLosses } from './losses.ts';
import type { HistoryRepository } from './repository.ts';
import { keptIn, mayKeepUnread } from './unread-files.ts';

/** The branch with one commit a backup, the newest last. */
export const BRANCH = 'refs/heads/backups';
const TAGS = 'refs/tags/';
/** The commits of backups of which something was lost. */
const LOST = 'refs/lost/';
/** A line of the message of a commit that has files its backup could not read. */
const KEEPS_UNREAD = 'Unread: kept\n';

/** So many packs are made one. */
const MOST_PACKS = 24;

/** A backup as the branch has it. */
interface Link {
  readonly backup: string;
  readonly commit: string;
  readonly tree: string;
  /** What was lost of it when it was written. */
  readonly losses: readonly Loss[];
  /** Whether it has files that the backup could not read, as they were before. */
  readonly keepsUnread: boolean;
}

/** The branch, by backups. */
export interface Chain {
  readonly commits: ReadonlyMap<string, string>;
  /** Only of backups of which something was lost. */
  readonly losses: ReadonlyMap<string, readonly Loss[]>;
}

/** The branch, where it is one commit for each of these backups; undefined where it is not. */
export async function chainOf(
  repository: HistoryRepository,
  newestFirst: readonly BackupRecord[],
  task: Task,
): Promise<Chain | undefined> {
  const refs = await readRefs(repository, task);
  const commits = new Map(
    [...refs].flatMap(([name, commit]) =>
      name.startsWith(TAGS) ? [[name.slice(TAGS.length), commit] as const] : [],
    ),
  );
  const isWhole =
    commits.size === newestFirst.length &&
    newestFirst.every(({ id }) => commits.has(id)) &&
    refs.get(BRANCH) === commits.get(newestFirst[0]?.id ?? '');
  if (!isWhole) return undefined;
  const hasLosses = [...refs.keys()].some((name) => name.startsWith(LOST));
  const links = hasLosses ? await readLinks(repository, task) : [];
  return { commits, losses: new Map(links.map(({ backup, losses }) => [backup, losses])) };
}

/** Whether something that was lost when the branch was written can be read again. */
export async function canBeWhole(vault: Vault, { losses }: Chain): Promise<boolean> {
  return losses.size > 0 && new ChunkSource(vault).isBack([...losses.values()].flat());
}

/**
 * Makes the branch one commit for each of a set's backups: what it has is kept, what is new is written with its changed
 * paths only, and forgotten backups are left out, with what only they held. Needs the exclusive lock. Cancelling leaves
 * the branch as it was.
 * @throws {HistoryError} `no-git`, `git-failed`. {CancelledError}
 */
export async function bringUpToDate(
  repository: HistoryRepository,
  vault: Vault,
  newestFirst: readonly BackupRecord[],
  task: Task,
): Promise<void> {
  await repository.sweep();
  const refs = await readRefs(repository, task);
  const links = refs.has(BRANCH) ? await readLinks(repository, task) : [];
  const source = new ChunkSource(vault);
  const known = { links: await soundLinks(source, links, newestFirst), refs };
  const damaged = await writeLinks(repository, { vault, source, task }, newestFirst.toReversed(), known);
  await dropOthers(repository, newestFirst, damaged, refs, task);
}

/**
 * Takes forgotten backups out of the branch, with what only they held, and adds nothing. Needs the exclusive lock.
 * @throws {HistoryError} `no-git`, `git-failed`. {CancelledError}
 */
export async function dropForgotten(
  repository: HistoryRepository,
  vault: Vault,
  newestFirst: readonly BackupRecord[],
  task: Task,
): Promise<void> {
  const refs = await readRefs(repository, task);
  const known = newestFirst.filter(({ id }) => refs.has(`${TAGS}${id}`));
  const tags = [...refs.keys()].filter((name) => name.startsWith(TAGS));
  if (tags.length !== known.length) await bringUpToDate(repository, vault, known, task);
}

/**
 * Links up to the first of which something was lost that is back, or that is not among these backups any more: what came
 * after it has what stood for that in its tree, too.
 */
async function soundLinks(
  source: ChunkSource,
  links: readonly Link[],
  backups: readonly BackupRecord[],
): Promise<readonly Link[]> {
  const ids = new Set(backups.map(({ id }) => id));
  for (const [at, { backup, losses }] of links.entries()) {
    if (losses.length === 0) continue;
    if (!ids.has(backup) || (await source.isBack(losses))) return links.slice(0, at);
  }
  return links;
}

/** Removes the refs of other backups than these, and what only they held. */
async function dropOthers(
  repository: HistoryRepository,
  newestFirst: readonly BackupRecord[],
  damaged: readonly string[],
  refs: ReadonlyMap<string, string>,
  task: Task,
): Promise<void> {
  const wanted = new Set([
    ...newestFirst.map(({ id }) => `${TAGS}${id}`),
    ...damaged.map((id) => `${LOST}${id}`),
  ]);
  const dropped = [...refs.keys()].filter(
    (name) => !wanted.has(name) && (name !== BRANCH || wanted.size === 0),
  );
  // All at once: each process takes its time.
  const commands = dropped.map((name) => `delete ${name}\n`).join('');
  if (dropped.length > 0) await repository.run(['update-ref', '--stdin'], task, commands);
  await tidy(repository, dropped.length > 0, task);
}

async function readRefs(repository: HistoryRepository, task: Task): Promise<Map<string, string>> {
  const told = await repository.run(['for-each-ref', '--format=%(refname) %(objectname)'], task);
  const lines = told.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => line.split(' ') as [string, string]));
}

async function readLinks(repository: HistoryRepository, task: Task): Promise<Link[]> {
  const told = await repository.run(['log', '-z', '--reverse', '--format=%H %T%n%b', BRANCH], task);
  return told.split('\0').flatMap((text): Link[] => {
    const [, commit, tree] = /^(\w+) (\w+)$/m.exec(text) ?? [];
    const [, backup] = /^Backup: ([0-9a-f]{64})$/m.exec(text) ?? [];
    return commit === undefined || tree === undefined || backup === undefined
      ? []
      : [
          {
            backup,
            commit,
            tree,
            losses: parseLosses(text),
            keepsUnread: text.includes(`\n${KEEPS_UNREAD}`),
          },
        ];
  });
}

/** What the repository has before it is brought up to date. */
interface Known {
  readonly links: readonly Link[];
  readonly refs: ReadonlyMap<string, string>;
}

/** Writes what is not there yet. Gives the backups of which something is lost. */
async function writeLinks(
  repository: HistoryRepository,
  { vault, source, task }: Making,
  oldestFirst: readonly BackupRecord[],
  { links, refs }: Known,
): Promise<string[]> {
  let same = 0;
  while (same < links.length && links[same]?.backup === oldestFirst[same]?.id) same++;
  const written = new Map(links.map((link, at) => [link.backup, { link, before: links[at - 1]?.backup }]));
  await using stream = new FastImport(repository, task);
  for (const { backup, commit } of links.slice(0, same)) {
    const tag = `${TAGS}${backup}`;
    if (refs.get(tag) !== commit) stream.reset(tag, commit);
  }
  const damaged = links.slice(0, same).flatMap(({ backup, losses }) => (losses.length > 0 ? [backup] : []));
  let parent = links[same - 1]?.commit;
  if (parent !== undefined) stream.reset(BRANCH, parent);
  let files = 0;
  const each: Task = {
    signal: task.signal,
    progress: () => task.progress?.({ phase: 'history', done: ++files, unit: 'files' }),
  };
  const asItIs = (link: Link, record: BackupRecord): CommitContent => ({
    ...link,
    changes: [wholeTree(link.tree)],
    kept: async () => (link.keepsUnread ? keptIn(repository, link.tree, vault, record, each) : new Set()),
  });
  let before: CommitBefore | undefined;
  const [lastLink, lastRecord] = [links[same - 1], oldestFirst[same - 1]];
  if (lastLink && lastRecord) before = { record: lastRecord, kept: asItIs(lastLink, lastRecord).kept };
  /** Whether the commit before has the files that it had. */
  let isAsItWas = true;
  for (const record of oldestFirst.slice(same)) {
    throwIfCancelled(task);
    const known = written.get(record.id);
    // What it could not read is as the one before has it.
    const isStill: boolean = !mayKeepUnread(record) || (isAsItWas && known?.before === before?.record.id);
    const content: CommitContent =
      known !== undefined && isStill
        ? asItIs(known.link, record)
        : await contentOf(stream, { vault, source, task: each }, before, record);
    isAsItWas = isStill || !(content.keepsUnread || known?.link.keepsUnread);
    const message = messageOf(record, content);
    parent = await stream.commit(
      { ref: BRANCH, message, atMs: Date.parse(record.createdAt), parent },
      content.changes,
    );
    stream.reset(`${TAGS}${record.id}`, parent);
    before = { record, kept: content.kept };
    if (content.losses.length === 0) continue;
    stream.reset(`${LOST}${record.id}`, parent);
    damaged.push(record.id);
  }
  await stream.finish();
  return damaged;
}

function messageOf(
  { id, kind, label }: BackupRecord,
  { losses, keepsUnread }: Pick<CommitContent, 'losses' | 'keepsUnread'>,
): string {
  const title = label === undefined ? kind : `${kind}: ${label.replace(/\s+/g, ' ').trim()}`;
  return `${title}\n\nBackup: ${id}\n${keepsUnread ? KEEPS_UNREAD : ''}${lossLines(losses)}`;
}

/** Makes one pack, and one list of refs, of many; and takes what no backup has any more off the disk. */
async function tidy(repository: HistoryRepository, dropped: boolean, task: Task): Promise<void> {
  const counts = await repository.run(['count-objects', '-v'], task);
  const [, packs = '0'] = /^packs: (\d+)$/m.exec(counts) ?? [];
  if (!dropped && Number(packs) < MOST_PACKS) return;
  await repository.run(['pack-refs', '--all'], task);
  await repository.run(['repack', '-a', '-d', '-q'], task);
  if (dropped) await repository.run(['prune', '--expire=now'], task);
}
