import * as vscode from 'vscode';
import type { ObjectChange } from '../../core/compare/objects.ts';
import type { TableSummary } from '../../core/compare/rows.ts';
import { CancelledError } from '../../core/errors.ts';
import { latestOf } from '../../core/latest.ts';
import type { Problem } from '../../core/problem.ts';
import type { BackupSummary, EntryChange, InSet } from '../../engine/protocol.ts';
import type { Engine } from '../engine.ts';
import { entryOfFile } from '../files/on-disk.ts';
import type { FoundSet, Sets } from '../sets.ts';
import type { Works } from '../works.ts';
import { withChangesAt, withProblemsAt } from './patch.ts';

/** Saving comes in bursts. */
const CALM_MS = 400;
/** A look at everything takes so small a part of the time at most, however large the workspace is. */
const PART_OF_TIME = 20;
const LEAST_PAUSE_MS = 2_000;

/** What is known of how a set's workspace differs from its newest backup. */
export interface Working {
  readonly from: BackupSummary;
  /** Files and links; undefined before the first look, or when it failed. */
  readonly files: readonly EntryChange[] | undefined;
  /** What could not be read when files were looked at: it counts as unchanged. */
  readonly problems: readonly Problem[];
  /** Tables with other rows; undefined until somebody asked. */
  readonly tables: readonly TableSummary[] | undefined;
  /** What else of databases differs: views, triggers, routines … */
  readonly objects: readonly ObjectChange[];
  /** Why databases could not be compared when somebody asked, a sentence each. */
  readonly unread: readonly string[];
}

/** What is known of databases once somebody has asked. */
type Databases = Pick<Working, 'objects' | 'unread'> & { readonly tables: readonly TableSummary[] };

const UNASKED = { tables: undefined, objects: [], unread: [] } as const;

interface Watched {
  working: Working;
  /** The backup that was taken last; after a safety backup, a restore has changed what there is. */
  takenLast: string | undefined;
  /** Whether something may have changed since the last look; entries to look at, or everything. */
  stale: Set<string> | 'all' | undefined;
  /** When everything may be looked at again. */
  notBefore: number;
  running: vscode.CancellationTokenSource | undefined;
}

/**
 * Compares the workspace with the newest backup of each set for as long as somebody looks: after saving, when the window
 * gets the focus, and when there is a new backup. It gives way to all work the user waits for.
 */
export class WorkingChanges implements vscode.Disposable {
  readonly #sets: Sets;
  readonly #engine: Engine;
  readonly #works: Works;
  readonly #watched = new Map<string, Watched>();
  readonly #changed = new vscode.EventEmitter<InSet>();
  readonly #subscriptions: vscode.Disposable;
  /** Which sets somebody looks at, told by their newest backup. */
  readonly #watchers = new Set<(from: BackupSummary) => boolean>();
  #timer: NodeJS.Timeout | undefined;

  /** What is known of a set is different now. */
  readonly onDidChange = this.#changed.event;

  constructor(sets: Sets, engine: Engine, works: Works) {
    this.#sets = sets;
    this.#engine = engine;
    this.#works = works;
    const all = (): void => this.#expect('all');
    const each = (uris: readonly vscode.Uri[]): void => uris.forEach((uri) => this.#expect(uri));
    this.#subscriptions = vscode.Disposable.from(
      sets.onDidChange(() => this.#takeSets()),
      works.onDidChange(() => this.#giveWay()),
      vscode.workspace.onDidSaveTextDocument(({ uri }) => this.#expect(uri)),
      vscode.workspace.onDidCreateFiles(({ files }) => each(files)),
      vscode.workspace.onDidDeleteFiles(({ files }) => each(files)),
      vscode.workspace.onDidRenameFiles(({ files }) =>
        each(files.flatMap(({ oldUri, newUri }) => [oldUri, newUri])),
      ),
      vscode.window.onDidChangeWindowState(({ focused }) => {
        if (focused) all();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#takeSets()),
    );
  }

  /** What is known of a set; undefined where there is nothing to compare with, or in Restricted Mode. */
  of(target: InSet): Working | undefined {
    return this.#watched.get(keyOf(target))?.working;
  }

  /** Keeps looking, until the result is disposed of, at the sets whose newest backup qualifies. */
  watch(qualifies: (from: BackupSummary) => boolean = () => true): vscode.Disposable {
    const watcher = (from: BackupSummary): boolean => qualifies(from);
    this.#watchers.add(watcher);
    this.#schedule();
    return new vscode.Disposable(() => void this.#watchers.delete(watcher));
  }

  /** Compares the databases of a set as they are now. Throws what comparing throws, and when none can be compared. */
  async compareDatabases(target: InSet, token?: vscode.CancellationToken): Promise<Databases> {
    const key = keyOf(target);
    const from = this.#watched.get(key)?.working.from;
    if (from === undefined) return { ...UNASKED, tables: [] };
    const { workspace, set } = target;
    const input = { workspace, set, from: from.id, to: null };
    const { tables, objects, problems } = await this.#engine.call('tables', input, { token });
    const unread = problems.map(({ message }) => message);
    const databases = this.#sets.find(target)?.state.databases.length ?? 0;
    const isNoneCompared = unread.length > 0 && unread.length >= databases;
    if (isNoneCompared && tables.length + objects.length === 0) throw new Error(unread.join(' '));
    const watched = this.#watched.get(key);
    if (watched?.working.from === from) {
      watched.working = { ...watched.working, tables, objects, unread };
      this.#changed.fire(target);
    }
    return { tables, objects, unread };
  }

  /** Has databases compared again when they are looked at the next time, and files at once. */
  forget(): void {
    for (const watched of this.#watched.values()) {
      watched.stale = 'all';
      watched.notBefore = 0;
      if (watched.working.tables !== undefined) watched.working = { ...watched.working, ...UNASKED };
    }
    for (const { workspace, set } of this.#sets.all()) this.#changed.fire({ workspace, set });
    this.#schedule();
  }

  /** Looks at what changed since; for tests and for whoever cannot wait. */
  async refresh(target: InSet): Promise<Working | undefined> {
    this.#takeSets();
    const found = this.#sets.find(target);
    const watched = this.#watched.get(keyOf(target));
    if (found !== undefined && watched !== undefined) {
      watched.stale = 'all';
      await this.#look(found, watched);
    }
    return this.of(target);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#subscriptions.dispose();
    for (const { running } of this.#watched.values()) running?.cancel();
    this.#watched.clear();
    this.#changed.dispose();
  }

  /** Sets have come or gone, or have a newer backup. */
  #takeSets(): void {
    const wanted = new Map(
      (vscode.workspace.isTrusted ? this.#sets.all() : []).flatMap((found) => {
        const { backups, problem } = found.state;
        const from = latestOf(backups);
        if (from === undefined || problem !== undefined) return [];
        return [[keyOf(found), { from, takenLast: backups[0]?.id }] as const];
      }),
    );
    for (const [key, { running }] of this.#watched) {
      if (wanted.has(key)) continue;
      running?.cancel();
      this.#watched.delete(key);
    }
    for (const [key, { from, takenLast }] of wanted) {
      const known = this.#watched.get(key);
      if (known?.working.from.id === from.id && known.takenLast === takenLast) continue;
      known?.running?.cancel();
      const working = { from, files: undefined, problems: [], ...UNASKED };
      this.#watched.set(key, { working, takenLast, stale: 'all', notBefore: 0, running: undefined });
    }
    this.#schedule();
  }

  /** Everything may have changed, or one file has. */
  #expect(what: vscode.Uri | 'all'): void {
    if (what !== 'all' && what.scheme !== 'file') return;
    for (const found of this.#sets.all()) {
      const watched = this.#watched.get(keyOf(found));
      if (watched === undefined) continue;
      const entry = what === 'all' ? 'all' : entryOfFile(found.state.roots, what.fsPath);
      if (entry === undefined) continue;
      if (entry === 'all' || watched.working.files === undefined) watched.stale = 'all';
      else if (watched.stale !== 'all') watched.stale = new Set([...(watched.stale ?? []), entry]);
    }
    this.#schedule();
  }

  #giveWay(): void {
    if (this.#works.current === undefined) this.#schedule();
    else for (const { running } of this.#watched.values()) running?.cancel();
  }

  /** Looks as soon as a set may be looked at. Of one that is being looked at now, the end of that calls this again. */
  #schedule(): void {
    clearTimeout(this.#timer);
    const waiting = [...this.#watched.values()].filter((one) => this.#isWaiting(one));
    if (waiting.length === 0) return;
    const delayMs = Math.min(...waiting.map(pauseMs));
    this.#timer = setTimeout(() => void this.#lookAtAll(), Math.max(CALM_MS, delayMs));
  }

  #isWaiting(watched: Watched): boolean {
    return watched.stale !== undefined && watched.running === undefined && this.#isWanted(watched);
  }

  #isWanted({ working }: Watched): boolean {
    return [...this.#watchers].some((qualifies) => qualifies(working.from));
  }

  async #lookAtAll(): Promise<void> {
    for (const found of this.#sets.all()) {
      const watched = this.#watched.get(keyOf(found));
      if (watched === undefined || !this.#isWaiting(watched) || pauseMs(watched) > 0) continue;
      if (this.#works.current !== undefined) return;
      await this.#look(found, watched);
    }
    this.#schedule();
  }

  async #look({ workspace, set }: FoundSet, watched: Watched): Promise<void> {
    const cancellation = new vscode.CancellationTokenSource();
    const { stale } = watched;
    const { from, files, problems } = watched.working;
    watched.running = cancellation;
    watched.stale = undefined;
    const paths = stale === 'all' || stale === undefined || files === undefined ? [] : [...stale];
    const startMs = Date.now();
    try {
      const input = { workspace, set, backup: from.id, paths, probe: false };
      const seen = await this.#engine.call('workingChanges', input, { token: cancellation.token });
      const found = {
        files: withChangesAt(files ?? [], paths, seen.changes),
        problems: withProblemsAt(problems, paths, seen.problems),
      };
      if (JSON.stringify(found) === JSON.stringify({ files, problems })) return;
      watched.working = { ...watched.working, ...found };
      if (this.#watched.get(keyOf({ workspace, set })) === watched) this.#changed.fire({ workspace, set });
    } catch (error) {
      // What was cancelled is looked at later; what failed, when something changes again.
      if (error instanceof CancelledError) watched.stale = 'all';
    } finally {
      watched.running = undefined;
      cancellation.dispose();
      const tookMs = Date.now() - startMs;
      if (paths.length === 0)
        watched.notBefore = Date.now() + Math.max(LEAST_PAUSE_MS, tookMs * PART_OF_TIME);
      // Something may have been saved meanwhile.
      this.#schedule();
    }
  }
}

/** How long a set is left alone for now. */
function pauseMs({ stale, notBefore }: Watched): number {
  return stale === 'all' ? Math.max(0, notBefore - Date.now()) : 0;
}

function keyOf({ workspace, set }: InSet): string {
  return `${workspace}\n${set}`;
}
