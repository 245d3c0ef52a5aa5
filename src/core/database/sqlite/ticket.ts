import { basename, dirname, join } from 'node:path';
import type { RestoreTicket } from '../engine.ts';

/**
 * How the new database comes to its place. `create`: nothing stands there. `content`: the live file takes it over in a
 * transaction of its own, so that whoever has it open reads on. `tables`: the same with single tables. `file`: what
 * stands there is damaged, so the file itself is replaced.
 */
export type Way = 'create' | 'content' | 'tables' | 'file';

/** What a restore must know to be carried on by whoever finds it. */
export interface SqliteTicket {
  readonly file: string;
  /** Folder beside the file, or beside its first folder that has to be made, for what is built and what is kept. */
  readonly folder: string;
  /** Folders to be made for the file, outermost first. They may come with other files meanwhile. */
  readonly made: readonly string[];
  readonly way: Way;
  readonly mode: number;
  /** Names of single tables. */
  readonly tables: readonly string[];
}

/** Files in the folder beside the live one. At any moment only one of the first three exists. */
export function placesOf({ folder }: SqliteTicket): Record<'fresh' | 'applying' | 'applied' | 'old', string> {
  return {
    fresh: join(folder, 'new.sqlite'),
    applying: join(folder, 'applying.sqlite'),
    applied: join(folder, 'applied.sqlite'),
    old: join(folder, 'old.sqlite'),
  };
}

/** A ticket is our own, but it comes from a file. */
export function readTicket(ticket: RestoreTicket): SqliteTicket {
  const { file, folder, made, way, mode, tables } = ticket as unknown as SqliteTicket;
  const isBeside = `${dirname(file)}/`.startsWith(dirname(folder));
  if (!basename(folder).startsWith('.crm-backup-database-') || !isBeside) {
    throw new RangeError('this ticket is not of a restore to a SQLite database');
  }
  return { file, folder, made, way, mode, tables };
}
