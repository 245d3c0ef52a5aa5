import { encodeName, hasEscapes } from '../source/name.ts';
import { windowsNameFault } from './windows-name.ts';

/** Why a path of a backup cannot be written on this system. */
export interface PathFault {
  /**
   * True for a path no backup of ours holds, which leads elsewhere than it seems to: something is wrong with the
   * whole backup. False for an honest name that only this system cannot keep.
   */
  readonly hostile: boolean;
  /** One sentence; the path itself is not in it. */
  readonly message: string;
}

/**
 * Checks a path from a manifest before anything is written to it: relative, `/` between names, each name one that
 * stays where it is put on the given platform. What the path passes through on the disk, a link above all, is to be
 * checked there. Returns undefined when nothing is wrong.
 */
export function checkRestorePath(path: string, platform: NodeJS.Platform): PathFault | undefined {
  if (path === '') return hostile('The path is empty.');
  if (path.startsWith('/')) return hostile('The path is absolute.');
  if (path.includes('\0')) return hostile('The path holds a zero byte.');
  if (platform === 'win32') {
    if (path.includes('\\')) return hostile('On Windows the path leads elsewhere: it holds a backslash.');
    if (path.includes(':'))
      return hostile('On Windows the path names a drive or a data stream: it holds a colon.');
  }
  for (const name of path.split('/')) {
    if (name === '..') return hostile('The path leads out of its folder: it holds “..”.');
    if (name === '' || name === '.') return hostile('The path holds an empty name.');
    const message = platform === 'win32' ? windowsNameFault(name) : longNameFault(name);
    if (message !== undefined) return { hostile: false, message };
  }
  if ((platform === 'win32' || platform === 'darwin') && hasEscapes(path)) {
    return { hostile: false, message: 'The name is not UTF-8, which this system cannot keep.' };
  }
  return undefined;
}

function hostile(message: string): PathFault {
  return { hostile: true, message };
}

function longNameFault(name: string): string | undefined {
  // No name is longer in bytes than three times its length: most need not be counted.
  if (name.length <= 85 || encodeName(name).length <= 255) return undefined;
  return 'The name is longer than the 255 bytes this system allows.';
}
