import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { isAlive } from '../vault/lock.ts';
import type { JournalDatabase } from './database-targets.ts';
import type { RestoreDisk } from './disk.ts';
import type { Marks } from './root-plan.ts';

/**
 * How far a restore has come. `planned`: nothing but staging directories was made. `switching`: the moves are on the
 * disk and some may be done; it is finished. `rolling-back`: what was done is undone. `switched`: all is done but the
 * clearing up. `keeping`: the user has ended it with what is live.
 */
export type JournalPhase = 'planned' | 'switching' | 'rolling-back' | 'rolled-back' | 'switched' | 'keeping';

/** A folder that a restore changes. */
export interface JournalRoot {
  /** Absolute, without links. */
  readonly directory: string;
  /** Directories that had to be made to have it, outermost first, but for those an earlier root has made. */
  readonly made: readonly string[];
  /** Its mode and time before; undefined when it was made. */
  readonly before: Marks | undefined;
}

export interface JournalHeader {
  readonly version: 1;
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly set: string;
  /** Id of the backup that is restored. */
  readonly backup: string;
  readonly roots: readonly JournalRoot[];
  /** Databases that are restored with them. */
  readonly databases?: readonly JournalDatabase[];
  /** The names of what it changes; see `overLive`. */
  readonly over?: readonly string[] | undefined;
  /** Whether it is a drill’s: nothing live is part of it, so what it has made may wait to be cleared away. */
  readonly isDrill?: boolean | undefined;
}

/** A restore that was interrupted in the middle of its switch. */
export interface InterruptedRestore extends JournalHeader {
  /** The directory of its journal. */
  readonly journal: string;
}

/** A restore in the middle of its switch. */
export interface HalfWay {
  /** See {@link JournalHeader.over}. */
  readonly over: readonly string[];
  /** Whether somebody brings it to its end now: who began it, or who has taken it over. */
  readonly isAtWork: boolean;
}

/** Puts what is staged under `number` to `path`; what stands there is kept under that number. */
export interface PlaceMove {
  readonly op: 'place';
  readonly type: 'file' | 'directory' | 'link';
  readonly root: number;
  readonly number: number;
  readonly path: string;
}

/** Moves what stands at `path` away, to be kept under `number`. */
export interface RemoveMove {
  readonly op: 'remove';
  readonly root: number;
  readonly number: number;
  readonly path: string;
}

export type Move = PlaceMove | RemoveMove;

/** Gives a file or directory its marks after the moves or, on the way back, those it had before. */
export interface Remark {
  readonly op: 'mark';
  readonly root: number;
  readonly path: string;
  readonly type: 'file' | 'directory';
  /** Undefined where nothing stood. */
  readonly before: Marks | undefined;
  /** Undefined to leave it as the moves leave it; without a time, its time is left so. */
  readonly after: { readonly mode: number; readonly mtimeNs?: bigint | undefined } | undefined;
  /** Whether the directory must first be made writable. */
  readonly unlock: boolean;
}

/** All that a switch does, in order. */
export interface Switch {
  readonly moves: readonly Move[];
  /** Deepest first. */
  readonly marks: readonly Remark[];
}

const HEADER = 'journal.jsonl';
const SWITCH = 'moves.jsonl';
const CLAIM = 'claim';
const HALF_WAY: ReadonlySet<JournalPhase> = new Set(['switching', 'rolling-back', 'keeping'] as const);
const PRIVATE_DIRECTORY = 0o700;

/** Ids of restores this process is working on. */
const active = new Set<string>();

/** The record of one restore on the disk of the user's own data, so that it can be finished whatever happens. */
export class Journal implements Disposable {
  readonly directory: string;
  readonly header: JournalHeader;
  readonly #disk: RestoreDisk;
  readonly #isTakenOver: boolean;
  #phase: JournalPhase;

  private constructor(
    disk: RestoreDisk,
    directory: string,
    header: JournalHeader,
    phase: JournalPhase,
    isTakenOver = false,
  ) {
    this.#isTakenOver = isTakenOver;
    this.#disk = disk;
    this.directory = directory;
    this.header = header;
    this.#phase = phase;
    active.add(header.id);
  }

  /** Begins a journal; nothing else may have been changed before. */
  static create(
    disk: RestoreDisk,
    home: string,
    content: Pick<JournalHeader, 'set' | 'backup' | 'roots' | 'databases' | 'over' | 'isDrill'>,
    id = newRestoreId(),
  ): Journal {
    const all = restoresFolder(home);
    mkdirSync(all, { recursive: true, mode: PRIVATE_DIRECTORY });
    const header: JournalHeader = {
      version: 1,
      id,
      host: hostname(),
      pid: process.pid,
      startedAt: new Date().toISOString(),
      ...content,
    };
    const directory = join(all, id);
    const journal = new Journal(disk, directory, header, 'planned');
    try {
      disk.makeDirectory(directory, PRIVATE_DIRECTORY);
      disk.writeText(join(directory, HEADER), line(header), 'create');
    } catch (error) {
      journal[Symbol.dispose]();
      throw error;
    }
    return journal;
  }

  /**
   * Takes over the journal of a restore that died; undefined when its process lives, when another one is just taking
   * it over, or when it had not begun.
   */
  static takeOver(disk: RestoreDisk, directory: string): Journal | undefined {
    const found = readHeader(directory);
    if (found === undefined || !isAbandoned(found.header) || !claim(directory, found.header.id))
      return undefined;
    // Read again: another process may have finished it before the claim.
    const now = readHeader(directory);
    return now && new Journal(disk, directory, now.header, now.phase, true);
  }

  get phase(): JournalPhase {
    return this.#phase;
  }

  /** Writes down everything the switch is going to do. From then on it is either finished or rolled back. */
  async beginSwitch(all: Switch): Promise<void> {
    const text = [...all.moves, ...all.marks].map(line).join('');
    const path = join(this.directory, SWITCH);
    this.#disk.writeText(path, text, 'create');
    await this.#disk.flushAll([this.directory, dirname(this.directory)], this.directory);
    this.enter('switching');
  }

  /** Notes that the next phase begins. */
  enter(phase: JournalPhase): void {
    this.#disk.writeText(join(this.directory, HEADER), line({ phase }), 'append');
    this.#phase = phase;
  }

  /** What the switch does; as long as it has not begun, nothing but giving the roots back their marks. */
  readSwitch(): Switch {
    if (this.#phase === 'planned') return { moves: [], marks: this.header.roots.flatMap(markBefore) };
    const moves: Move[] = [];
    const marks: Remark[] = [];
    for (const one of readLines(join(this.directory, SWITCH)) as (Move | Remark)[]) {
      if (one.op === 'mark') marks.push(one);
      else moves.push(one);
    }
    return { moves, marks };
  }

  /** Ends the journal: nothing is left to be done. */
  remove(): void {
    this.#disk.removeFile(join(this.directory, HEADER));
    // The claim, and stand-ins that carried times.
    rmSync(this.directory, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    // Where it could not be ended, others may try.
    if (this.#isTakenOver) rmSync(join(this.directory, CLAIM), { force: true });
    active.delete(this.header.id);
  }
}

function markBefore({ before }: JournalRoot, root: number): Remark[] {
  const common = { op: 'mark', path: '', type: 'directory', after: undefined, unlock: false } as const;
  return before === undefined ? [] : [{ ...common, root, before }];
}

/** A fresh id of a restore. */
export function newRestoreId(): string {
  return randomBytes(6).toString('hex');
}

/** Where journals are kept. */
export function restoresFolder(home: string): string {
  return join(home, 'restores');
}

/** Whether nobody works any more on the restore whose journal this is; undefined when there is none. */
export function isAbandonedJournal(directory: string): boolean | undefined {
  const found = readHeader(directory);
  return found && isAbandoned(found.header);
}

/**
 * The restores whose process is gone in the middle of the switch or of the way back, oldest first; those of drills, which
 * touch nothing live, are not among them. Nothing is changed.
 * @param home the folder with all the tool keeps for its user
 */
export function interruptedRestores(home: string): InterruptedRestore[] {
  const all = restoresFolder(home);
  return namesIn(all)
    .flatMap((name) => {
      const found = readHeader(join(all, name));
      const isHalfWay = found !== undefined && HALF_WAY.has(found.phase);
      if (!isHalfWay || found.header.isDrill === true || !isAbandoned(found.header)) return [];
      return [{ ...found.header, journal: join(all, name) }];
    })
    .sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

/**
 * The restores that stand in the middle of their switch or of the way back.
 * @param home the folder with all the tool keeps for its user
 */
export function restoresHalfWay(home: string): HalfWay[] {
  const all = restoresFolder(home);
  return namesIn(all).flatMap((name) => {
    const directory = join(all, name);
    const found = readHeader(directory);
    if (found?.header.over === undefined || !HALF_WAY.has(found.phase)) return [];
    const { over, id } = found.header;
    return [{ over, isAtWork: !isAbandoned(found.header) || isClaimed(directory, id) }];
  });
}

/** Names of the folders that journals stand in. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((item) => item.isDirectory())
      .map((item) => item.name);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** What a journal says at its beginning; undefined when there is none. */
export function headerOf(directory: string): JournalHeader | undefined {
  return readHeader(directory)?.header;
}

/** Whether a restore has come so far that files or databases may be others than before. */
export function hasBegunToSwitch(directory: string): boolean {
  return (readHeader(directory)?.phase ?? 'planned') !== 'planned';
}

/** Removes a journal that had not begun: nothing can have been changed before its first line. */
export function removeUnbegun(directory: string): void {
  if (readHeader(directory) === undefined) rmSync(directory, { recursive: true, force: true });
}

function isAbandoned({ host, pid, id }: JournalHeader): boolean {
  if (host !== hostname()) return false;
  return pid === process.pid ? !active.has(id) : !isAlive(pid);
}

/** Makes sure that one process alone takes over. A claim of a dead process counts for nothing. */
function claim(directory: string, id: string): boolean {
  const path = join(directory, CLAIM);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    if (isClaimed(directory, id)) return false;
    rmSync(path, { force: true });
  }
  return false;
}

function isClaimed(directory: string, id: string): boolean {
  const pid = Number(readText(join(directory, CLAIM)) ?? 0);
  return pid === process.pid ? active.has(id) : pid > 0 && isAlive(pid);
}

function readHeader(directory: string): { header: JournalHeader; phase: JournalPhase } | undefined {
  const [header, ...phases] = readLines(join(directory, HEADER)) as [
    JournalHeader | undefined,
    ...{ phase: JournalPhase }[],
  ];
  if (header?.version !== 1) return undefined;
  return { header, phase: phases.at(-1)?.phase ?? 'planned' };
}

/** The lines of a file; one that was cut off in the middle and all after it do not count. */
function readLines(path: string): unknown[] {
  const values: unknown[] = [];
  const lines = (readText(path) ?? '').split('\n');
  // What stands after the last line break was cut off.
  for (const text of lines.slice(0, -1)) {
    try {
      values.push(JSON.parse(text, reviveTime));
    } catch {
      break;
    }
  }
  return values;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function line(value: unknown): string {
  return `${JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one))}\n`;
}

function reviveTime(key: string, value: unknown): unknown {
  return key === 'mtimeNs' && typeof value === 'string' ? BigInt(value) : value;
}
