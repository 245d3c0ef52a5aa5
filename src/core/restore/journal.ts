import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { namesIn } from '../names-in.ts';
import { type Claim, claim } from './claim.ts';
import type { RestoreDisk } from './disk.ts';
import { RestoreError } from './error.ts';
import type {
  JournalHeader,
  JournalPhase,
  JournalRoot,
  Move,
  Remark,
  Switch,
  UndoNote,
} from './journal-entries.ts';
import type { StagedRoot } from './stamp.ts';

const HEADER = 'journal.jsonl';
const SWITCH = 'moves.jsonl';
const UNDO = /^last-[0-9a-f]+\.json$/;
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
    // The last of them tell that none is missing.
    const text = [...all.moves, ...all.marks, ...all.staged].map(line).join('');
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

  /**
   * What the switch does; as long as it has not begun, nothing but giving the roots back their marks.
   * @param isAll false to have what can be read of it where it is damaged
   * @throws {RestoreError} `unfinished-restore` when it is damaged
   */
  readSwitch(isAll = true): Switch & { readonly isDamaged: boolean } {
    const { roots, id } = this.header;
    if (this.phase === 'planned')
      return { moves: [], marks: roots.flatMap(markBefore), staged: [], isDamaged: false };
    const moves: Move[] = [];
    const marks: Remark[] = [];
    const staged: StagedRoot[] = [];
    const path = join(this.directory, SWITCH);
    let isDamaged = false;
    for (const one of linesOf(path).map(valueOf) as (Move | Remark | StagedRoot | undefined)[]) {
      if (one === undefined) isDamaged = true;
      else if (one.op === 'mark') marks.push(one);
      else if (one.op === 'staged') staged.push(one);
      else moves.push(one);
    }
    isDamaged ||= staged.length < roots.length;
    // They were all on the disk before this phase: to do a part of them would lose what the others have kept.
    if (isDamaged && isAll) throw damagedMoves(path, id);
    return { moves, marks, staged, isDamaged };
  }

  /**
   * Puts what an undo of this restore needs in the place of what was kept of the one before, which it follows; again it
   * does nothing.
   * @param isKept False where the restore was not done as a whole: then there is nothing that could be taken back.
   */
  settleUndo(isKept: boolean): void {
    for (const name of namesIn(this.directory).filter((each) => UNDO.test(each))) {
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

function damagedMoves(path: string, id: string): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `${path} is damaged, so an interrupted restore cannot be ended.`,
    {
      hint: `Nothing is lost: what it has moved away stays where it is. “crm-backup interrupted ${id} --keep” ends it with what is there now, and keeps that.`,
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

/** What a journal says of its restore. */
export interface ReadHeader {
  readonly header: JournalHeader;
  readonly phases: readonly JournalPhase[];
  /** The last one. */
  readonly phase: JournalPhase;
}

/** What the journal in a directory says; undefined when there is none. */
export function readHeader(directory: string): ReadHeader | undefined {
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
