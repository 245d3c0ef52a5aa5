import * as vscode from 'vscode';
import type { BackupSummary, InSet, OfBackup, SetState, ToldSet } from '../engine/protocol.ts';
import type { Engine } from './engine.ts';
import { codeOf } from './error.ts';

/** Where a workspace keeps its sets. */
export const SET_FILE = '.vscode/crm-backup.json';

/** What is known of the sets of one workspace folder. */
export type FolderState =
  | { readonly status: 'ready'; readonly sets: readonly SetState[] }
  | { readonly status: 'failed'; readonly error: unknown };

/** A set and the folder it belongs to. */
export interface FoundSet extends InSet {
  readonly folder: vscode.WorkspaceFolder;
  readonly state: SetState;
}

/** The sets of all workspace folders, as the engine last told them. */
export class Sets implements vscode.Disposable {
  readonly #engine: Engine;
  readonly #states = new Map<string, FolderState>();
  /** The revision of each set of a folder, as the engine named it. */
  readonly #revisions = new Map<string, Readonly<Record<string, string>>>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #answered = new vscode.EventEmitter<void>();
  #loading: Promise<void> | undefined;
  #asked = 0;
  #content = '';

  /** Something may be different now. */
  readonly onDidChange = this.#changed.event;
  /** The engine has told how things are, whether or not anything is different. */
  readonly onDidAnswer = this.#answered.event;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** True once the engine has been asked. */
  get known(): boolean {
    return this.#states.size > 0;
  }

  /** Asks the engine unless it has been asked before. */
  async load(): Promise<void> {
    if (!this.known) await this.refresh();
  }

  /** Asks the engine again; calls that come meanwhile share one more round. */
  async refresh(): Promise<void> {
    this.#asked++;
    if (this.#loading !== undefined) return this.#loading;
    this.#loading = this.#rounds();
    try {
      await this.#loading;
    } finally {
      this.#loading = undefined;
    }
  }

  async #rounds(): Promise<void> {
    for (let answered = 0; answered !== this.#asked;) {
      answered = this.#asked;
      const folders = localFolders();
      const states = await Promise.all(folders.map((folder) => this.#ask(folder)));
      const entries = folders.map(({ uri }, at) => [uri.fsPath, states[at]!] as const);
      const content = JSON.stringify([entries, [...this.#revisions]], withoutBackups);
      // A tree that is drawn anew under the pointer is a nuisance.
      if (content !== this.#content) {
        this.#content = content;
        this.#states.clear();
        for (const [folder, state] of entries) this.#states.set(folder, state);
        this.#changed.fire();
      }
      this.#answered.fire();
    }
  }

  async #ask(folder: vscode.WorkspaceFolder): Promise<FolderState> {
    const workspace = folder.uri.fsPath;
    const before = this.of(folder);
    const earlier = before?.status === 'ready' ? before.sets : [];
    // What is not kept any more must be told again.
    const known = earlier.length === 0 ? undefined : this.#revisions.get(workspace);
    try {
      const { sets } = await this.#engine.ask('state', { workspace, known });
      this.#revisions.set(workspace, Object.fromEntries(sets.map(({ name, revision }) => [name, revision])));
      return { status: 'ready', sets: sets.map((told) => merged(earlier, told)) };
    } catch (error) {
      // That the engine does not run says nothing of what there is.
      return before?.status === 'ready' && codeOf(error) === 'stopped' ? before : { status: 'failed', error };
    }
  }

  /** What is known of a folder; undefined before it was asked for. */
  of(folder: vscode.WorkspaceFolder): FolderState | undefined {
    return this.#states.get(folder.uri.fsPath);
  }

  /** Every set, in the order of folders and of their set files. */
  all(): FoundSet[] {
    return localFolders().flatMap((folder) => {
      const state = this.of(folder);
      if (state?.status !== 'ready') return [];
      return state.sets.map((set) => ({ workspace: folder.uri.fsPath, set: set.name, folder, state: set }));
    });
  }

  /** One set, if it is still there. */
  find({ workspace, set }: InSet): FoundSet | undefined {
    return this.all().find((found) => found.workspace === workspace && found.set === set);
  }

  /** One backup, if it is still there. */
  findBackup(target: OfBackup): BackupSummary | undefined {
    return this.find(target)?.state.backups.find(({ id }) => id === target.backup);
  }

  dispose(): void {
    this.#changed.dispose();
    this.#answered.dispose();
  }
}

/** A set as it is now, from what was known and what is different; what did not change is the same object as before. */
function merged(earlier: readonly SetState[], { revision: _revision, removed, ...told }: ToldSet): SetState {
  const known = earlier.find(({ name }) => name === told.name)?.backups;
  if (known === undefined) return told;
  if (removed === undefined) return { ...told, backups: told.backups.map(sameObjects(known)) };
  if (removed.length === 0 && told.backups.length === 0) return { ...told, backups: known };
  const replaced = new Set([...removed, ...told.backups.map(({ id }) => id)]);
  const kept = known.filter(({ id }) => !replaced.has(id));
  return { ...told, backups: [...told.backups, ...kept].sort(newestFirst) };
}

/** For each backup the object it had before, unless it is different. */
function sameObjects(known: readonly BackupSummary[]): (summary: BackupSummary) => BackupSummary {
  const byId = new Map(known.map((summary) => [summary.id, summary]));
  return (summary) => {
    const before = byId.get(summary.id);
    return before !== undefined && JSON.stringify(before) === JSON.stringify(summary) ? before : summary;
  };
}

function newestFirst(a: BackupSummary, b: BackupSummary): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

/** Of thousands of backups the revision tells; errors keep what they say where JSON does not see it. */
function withoutBackups(key: string, value: unknown): unknown {
  if (key === 'backups') return undefined;
  return value instanceof Error ? [value.name, value.message] : value;
}

/** The workspace folders that are on this machine's disk. */
export function localFolders(): readonly vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
}
