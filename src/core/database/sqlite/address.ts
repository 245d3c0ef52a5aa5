import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { DatabaseAddress } from '../engine.ts';
import { oneSpelling } from '../../real-folder.ts';
import { DatabaseError } from '../error.ts';

/**
 * The absolute file of `sqlite:FILE`, relative to the workspace or below `~`.
 * @throws {DatabaseError} `invalid-address`.
 */
export function sqliteFile({
  name,
  url,
  workspace,
}: Pick<DatabaseAddress, 'name' | 'url' | 'workspace'>): string {
  return absolute(url.replace(/^sqlite:(?:\/\/(?=\/))?/i, ''), name, workspace);
}

/** The absolute file a restore goes to instead, relative to the workspace like the address’s own. */
export function targetFile(target: string, { name, workspace }: DatabaseAddress): string {
  return absolute(target.replace(/^sqlite:(?:\/\/(?=\/))?/i, ''), name, workspace);
}

/** See `DatabaseEngine.liveName`. */
export function liveName(address: DatabaseAddress, target: string | undefined): string {
  return oneSpelling(target === undefined ? sqliteFile(address) : targetFile(target, address));
}

function absolute(written: string, name: string, workspace: string): string {
  if (written === '' || written.includes('\0') || written.startsWith(':')) {
    throw new DatabaseError('invalid-address', `The address of database “${name}” names no file.`, {
      hint: 'Write its “url” as “sqlite:FILE”.',
    });
  }
  const [, below] = /^~(?:\/(.*))?$/s.exec(written) ?? [];
  return written === '~' || below !== undefined
    ? resolve(homedir(), below ?? '')
    : resolve(workspace, written);
}
