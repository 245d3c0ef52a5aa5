/** What an entry of a backup is. `table` and `object` belong to databases. */
export type EntryType = 'file' | 'directory' | 'link' | 'table' | 'object';

/** One file, directory, link or table of a backup, as its manifest lists it. */
export interface Entry {
  /**
   * Path in the backup with `/` between names: `files/<root>/…` or `databases/<name>/…`.
   * A byte that is not UTF-8 stands as U+DC80…U+DCFF (see `source/name.ts`).
   */
  readonly path: string;
  readonly type: EntryType;
  /** Bytes of content; 0 for a directory, the length of the target for a link. */
  readonly size: number;
  /** Permission bits (0o7777). */
  readonly mode: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Only to notice changes on the machine that took the backup; 0 where unknown. */
  readonly ctimeNs: bigint;
  /** Only to notice changes on the machine that took the backup; 0 where unknown. */
  readonly inode: bigint;
  /** Ids of the content's chunks in order, 32 bytes each. */
  readonly chunks: Buffer;
  /** Where a link points, spelled like a path. */
  readonly target?: string | undefined;
  /** More about a table or an object, as JSON. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}
