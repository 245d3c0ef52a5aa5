import { CrmBackupError } from '../errors.ts';

/** An object as a listing shows it. */
export interface StoredObject {
  /** Full name in the vault, `packs/ab/ab12….pack`. */
  readonly name: string;
  readonly bytes: number;
  /** When it was last written, milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** A part of an object. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Where a vault's bytes live. Names are relative, of `[a-z0-9.-]` and `/`. Every storage passes the conformance
 * suite in `test/build/storage-conformance.ts`.
 */
export interface Storage {
  /** How messages name this storage: a path or a remote's address, without secrets. */
  readonly location: string;

  /** All objects below a folder, in no order; none when the folder is missing. Unfinished writes are not listed. */
  list(folder: string): Promise<StoredObject[]>;

  /**
   * An object's bytes, or a part of them.
   * @throws {StorageError} `missing` when there is none; `truncated` when the range reaches past its end.
   */
  read(name: string, range?: ByteRange): Promise<Buffer>;

  /** An object's size in bytes, or undefined when it is missing. */
  size(name: string): Promise<number | undefined>;

  /**
   * Writes an object whole or not at all, replacing one of that name; when it returns the bytes are durable.
   * @throws {StorageError} `no-space`, `permission`, `unreachable`; the object is then as it was before.
   */
  write(name: string, parts: readonly Uint8Array[]): Promise<void>;

  /** Writes an object unless one of that name exists; false when it does. Exactly one of two callers gets true. */
  create(name: string, bytes: Uint8Array): Promise<boolean>;

  /** Removes an object, durably and after what was removed before; a missing one is no error. */
  remove(name: string): Promise<void>;

  /** Removes what interrupted writes have left, if it is older than `ageMs`. */
  sweep(ageMs: number): Promise<void>;
}

export type StorageErrorCode =
  'missing' | 'truncated' | 'no-space' | 'permission' | 'unreachable' | 'storage-failed';

/** A storage could not do what it was asked to. */
export class StorageError extends CrmBackupError<StorageErrorCode> {}
