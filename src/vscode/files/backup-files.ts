import * as vscode from 'vscode';
import type { EntryInfo, OfEntry } from '../../engine/protocol.ts';
import { codeOf } from '../error.ts';
import type { Engine } from '../engine.ts';
import type { Sets } from '../sets.ts';
import { type BackupAddress, toAddress } from './backup-uri.ts';

/** Listings kept; what is in a backup never changes. */
const MOST_LISTINGS = 200;

/** Backups as a read-only file system: `crm-backup:/<set>/<backup>/files/<root>/…`. */
export class BackupFiles implements vscode.FileSystemProvider, vscode.Disposable {
  readonly #engine: Engine;
  readonly #sets: Sets;
  readonly #listings = new Map<string, Promise<readonly EntryInfo[]>>();
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;

  constructor(engine: Engine, sets: Sets) {
    this.#engine = engine;
    this.#sets = sets;
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const address = toAddress(uri);
    if (address === undefined || isTop(address)) return directoryStat();
    const entry = await this.#find(uri, await this.#locate(uri, address));
    return {
      type: fileType(entry),
      ctime: entry.mtimeMs,
      mtime: entry.mtimeMs,
      size: entry.size,
      permissions: vscode.FilePermission.Readonly,
    };
  }

  async readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    const address = toAddress(uri);
    if (address === undefined) return this.#above(uri);
    const entries = await this.#list(uri, await this.#locate(uri, address));
    if (address.path === '') {
      const tops = new Set(entries.map((entry) => entry.path.split('/', 1)[0]!));
      return [...tops].map((name) => [name, vscode.FileType.Directory]);
    }
    const depth = address.path.length + 1;
    return entries.map((entry) => [entry.path.slice(depth), fileType(entry)]);
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const address = toAddress(uri);
    if (address === undefined || isTop(address)) throw vscode.FileSystemError.FileIsADirectory(uri);
    return this.#orError(uri, this.#engine.call('read', await this.#locate(uri, address)));
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  /** Has what is in backups asked for again: they may be in another place. */
  forget(): void {
    this.#listings.clear();
  }

  dispose(): void {
    this.#changed.dispose();
    this.#listings.clear();
  }

  /** Sets, or the backups of one. */
  async #above(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    await this.#sets.load();
    const [set] = uri.path.split('/').filter((part) => part !== '');
    const names =
      set === undefined
        ? this.#sets.all().map((found) => found.set)
        : this.#sets
            .all()
            .filter((found) => found.set === set)
            .flatMap(({ state }) => state.backups.map(({ id }) => id));
    return [...new Set(names)].map((name) => [name, vscode.FileType.Directory]);
  }

  /** Finds the workspace folder whose set holds the backup. */
  async #locate(uri: vscode.Uri, { set, backup, path }: BackupAddress): Promise<OfEntry> {
    await this.#sets.load();
    const candidates = this.#sets.all().filter((found) => found.set === set);
    const holds = candidates.find(({ state }) => state.backups.some(({ id }) => id.startsWith(backup)));
    const found = holds ?? candidates[0];
    if (found === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return { workspace: found.workspace, set, backup, path };
  }

  async #find(uri: vscode.Uri, target: OfEntry): Promise<EntryInfo> {
    const parent = target.path.slice(0, Math.max(0, target.path.lastIndexOf('/')));
    const entries = await this.#list(uri, { ...target, path: parent });
    const entry = entries.find(({ path }) => path === target.path);
    if (entry === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return entry;
  }

  async #list(uri: vscode.Uri, target: OfEntry): Promise<readonly EntryInfo[]> {
    const key = [target.workspace, target.backup, target.path].join('\n');
    const known = this.#listings.get(key);
    if (known !== undefined) return this.#orError(uri, known);
    const listing = this.#engine.call('list', target);
    this.#listings.set(key, listing);
    const [oldest] = this.#listings.keys();
    if (this.#listings.size > MOST_LISTINGS && oldest !== undefined) this.#listings.delete(oldest);
    try {
      return await this.#orError(uri, listing);
    } catch (error) {
      this.#listings.delete(key);
      throw error;
    }
  }

  /** Turns what the engine says into what VS Code's file service understands. */
  async #orError<T>(uri: vscode.Uri, result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'unknown-entry' || code === 'unknown-backup' || code === 'no-vault')
        throw vscode.FileSystemError.FileNotFound(uri);
      throw vscode.FileSystemError.Unavailable(error instanceof Error ? error.message : uri);
    }
  }
}

/** A backup itself, or the folder of all its files or databases. */
function isTop({ path }: BackupAddress): boolean {
  return path === '' || path === 'files' || path === 'databases';
}

function directoryStat(): vscode.FileStat {
  return {
    type: vscode.FileType.Directory,
    ctime: 0,
    mtime: 0,
    size: 0,
    permissions: vscode.FilePermission.Readonly,
  };
}

/** A link is shown as a file that holds where it points: following it would leave the backup. */
function fileType({ type }: EntryInfo): vscode.FileType {
  return type === 'directory' ? vscode.FileType.Directory : vscode.FileType.File;
}
