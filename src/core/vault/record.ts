import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { MoreProblems, Problem } from '../problem.ts';
import type { Storage } from '../storage/storage.ts';
import { VaultError } from './error.ts';
import type { ManifestSegment } from './manifest.ts';
import { open, seal, type VaultKeys } from './seal.ts';

/** What was read, and what the backup is told against. */
export type BackupKind = 'full' | 'incremental' | 'differential';

/** A backup whose problems made it incomplete is `partial`. */
export type BackupStatus = 'complete' | 'partial';

/** Entries by what became of them since the backup it is told against. */
export interface ChangeCounts {
  readonly total: number;
  readonly added: number;
  readonly modified: number;
  readonly deleted: number;
  readonly unchanged: number;
}

/** Sizes in bytes: what the entries hold, what was read of it, what the vault did not have, what it took on disk. */
export interface BackupBytes {
  readonly source: number;
  readonly read: number;
  readonly new: number;
  readonly stored: number;
}

/** A source as it was when it was backed up. */
export interface RecordedSource {
  readonly type: 'files' | 'database';
  /** The root's or database's name. */
  readonly name: string;
  /** Absolute directory of a file root; empty for a database. */
  readonly directory: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly entries: number;
  readonly bytes: number;
}

/** What the user's own git said of the workspace. */
export interface GitState {
  readonly commit: string;
  readonly branch: string | undefined;
  readonly dirty: boolean;
}

/** What a backup's record holds: the commit point of a backup. */
export interface RecordContent {
  readonly format: 1;
  readonly set: string;
  readonly kind: BackupKind;
  /** Id of the backup it is told against. */
  readonly base: string | undefined;
  /** When reading began, ISO 8601 UTC. */
  readonly createdAt: string;
  readonly durationMs: number;
  readonly status: BackupStatus;
  readonly label: string | undefined;
  readonly pinned: boolean;
  /** Taken by itself before something dangerous. */
  readonly safety: boolean;
  readonly sources: readonly RecordedSource[];
  readonly files: ChangeCounts;
  readonly tables: ChangeCounts;
  readonly bytes: BackupBytes;
  /** Milliseconds by phase. */
  readonly phases: Readonly<Record<string, number>>;
  readonly problems: readonly Problem[];
  /** Those of the same kinds that are only counted. */
  readonly moreProblems?: MoreProblems | undefined;
  readonly git: GitState | undefined;
  readonly manifest: readonly ManifestSegment[];
}

/** A backup as it is known: its record, its id, and what was noted on it since. */
export interface BackupRecord extends RecordContent {
  /** SHA-256 of the sealed record, 64 hex digits. */
  readonly id: string;
  /** When every byte of it was last found right, ISO 8601 UTC; undefined where damage was found since. */
  readonly verifiedAt: string | undefined;
  /** When content of it was found damaged, ISO 8601 UTC; undefined where it was found right since. */
  readonly damagedAt?: string | undefined;
  /** How many of its paths have lost content, as verify or repair has found. */
  readonly lostPaths?: number | undefined;
}

/** A segment as JSON holds it: chunk ids in base64. */
type WrittenSegment = Omit<ManifestSegment, 'chunks'> & { readonly chunks: string };

/** A record as JSON holds it. */
export type WrittenRecord = Omit<RecordContent, 'manifest'> & {
  readonly manifest: readonly WrittenSegment[];
};

const NOWHERE = Buffer.alloc(0);
const MOST_RECORD_BYTES = 256 * 1024 * 1024;

/** Seals a record; its id is the SHA-256 of the sealed bytes. */
export function encodeRecord(keys: VaultKeys, content: RecordContent): { id: string; bytes: Buffer } {
  const json = Buffer.from(JSON.stringify(written(content)));
  const bytes = seal(keys, 'record', NOWHERE, zstdCompressSync(json));
  return { id: createHash('sha256').update(bytes).digest('hex'), bytes };
}

/**
 * Reads a record. The bytes it takes itself are counted into `bytes.stored`.
 * @throws {VaultError} `damaged`, or `newer-format` when a later version wrote it.
 */
export function decodeRecord(keys: VaultKeys, id: string, sealed: Buffer): BackupRecord {
  if (createHash('sha256').update(sealed).digest('hex') !== id) {
    throw new VaultError(
      'damaged',
      `The record of backup ${id.slice(0, 8)} is damaged: its content has changed.`,
    );
  }
  const found = parseRecord(id, open(keys, 'record', NOWHERE, sealed));
  if ((found.format as number) !== 1) {
    throw new VaultError(
      'newer-format',
      `Backup ${id.slice(0, 8)} was written by a newer version of CRM Backup.`,
      {
        hint: 'Update CRM Backup to read it.',
      },
    );
  }
  return fromWritten(id, found, sealed.length);
}

function parseRecord(id: string, coded: Buffer): WrittenRecord {
  try {
    const json = zstdDecompressSync(coded, { maxOutputLength: MOST_RECORD_BYTES });
    return JSON.parse(json.toString()) as WrittenRecord;
  } catch (error) {
    throw new VaultError('damaged', `The record of backup ${id.slice(0, 8)} cannot be read.`, {
      cause: error,
    });
  }
}

function written(content: RecordContent): WrittenRecord {
  return {
    ...content,
    manifest: content.manifest.map((segment) => ({ ...segment, chunks: segment.chunks.toString('base64') })),
  };
}

/** A record for {@link fromWritten}, when its object has so many bytes. Without what was noted on it since. */
export function toWritten(record: BackupRecord, objectBytes: number): WrittenRecord {
  const {
    id: _id,
    verifiedAt: _verifiedAt,
    damagedAt: _damagedAt,
    lostPaths: _lostPaths,
    ...content
  } = record;
  const { bytes } = content;
  return written({ ...content, bytes: { ...bytes, stored: bytes.stored - objectBytes } });
}

/** A record from what its JSON holds, and how many bytes its object has. */
export function fromWritten(id: string, content: WrittenRecord, objectBytes: number): BackupRecord {
  return {
    ...content,
    base: content.base,
    label: content.label,
    git: content.git,
    bytes: { ...content.bytes, stored: content.bytes.stored + objectBytes },
    manifest: content.manifest.map((segment) => ({
      ...segment,
      chunks: Buffer.from(segment.chunks, 'base64'),
    })),
    id,
    verifiedAt: undefined,
  };
}

/** The object name of a backup's record. */
export function recordName(id: string): string {
  return `backups/${id}`;
}

/** Where the record of a forgotten backup waits for prune; until then it can be taken back. */
export function forgottenName(id: string): string {
  return `forgotten/${id}`;
}

/** A record's object in the storage. */
export interface ListedRecord {
  readonly id: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** The records in a folder, `backups` or `forgotten`. */
export async function listRecords(
  storage: Storage,
  folder: 'backups' | 'forgotten',
): Promise<ListedRecord[]> {
  const listed: ListedRecord[] = [];
  for (const { name, bytes, modifiedMs } of await storage.list(folder)) {
    const id = name.slice(folder.length + 1);
    if (/^[0-9a-f]{64}$/.test(id)) listed.push({ id, bytes, modifiedMs });
  }
  return listed;
}

/** Ids of the records in a folder, `backups` or `forgotten`. */
export async function listRecordIds(storage: Storage, folder: 'backups' | 'forgotten'): Promise<string[]> {
  return (await listRecords(storage, folder)).map(({ id }) => id);
}
