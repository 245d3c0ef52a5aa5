import { createHash } from 'node:crypto';
import type { Storage } from '../storage/storage.ts';
import { VaultError } from './error.ts';
import { open, seal, type VaultKeys } from './seal.ts';

/** What is said of a backup after it was taken: records never change, so it is written beside them. */
export interface Note {
  readonly backup: string;
  /** ISO 8601 UTC; of two notes on the same thing the later holds. */
  readonly at: string;
  /** null takes a label away. */
  readonly label?: string | null;
  readonly pinned?: boolean;
  readonly verifiedAt?: string;
}

/** All that is noted on one backup. */
export interface Noted {
  label?: string | null;
  pinned?: boolean;
  verifiedAt?: string;
}

const NOWHERE = Buffer.alloc(0);

/** Writes notes as one sealed object, `notes/<sha-256>`; returns its name. */
export async function writeNotes(storage: Storage, keys: VaultKeys, notes: readonly Note[]): Promise<string> {
  const bytes = seal(keys, 'note', NOWHERE, Buffer.from(JSON.stringify(notes)));
  const name = `notes/${createHash('sha256').update(bytes).digest('hex')}`;
  await storage.write(name, [bytes]);
  return name;
}

/** Everything noted, by backup, and the objects it stands in. Damaged notes are passed over and named. */
export async function readNotes(
  storage: Storage,
  keys: VaultKeys,
): Promise<{ notes: Note[]; objects: string[]; damaged: string[] }> {
  const objects: string[] = [];
  const damaged: string[] = [];
  const notes: Note[] = [];
  for (const { name } of await storage.list('notes')) {
    try {
      notes.push(...(JSON.parse(open(keys, 'note', NOWHERE, await storage.read(name)).toString()) as Note[]));
      objects.push(name);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      damaged.push(name);
    }
  }
  return { notes, objects, damaged };
}

/** Folds notes into what holds now for each backup. */
export function foldNotes(notes: readonly Note[]): Map<string, Noted> {
  const folded = new Map<string, Noted>();
  const inOrder = [...notes].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  for (const { backup, label, pinned, verifiedAt } of inOrder) {
    const noted = folded.get(backup) ?? {};
    if (label !== undefined) noted.label = label;
    if (pinned !== undefined) noted.pinned = pinned;
    if (verifiedAt !== undefined) noted.verifiedAt = verifiedAt;
    folded.set(backup, noted);
  }
  return folded;
}
