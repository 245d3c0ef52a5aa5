import { systemCode } from '../errors.ts';
import type { Problem } from '../problem.ts';

/** A problem before it is known which entry of the backup has it. */
export type Trouble = Omit<Problem, 'path'>;

/** The entry was deleted while the backup ran: nothing is missing, for it is not there any more. */
export const VANISHED: Trouble = {
  code: 'vanished',
  message: 'It was deleted while the backup ran.',
  incomplete: false,
};

/** A socket, pipe or device: it has no content to keep. */
export const SPECIAL_FILE: Trouble = {
  code: 'special-file',
  message: 'It is a socket, a pipe or a device, which has no content to back up.',
  incomplete: false,
};

/** A file that did not hold still in any of the attempts to read it. */
export const CHANGED_WHILE_READING: Trouble = {
  code: 'changed-while-reading',
  message: 'It changed every time it was read, so what was kept may mix old and new content.',
  incomplete: true,
};

/** A file that was listed and then was something else when it was to be read. */
export const REPLACED: Trouble = {
  code: 'changed-while-reading',
  message: 'It was a file and became something else before it was read, so it is not in this backup.',
  incomplete: true,
};

/**
 * What an error of the file system means for the entry that was looked at or read. Errors without a system code
 * are bugs and are thrown again.
 */
export function troubleOf(error: unknown): Trouble {
  const code = systemCode(error);
  if (code === undefined) throw error;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return VANISHED;
    case 'EACCES':
    case 'EPERM':
      return {
        code: 'permission-denied',
        message: 'The system denied permission to read it.',
        incomplete: true,
      };
    // A link, a directory, a pipe and a socket answer so when they are opened and read as a file.
    case 'ELOOP':
    case 'EISDIR':
    case 'ESPIPE':
    case 'ENXIO':
      return REPLACED;
    case 'ENAMETOOLONG':
      return {
        code: 'unsupported-name',
        message: 'Its path is longer than the system can open.',
        incomplete: true,
      };
    case 'EILSEQ':
      return {
        code: 'unsupported-name',
        message: 'The file system does not understand the characters of its name.',
        incomplete: true,
      };
    case 'EBUSY':
    case 'ETXTBSY':
      return unreadable(`Another program keeps it locked (${code}).`);
    case 'ESTALE':
      return unreadable('Its server does not know it any more (ESTALE).');
    case 'EIO':
      return unreadable('The disk could not read it (EIO).');
    default:
      return unreadable(`The system could not read it (${code}).`);
  }
}

function unreadable(message: string): Trouble {
  return { code: 'unreadable', message, incomplete: true };
}
