import type { Command } from '../measure.ts';

/** A backup tool under measurement. Every file in this folder makes one. */
export interface Tool {
  /** The heading of its column. */
  readonly name: string;
  /** Whether a restore brings modification times back to the nanosecond. */
  readonly keepsTimes: boolean;
  /** Whether it can add a second backup to its repository; an archiver writes everything anew. */
  readonly keepsHistory: boolean;
  /** How it was set up, for the reader of the table. */
  readonly setup: string;
  /** Its version, or undefined when it is not installed. */
  version(): Promise<string | undefined>;
  /** Makes an empty repository for `tree` below `directory`, an existing empty one. Not measured. */
  open(tree: string, directory: string): Promise<Repository>;
}

/** A repository of one tool, made for one round. */
export interface Repository {
  /** The first backup of the tree. */
  readonly first: Command;
  /** A later backup that may rely on the earlier ones. Asked only of a tool that keeps history. */
  again(): Command;
  /** Brings the latest backup back below `target`, an existing empty directory. */
  restore(target: string): Command;
  /** Where the tree's own content stands below `target` after a restore. */
  restoredRoot(target: string): string;
  /** The directory that holds everything stored. */
  readonly stored: string;
}
