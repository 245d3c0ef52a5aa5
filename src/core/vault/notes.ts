import { createHash } from 'node:crypto';
import type { Storage } from '../storage/storage.ts';
import type { PackNote } from './bad-frames.ts';
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
  /** When a verification found content of it damaged; null when that is mended. Of this and `verifiedAt` the later holds. */
  readonly damagedAt?: string | null;
  /** How many paths have lost content; 0 when all is there again. */
  readonly lostPaths?: number;
}

/** All that is noted on one backup. */
export interface Noted {
  label?: string | null;
  pinned?: boolean;
  verifiedAt?: string;
  damagedAt?: string;
  lostPaths?: number;
}

const NOWHERE = Buffer.alloc(0);

/** Notes as one sealed object, named `notes/<sha-256>`. */
export function encodeNotes(
  keys: VaultKeys,
  notes: readonly (Note | PackNote)[],
): { name: string; bytes: Buffer } {
  const bytes = seal(keys, 'note', NOWHERE, Buffer.from(JSON.stringify(notes)));
  return { name: nameOf(bytes), bytes };
}

/** Everything noted, and where. */
export interface NoteListing {
  readonly notes: Note[];
  /** Notes on packs. */
  readonly packs: PackNote[];
  /** Names of the objects the notes stand in. */
  readonly objects: string[];
  /** Names of objects that cannot be read. */
  readonly damaged: string[];
}

/** Reads all notes. Damaged ones are passed over and named. */
export async function readNotes(storage: Storage, keys: VaultKeys): Promise<NoteListing> {
  for (;;) {
    const listing = await readListed(storage, keys);
    // One that vanished was folded into another, which may not have been listed yet.
    if (listing !== undefined) return listing;
  }
}

async function readListed(storage: Storage, keys: VaultKeys): Promise<NoteListing | undefined> {
  const listing: NoteListing = { notes: [], packs: [], objects: [], damaged: [] };
  for (const { name } of await storage.list('notes')) {
    let bytes: Buffer;
    try {
      bytes = await storage.read(name);
    } catch (error) {
      if ((await storage.size(name)) === undefined) return undefined;
      throw error;
    }
    try {
      if (nameOf(bytes) !== name) throw new VaultError('damaged', `${name} has another content.`);
      const notes = JSON.parse(open(keys, 'note', NOWHERE, bytes).toString()) as (Note | PackNote)[];
      for (const note of notes) {
        if ('backup' in note) listing.notes.push(note);
        else if ('badFrames' in note) listing.packs.push(note);
      }
      listing.objects.push(name);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      listing.damaged.push(name);
    }
  }
  return listing;
}

function nameOf(bytes: Buffer): string {
  return `notes/${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Folds notes into what holds now for each backup. */
export function foldNotes(notes: readonly Note[]): Map<string, Noted> {
  const folded = new Map<string, Noted>();
  for (const { backup, label, pinned, verifiedAt, damagedAt, lostPaths } of notes.toSorted(byTime)) {
    const noted = folded.get(backup) ?? {};
    if (label !== undefined) noted.label = label;
    if (pinned !== undefined) noted.pinned = pinned;
    if (verifiedAt !== undefined) noted.verifiedAt = verifiedAt;
    if (damagedAt === null) delete noted.damagedAt;
    else if (damagedAt !== undefined) noted.damagedAt = damagedAt;
    if (lostPaths !== undefined) noted.lostPaths = lostPaths;
    folded.set(backup, noted);
  }
  for (const noted of folded.values()) {
    const { verifiedAt = '', damagedAt } = noted;
    if (damagedAt === undefined) continue;
    if (verifiedAt > damagedAt) delete noted.damagedAt;
    else delete noted.verifiedAt;
  }
  return folded;
}

/** Notes without those that later ones have overtaken. */
export function latestNotes(notes: readonly Note[]): Note[] {
  const latest = new Map<string, Note>();
  for (const note of notes.toSorted(byTime)) {
    for (const key of ['label', 'pinned', 'verifiedAt', 'damagedAt', 'lostPaths'] as const) {
      if (note[key] === undefined) continue;
      latest.set(`${note.backup} ${key}`, { backup: note.backup, at: note.at, [key]: note[key] });
    }
  }
  const together = new Map<string, Note>();
  for (const note of latest.values()) {
    const key = `${note.backup} ${note.at}`;
    together.set(key, { ...together.get(key), ...note });
  }
  return [...together.values()];
}

function byTime(a: Note, b: Note): number {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}
