import { join, relative, sep } from 'node:path';
import type { BackupRoot, BackupSources } from '../backup.ts';
import { checkRestorePath } from '../path/restore-path.ts';
import type { Problem } from '../problem.ts';
import { createFilter, type PathFilter } from '../set/match.ts';
import type { Task } from '../task.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import type { ChunkIndex } from '../vault/index.ts';
import { viewsIn } from '../vault/manifest.ts';
import type { EntryView } from '../vault/manifest-entry.ts';
import { isWithin } from '../vault/order.ts';
import { isDamage, VaultError } from '../vault/error.ts';
import type { BackupRecord, RecordedSource } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { RestoreError } from './error.ts';
import { liveTree, lookAt } from './live-tree.ts';
import { type PlannedEntry, planRoot } from './plan.ts';
import { type MovedRoot, movedRoots } from '../moved-roots.ts';
import { realFolder } from '../real-folder.ts';
import { mayAdjust, type TargetRoot } from './prepare-root.ts';
import { noCounts, type PlanCounts } from './root-plan.ts';
import { Selection, type SelectedPath } from './selection.ts';
import {
  CONTENT_DAMAGED,
  DAMAGE_HINT,
  type DamagedContent,
  type DamagedList,
  LIST_DAMAGED,
  PERHAPS_LISTED,
  SkippedPaths,
} from './skipped.ts';

/** What the names of a SQLite database's files end with. */
const DATABASE_FILES = ['', '-journal', '-wal', '-shm'] as const;

/** What of a backup goes where. */
export interface PlanRequest {
  /** What is restored; undefined means everything. */
  readonly paths: readonly SelectedPath[] | undefined;
  /** The live set, whose roots of the same names are restored to; a root it lacks goes where it was. */
  readonly set: Pick<BackupSources, 'roots'> | undefined;
  /** Another folder to restore to, absolute; undefined means the original places. */
  readonly to: string | undefined;
  /** Whether live files that the backup does not have are removed. */
  readonly delete: boolean;
  /** Whether selected paths that the backup does not have are removed, instead of being an error. */
  readonly deleteMissing?: boolean | undefined;
  /** What of the backup is damaged and is to be left out; undefined when damage is an error. */
  readonly damaged?: DamagedContent | undefined;
  /** Paths that are left out although they are whole, with all that is below them. */
  readonly isLeftOut?: ((path: string) => boolean) | undefined;
  /** Files of the set's SQLite databases, absolute and without links: they are restored as databases only. */
  readonly databaseFiles?: readonly string[] | undefined;
}

/** What a restore is going to do; nothing is done yet. */
export interface RestorePlan {
  readonly targets: readonly TargetRoot[];
  readonly counts: PlanCounts;
  /** Where the restored roots are now, with the rules they were backed up by: what a safety backup must take. */
  readonly sources: readonly BackupRoot[];
  /** What is left out because it is damaged. */
  readonly skipped: SkippedPaths;
  /** Roots in which nothing is removed, though it was wanted: what lost parts of their lists named is not known. */
  readonly notDeleted: readonly string[];
}

/**
 * Plans a restore of files: compares a backup with what is there now. Nothing is changed.
 * @throws {RestoreError} `no-target`, `not-in-backup`, `hostile-path`, `unsupported-name`, `target-not-directory`,
 *   `would-lose-files`, `other-file-system`; {VaultError} `damaged`, `missing-chunk`; {StorageError}; {CancelledError}.
 */
export async function planRestore(
  vault: Vault,
  record: BackupRecord,
  request: PlanRequest,
  task: Task,
): Promise<RestorePlan> {
  const index = await vault.index();
  const targets: TargetRoot[] = [];
  const sources: BackupRoot[] = [];
  const counts = noCounts();
  const found = new Set<string>();
  const selection = new Selection(request.paths);
  const skipped = new SkippedPaths();
  const notDeleted: string[] = [];
  const { damaged } = request;
  for (const { source, root, place, directory } of placesOf(record, request)) {
    const ofDatabase = databaseIn(directory, request.databaseFiles ?? []);
    const isLeftOut = (path: string): boolean => {
      if (request.isLeftOut?.(path) === true) return true;
      const database = ofDatabase?.(path.slice(root.length + 1));
      if (database === undefined || selection.resolve(path) === 'none') return false;
      found.add(path);
      skipped.add('database', path, partOfDatabase(database));
      return true;
    };
    const lists = damaged?.lists.filter((list) => list.root === root) ?? [];
    const entries =
      lists.length === 0
        ? entriesOf(vault, record, root, index)
        : withFolders(entriesOf(vault, record, root, index, damaged), root, record);
    const plan = await planRoot(
      ofDatabase === undefined && request.isLeftOut === undefined ? entries : without(isLeftOut, entries),
      {
        root,
        live: liveTree(directory, vault.chunkIds, index),
        selection,
        filter: withoutDatabases(safeFilter(source, root, record.problems), ofDatabase),
        // What a lost part of the list has named would seem not to be in the backup.
        delete: request.delete && lists.length === 0,
        deleteMissing: request.deleteMissing === true && lists.length === 0,
        isLeftOut: damaged === undefined ? undefined : (entry) => damaged.isDamaged(entry),
        startedAtNs: BigInt(Date.parse(record.createdAt)) * 1_000_000n,
        platform: process.platform,
        mayAdjust,
      },
      task,
    );
    for (const key of Object.keys(counts) as (keyof PlanCounts)[]) counts[key] += plan.counts[key];
    for (const [path, why] of lostIn(lists, selection, plan.missing)) skipped.add('list-damaged', path, why);
    if (lists.length > 0 && (request.delete || request.deleteMissing === true)) notDeleted.push(root);
    for (const path of plan.leftOut) skipped.add('damaged', path, CONTENT_DAMAGED);
    for (const path of selection.within(root)) {
      if (!plan.missing.includes(path) || lists.some(({ mayName }) => mayName(path))) found.add(path);
    }
    targets.push({ root, directory, plan });
    sources.push({ name: source.name, directory: place, include: source.include, exclude: source.exclude });
  }
  if (!request.deleteMissing) mustBeFound(request.paths ?? [], found, record);
  return { targets, counts, sources, skipped, notDeleted };
}

/** Tells for a path in a folder which database it is a file of that stands there; undefined when there is none. */
function databaseIn(
  directory: string,
  files: readonly string[],
): ((path: string) => string | undefined) | undefined {
  const own = new Map<string, string>();
  for (const file of files) {
    const all = DATABASE_FILES.map((end) => `${file}${end}`);
    if (all.every((each) => lookAt(each) === undefined)) continue;
    for (const each of all) own.set(relative(directory, each).split(sep).join('/'), file);
  }
  return own.size === 0 ? undefined : (path) => own.get(path);
}

function withoutDatabases(
  filter: PathFilter,
  ofDatabase: ((path: string) => string | undefined) | undefined,
): PathFilter {
  if (ofDatabase === undefined) return filter;
  return {
    enters: (directory) => filter.enters(directory),
    includes: (path, isDirectory) => filter.includes(path, isDirectory) && ofDatabase(path) === undefined,
  };
}

function partOfDatabase(file: string): string {
  return `It is now a file of the set’s database in ${file}, which would be a mixture of both; a backup that holds it as a database restores it with --database, and --to restores this file beside.`;
}

/** What lost parts of a list may have named of what is selected: what was asked for, or else where a part begins. */
function* lostIn(
  lists: readonly DamagedList[],
  selection: Selection,
  missing: readonly string[],
): Generator<[path: string, why: string]> {
  for (const { root, firstPath, isMeant, mayName } of lists) {
    if (!isMeant) continue;
    const asked = [...selection.within(root)].filter(mayName);
    const lost = asked.filter((path) => missing.includes(path));
    for (const path of lost) yield [path, PERHAPS_LISTED];
    const isMore = lost.length < asked.length || selection.resolve(firstPath) === 'whole';
    if (isMore && !lost.includes(firstPath)) yield [firstPath, LIST_DAMAGED];
  }
}

/** A root of a backup and where it goes. */
export interface RestorePlace {
  readonly source: RecordedSource;
  /** `files/<name>`. */
  readonly root: string;
  /** As it was named. */
  readonly place: string;
  /** The same without links. */
  readonly directory: string;
}

/**
 * Where the roots go of which something is restored.
 * @throws {RestoreError} `no-target`, `hostile-path`.
 */
export function placesOf(
  record: BackupRecord,
  request: Pick<PlanRequest, 'paths' | 'set' | 'to'>,
): RestorePlace[] {
  const { set, to } = request;
  if (set === undefined && to === undefined) {
    throw new RestoreError('no-target', 'Without a workspace there is no place to restore to.', {
      hint: 'Name a folder with --to, or run it in the workspace.',
    });
  }
  const selection = new Selection(request.paths);
  const places: RestorePlace[] = [];
  for (const source of record.sources.filter(({ type }) => type === 'files')) {
    const root = `files/${source.name}`;
    if (selection.resolve(root) === 'none') continue;
    mustBeName(root);
    const place = placeOf(source, request);
    places.push({ source, root, place, directory: realFolder(place) });
  }
  return places;
}

/** The roots that a restore brings back somewhere else than where the backup is of; none when another folder is named. */
export function movedBy(
  record: BackupRecord,
  request: Pick<PlanRequest, 'paths' | 'set' | 'to'>,
): MovedRoot[] {
  if (request.to !== undefined) return [];
  const places = placesOf(record, request);
  return movedRoots(
    record,
    places.map(({ source, place }) => ({ name: source.name, directory: place })),
  );
}

/** The entries of a root, a chunk of the manifest at a time: thousands of promises would cost more than the planning. */
async function* entriesOf(
  vault: Vault,
  record: BackupRecord,
  root: string,
  index: ChunkIndex,
  damaged?: DamagedContent,
): AsyncGenerator<Iterable<EntryView>> {
  for (const { chunks, firstPaths } of record.manifest.filter((segment) => segment.root === root)) {
    for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
      const id = chunks.subarray(at, at + CHUNK_ID_BYTES);
      if (damaged?.isListDamaged(id) === true) continue;
      try {
        yield viewsIn(await vault.reader.readChunk(id, index));
      } catch (error) {
        if (!isDamage(error)) throw error;
        throw damagedList(record, firstPaths[at / CHUNK_ID_BYTES] ?? root, error);
      }
    }
  }
}

async function* without(
  isLeftOut: (path: string) => boolean,
  entries: AsyncIterable<Iterable<PlannedEntry>>,
): AsyncGenerator<Iterable<PlannedEntry>> {
  for await (const part of entries) yield [...part].filter(({ path }) => !isLeftOut(path));
}

/** Entries with the folders around them that a lost part of the list may have named. */
async function* withFolders(
  entries: AsyncIterable<Iterable<PlannedEntry>>,
  root: string,
  { createdAt }: BackupRecord,
): AsyncGenerator<Iterable<PlannedEntry>> {
  const mtimeNs = BigInt(Date.parse(createdAt)) * 1_000_000n;
  const guessed = { type: 'directory', size: 0, mode: 0o755, mtimeNs, ctimeNs: 0n, inode: 0n } as const;
  const known = new Set<string>();
  for await (const part of entries) {
    const all: PlannedEntry[] = [];
    for (const entry of part) {
      for (let slash = root.length; slash >= 0; slash = entry.path.indexOf('/', slash + 1)) {
        const path = entry.path.slice(0, slash);
        if (path === entry.path || known.has(path)) continue;
        known.add(path);
        all.push({ ...guessed, path, chunks: Buffer.alloc(0), target: undefined, isGuessed: true });
      }
      if (entry.type === 'directory') known.add(entry.path);
      all.push(entry);
    }
    yield all;
  }
}

function damagedList({ id }: BackupRecord, first: string, cause: unknown): VaultError {
  return new VaultError(
    'damaged',
    `Backup ${id.slice(0, 8)} cannot be restored: its list of files is damaged from ${first} on.`,
    { cause, hint: DAMAGE_HINT },
  );
}

function placeOf(source: RecordedSource, { set, to }: Pick<PlanRequest, 'set' | 'to'>): string {
  if (to !== undefined) return join(to, 'files', source.name);
  return set?.roots.find(({ name }) => name === source.name)?.directory ?? source.directory;
}

/** The rules of a backed-up root. What the backup itself had trouble to read is no more in it than what they exclude. */
function safeFilter(source: RecordedSource, root: string, problems: readonly Problem[]): PathFilter {
  const filter = createFilter(source.include, source.exclude);
  const unread = problems.filter(({ incomplete, path }) => incomplete && isWithin(path, root));
  if (unread.length === 0) return filter;
  return {
    enters: (directory) => filter.enters(directory),
    includes: (path, isDirectory) =>
      filter.includes(path, isDirectory) &&
      !unread.some((problem) => isWithin(`${root}/${path}`, problem.path)),
  };
}

function mustBeName(root: string): void {
  const fault = checkRestorePath(root, process.platform);
  if (fault === undefined && root.split('/').length === 2) return;
  throw new RestoreError('hostile-path', `The backup holds a root that must not be restored, ${root}.`, {
    hint: 'Nothing was changed. This is not a backup CRM Backup makes: find out where it comes from.',
  });
}

function mustBeFound(paths: readonly SelectedPath[], found: ReadonlySet<string>, record: BackupRecord): void {
  for (const { path } of paths) {
    const isAbove = path === 'files' || path === '' || path === 'databases' || path.startsWith('databases/');
    if (isAbove || found.has(path)) continue;
    throw new RestoreError('not-in-backup', `Backup ${record.id.slice(0, 8)} has no ${path}.`, {
      hint: 'Paths begin with files/ and the name of a root; “crm-backup ls” shows them.',
    });
  }
}
