import { compareBackups } from '../compare.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { isDamage } from '../vault/error.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { changed, deleted, FastImport, NOTHING_LEFT, wholeTree } from './fast-import.ts';
import { toMirrorPath } from './mirror-path.ts';
import { mirroredContent, mirroredMode } from './mirrored-content.ts';
import type { HistoryRepository } from './repository.ts';

/** The branch with one commit a backup, the newest last. */
export const BRANCH = 'refs/heads/backups';
const TAGS = 'refs/tags/';

/** So many packs are made one. */
const MOST_PACKS = 24;

/** A backup as the branch has it. */
interface Link {
  readonly backup: string;
  readonly commit: string;
  readonly tree: string;
}

/** Commits by backup, where the branch is one commit for each of these backups; undefined where it is not. */
export async function commitsOf(
  repository: HistoryRepository,
  newestFirst: readonly BackupRecord[],
  task: Task,
): Promise<ReadonlyMap<string, string> | undefined> {
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
  return isWhole ? commits : undefined;
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
  await writeLinks(repository, vault, newestFirst.toReversed(), { links, refs }, task);
  await dropOthers(repository, newestFirst, refs, task);
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

/** Removes the refs of other backups than these, and what only they held. */
async function dropOthers(
  repository: HistoryRepository,
  newestFirst: readonly BackupRecord[],
  refs: ReadonlyMap<string, string>,
  task: Task,
): Promise<void> {
  const wanted = new Set(newestFirst.map(({ id }) => `${TAGS}${id}`));
  const dropped = [...refs.keys()].filter(
    (name) => !wanted.has(name) && (name !== BRANCH || wanted.size === 0),
  );
  for (const name of dropped) await repository.run(['update-ref', '-d', name], task);
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
      : [{ backup, commit, tree }];
  });
}

/** What the repository has before it is brought up to date. */
interface Known {
  readonly links: readonly Link[];
  readonly refs: ReadonlyMap<string, string>;
}

async function writeLinks(
  repository: HistoryRepository,
  vault: Vault,
  oldestFirst: readonly BackupRecord[],
  { links, refs }: Known,
  task: Task,
): Promise<void> {
  let same = 0;
  while (same < links.length && links[same]?.backup === oldestFirst[same]?.id) same++;
  const trees = new Map(links.map(({ backup, tree }) => [backup, tree]));
  await using stream = new FastImport(repository, task);
  for (const { backup, commit } of links.slice(0, same)) {
    const tag = `${TAGS}${backup}`;
    if (refs.get(tag) !== commit) stream.reset(tag, commit);
  }
  let parent = links[same - 1]?.commit;
  if (parent !== undefined) stream.reset(BRANCH, parent);
  let files = 0;
  const each: Task = {
    signal: task.signal,
    progress: () => task.progress?.({ phase: 'history', done: ++files, unit: 'files' }),
  };
  for (const [done, record] of oldestFirst.slice(same).entries()) {
    throwIfCancelled(task);
    const tree = trees.get(record.id);
    const changes =
      tree === undefined
        ? await changesOf(stream, vault, oldestFirst[same + done - 1], record, each)
        : [wholeTree(tree)];
    const commit = { ref: BRANCH, message: messageOf(record), atMs: Date.parse(record.createdAt), parent };
    parent = await stream.commit(commit, changes);
    stream.reset(`${TAGS}${record.id}`, parent);
  }
  await stream.finish();
}

/** What a backup changes, against the one before it. Where a manifest is damaged, as much of it as can be told. */
async function changesOf(
  stream: FastImport,
  vault: Vault,
  before: BackupRecord | undefined,
  record: BackupRecord,
  task: Task,
): Promise<readonly string[]> {
  try {
    return await differences(stream, vault, before, record, task);
  } catch (error) {
    if (before === undefined || !isDamage(error)) return unlessDamage(error);
  }
  try {
    return [NOTHING_LEFT, ...(await differences(stream, vault, undefined, record, task))];
  } catch (error) {
    return unlessDamage(error);
  }
}

function unlessDamage(error: unknown): readonly string[] {
  if (isDamage(error)) return [];
  throw error;
}

async function differences(
  stream: FastImport,
  vault: Vault,
  before: BackupRecord | undefined,
  record: BackupRecord,
  task: Task,
): Promise<string[]> {
  const gone: string[] = [];
  const there: string[] = [];
  for await (const { path, before: was, after } of compareBackups(vault, before, record, [], task)) {
    const name = toMirrorPath(path);
    const content = after === undefined ? undefined : await mirroredContent(vault, after);
    if (after !== undefined && content !== undefined) {
      there.push(changed(name, mirroredMode(after), await stream.blob(content)));
      continue;
    }
    // What is deleted goes with all below it: a folder that only got another mode is left.
    const isFolder = after?.type === 'directory' && (was === undefined || was.type === 'directory');
    if (!isFolder) gone.push(deleted(name));
  }
  // A folder may stand where a file was: first what is gone.
  return [...gone, ...there];
}

function messageOf({ id, kind, label }: BackupRecord): string {
  const title = label === undefined ? kind : `${kind}: ${label.replace(/\s+/g, ' ').trim()}`;
  return `${title}\n\nBackup: ${id}\n`;
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
