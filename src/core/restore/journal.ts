import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { type Claim, claim, isClaimed } from './claim.ts';
import type { JournalDatabase } from './database-targets.ts';
import type { RestoreDisk } from './disk.ts';
import { RestoreError } from './error.ts';
import type { Marks } from './root-plan.ts';
import type { Stamp, StagedRoot } from './stamp.ts';

/**
 * How far a restore has come. `planned`: nothing but staging directories was made. `switching`: the moves are on the
 * disk and some may be done; databases are untouched. `loading`: files are in place, and databases are switched.
 * `rolling-back`: what was done is undone. `switched`: all is done but the clearing up. `keeping`: the user has ended it
 * with what is live. `clearing`: it is ended, and only what stands beside a database could not be removed yet. `kept`: as
 * `keeping`, and only a folder that is away has still to be cleared up.
 */
export type JournalPhase =
  | 'planned'
  | 'switching'
  | 'loading'
  | 'rolling-back'
  | 'rolled-back'
  | 'switched'
  | 'keeping'
  | 'clearing'
  | 'kept';

/** A folder that a restore changes. */
export interface JournalRoot {
  /** Absolute, without links. */
  readonly directory: string;
  /** Directories that had to be made to have it, outermost first, but for those an earlier root has made. */
  readonly made: readonly string[];
  /** Its mode and time before; undefined when it was made. */
  readonly before: Marks | undefined;
  /** Undefined when it was made. */
  readonly inode?: string | undefined;
}

export interface JournalHeader {
  readonly version: 1;
  readonly id: string;
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
  readonly phase: JournalPhase;
  /** The directory of its journal. */
  readonly journal: string;
}

/** A restore in the middle of its switch. */
export interface HalfWay {
  /** The directory of its journal. */
  readonly journal: string;
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
  /** Of what is staged. */
  readonly fresh: Stamp;
  /** Of what stands there; undefined for nothing. */
  readonly before?: Stamp | undefined;
}

/** Moves what stands at `path` away, to be kept under `number`. */
export interface RemoveMove {
  readonly op: 'remove';
  readonly root: number;
  readonly number: number;
  readonly path: string;
  readonly before: Stamp;
}

export type Move = PlaceMove | RemoveMove;

/** A move before what it places is staged. */
export type PlannedMove = Omit<PlaceMove, 'fresh'> | RemoveMove;

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
  /** Of a file, before. */
  readonly stamp?: Stamp | undefined;
}

/** All that a switch does, in order. */
export interface Switch {
  readonly moves: readonly Move[];
  /** Deepest first. */
  readonly marks: readonly Remark[];
  readonly staged: readonly StagedRoot[];
}

/** What is kept of a restore so that it can be taken back: a file beside the journals, once the restore is done. */
export interface UndoNote {
  /** Of the file. */
  readonly name: string;
  /** Empty when it cannot be taken back. */
  readonly text: string;
}

const HEADER = 'journal.jsonl';
const SWITCH = 'moves.jsonl';
const UNDO = /^last-[0-9a-f]+\.json$/;
const HALF_WAY: ReadonlySet<JournalPhase> = new Set([
  'switching',
  'loading',
  'rolling-back',
  'keeping',
] as const);
/** Those that wait for somebody to end them. */
export const UNENDED: ReadonlySet<JournalPhase> = new Set([...HALF_WAY, 'clearing'] as const);
const PRIVATE_DIRECTORY = 0o700;

/**
 * The record of one restore on the disk of the user's own data, so that it can be finished whatever happens. Whoever has
 * it open works on that restore; to dispose of it leaves the restore to others.
 */
export class Journal implements Disposable {
  readonly directory: string;
  readonly header: JournalHeader;
  readonly #disk: RestoreDisk;
  readonly #claim: Claim;
  readonly #phases: JournalPhase[];

  private constructor(
    disk: RestoreDisk,
    held: Claim,
    header: JournalHeader,
    phases: readonly JournalPhase[],
  ) {
    this.#disk = disk;
    this.#claim = held;
    this.directory = held.directory;
    this.header = header;
    this.#phases = [...phases];
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
      startedAt: new Date().toISOString(),
      ...content,
    };
    const held = claim(join(all, id));
    if (held === undefined) throw new TypeError('A restore that has just been given its id is worked on.');
    const journal = new Journal(disk, held, header, []);
    try {
      disk.makeDirectory(journal.directory, PRIVATE_DIRECTORY);
      disk.writeText(join(journal.directory, HEADER), line(header), 'create');
    } catch (error) {
      journal[Symbol.dispose]();
      throw error;
    }
    return journal;
  }

  /**
   * Takes over the journal of a restore that was left; undefined when somebody works on it, or when there is none. One
   * that had not begun is removed: nothing can have been changed before its first line.
   */
  static takeOver(disk: RestoreDisk, directory: string): Journal | undefined {
    const held = claim(directory);
    if (held === undefined) return undefined;
    let found: ReturnType<typeof readHeader>;
    try {
      found = readHeader(directory);
      if (found !== undefined) return new Journal(disk, held, found.header, found.phases);
      rmSync(directory, { recursive: true, force: true });
      return undefined;
    } finally {
      if (found === undefined) held[Symbol.dispose]();
    }
  }

  get phase(): JournalPhase {
    return this.#phases.at(-1) ?? 'planned';
  }

  /** Whether it has come to a phase, and perhaps further. */
  hasBeen(phase: JournalPhase): boolean {
    return this.#phases.includes(phase);
  }

  /**
   * Writes down everything the switch is going to do. From then on it is either finished or rolled back.
   * @param undo see {@link settleUndo}
   */
  async beginSwitch(all: Switch, undo?: UndoNote): Promise<void> {
    if (undo !== undefined) this.#disk.writeText(join(this.directory, undo.name), undo.text, 'create');
    const text = [...all.staged, ...all.moves, ...all.marks].map(line).join('');
    const path = join(this.directory, SWITCH);
    this.#disk.writeText(path, text, 'create');
    await this.#disk.flushAll([this.directory, dirname(this.directory)], this.directory);
    this.enter('switching');
  }

  /** Notes that the next phase begins. */
  enter(phase: JournalPhase): void {
    // A line of before may have been cut off, by a full disk.
    this.#disk.writeText(join(this.directory, HEADER), `\n${line({ phase })}`, 'append');
    this.#phases.push(phase);
  }

  /** What the switch does; as long as it has not begun, nothing but giving the roots back their marks. */
  readSwitch(): Switch {
    if (this.phase === 'planned')
      return { moves: [], marks: this.header.roots.flatMap(markBefore), staged: [] };
    const moves: Move[] = [];
    const marks: Remark[] = [];
    const staged: StagedRoot[] = [];
    const path = join(this.directory, SWITCH);
    for (const one of linesOf(path).map(valueOf) as (Move | Remark | StagedRoot | undefined)[]) {
      // They were all on the disk before this phase: to do a part of them would lose what the others have kept.
      if (one === undefined) throw damagedMoves(path);
      if (one.op === 'mark') marks.push(one);
      else if (one.op === 'staged') staged.push(one);
      else moves.push(one);
    }
    return { moves, marks, staged };
  }

  /**
   * Puts what an undo of this restore needs in the place of what was kept of the one before, which it follows; again it
   * does nothing.
   * @param isKept False where the restore was not done as a whole: then there is nothing that could be taken back.
   */
  settleUndo(isKept: boolean): void {
    for (const name of filesIn(this.directory).filter((each) => UNDO.test(each))) {
      const note = join(this.directory, name);
      const place = join(dirname(this.directory), name);
      if (isKept && statSync(note).size > 0) {
        this.#disk.rename(note, place);
        continue;
      }
      rmSync(place, { force: true });
      this.#disk.removeFile(note);
    }
  }

  /** Ends the journal: nothing is left to be done. */
  remove(): void {
    this.#disk.removeFile(join(this.directory, HEADER));
    // The moves, and stand-ins that carried times.
    rmSync(this.directory, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    this.#claim[Symbol.dispose]();
  }
}

function damagedMoves(path: string): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `${path} is damaged, so an interrupted restore cannot be ended.`,
    {
      hint: 'Nothing is lost: what it has moved away stays where it is.',
    },
  );
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

/** What a journal tells of its restore. `unreadable`: it is another user's, or its disk fails. */
export function stateOf(directory: string): 'none' | 'at-work' | 'abandoned' | 'unreadable' {
  try {
    if (readHeader(directory) === undefined) return 'none';
    return isClaimed(directory) ? 'at-work' : 'abandoned';
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return 'unreadable';
  }
}

/** The directories of journals that cannot be read. */
export function unreadableJournals(home: string): string[] {
  const all = restoresFolder(home);
  return namesIn(all)
    .map((name) => join(all, name))
    .filter((directory) => stateOf(directory) === 'unreadable');
}

/**
 * The restores that nobody works on and that stand in the middle of the switch or of the way back, oldest first; those of
 * drills, which touch nothing live, are not among them, nor those whose journals cannot be read. Nothing is changed.
 * @param home the folder with all the tool keeps for its user
 * @param phases which else than those in the middle of the switch
 */
export function interruptedRestores(
  home: string,
  phases: ReadonlySet<JournalPhase> = HALF_WAY,
): InterruptedRestore[] {
  const all = restoresFolder(home);
  return namesIn(all)
    .flatMap((name) => {
      const journal = join(all, name);
      const found = readOrNothing(journal);
      const isMeant = found !== undefined && phases.has(found.phase) && found.header.isDrill !== true;
      return isMeant && !isClaimed(journal) ? [{ ...found.header, phase: found.phase, journal }] : [];
    })
    .sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

/**
 * The restores that stand in the middle of their switch or of the way back, as far as their journals can be read.
 * @param home the folder with all the tool keeps for its user
 */
export function restoresHalfWay(home: string): HalfWay[] {
  const all = restoresFolder(home);
  return namesIn(all).flatMap((name) => {
    const journal = join(all, name);
    const found = readOrNothing(journal);
    const over = found && HALF_WAY.has(found.phase) ? found.header.over : undefined;
    return over === undefined ? [] : [{ over, journal, isAtWork: isClaimed(journal) }];
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

/** What a journal says; one that cannot be read says nothing. */
function readOrNothing(directory: string): Read | undefined {
  try {
    return readHeader(directory);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

interface Read {
  readonly header: JournalHeader;
  readonly phases: readonly JournalPhase[];
  /** The last one. */
  readonly phase: JournalPhase;
}

function readHeader(directory: string): Read | undefined {
  const [header, ...lines] = linesOf(join(directory, HEADER)).map(valueOf) as [
    JournalHeader | undefined,
    ...({ phase: JournalPhase } | undefined)[],
  ];
  if (header?.version !== 1) return undefined;
  // Those that were cut off do not count.
  const phases = lines.flatMap((one) => one?.phase ?? []);
  return { header, phases, phase: phases.at(-1) ?? 'planned' };
}

/** The lines of a file; what stands after the last line break was cut off. */
function linesOf(path: string): string[] {
  return (readText(path) ?? '').split('\n').slice(0, -1);
}

/** The value of a line; undefined where it was cut off in the middle. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text, reviveTime);
  } catch {
    return undefined;
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
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
