import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { isClaimed } from './claim.ts';
import { readHeader, restoresFolder, type ReadHeader } from './journal.ts';
import type { JournalHeader, JournalPhase } from './journal-entries.ts';

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

const HALF_WAY: ReadonlySet<JournalPhase> = new Set([
  'switching',
  'loading',
  'rolling-back',
  'keeping',
] as const);
/** Those that wait for somebody to end them. */
export const UNENDED: ReadonlySet<JournalPhase> = new Set([...HALF_WAY, 'clearing'] as const);

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
  return journalsIn(all)
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
  return journalsIn(all)
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
  return journalsIn(all).flatMap((name) => {
    const journal = join(all, name);
    const found = readOrNothing(journal);
    const over = found && HALF_WAY.has(found.phase) ? found.header.over : undefined;
    return over === undefined ? [] : [{ over, journal, isAtWork: isClaimed(journal) }];
  });
}

/** Names of the folders that journals stand in. */
export function journalsIn(folder: string): string[] {
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
function readOrNothing(directory: string): ReadHeader | undefined {
  try {
    return readHeader(directory);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}
