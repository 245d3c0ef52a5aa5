import type { Command } from '../measure.ts';

/** A backup tool under measurement. Every file in this folder makes one. */
export interface Tool {
  /** The heading of its column. */
  readonly name: string;
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
  /** A later backup that may rely on the earlier ones; undefined when the tool knows no such thing. */
  again(): Command | undefined;
  /** Brings the latest backup back below `target`, an existing empty directory. */
  restore(target: string): Command;
  /** Where the tree's own content stands below `target` after a restore. */
  restoredRoot(target: string): string;
  /** The directory that holds everything stored. */
  readonly stored: string;
}
