import { oneSpelling } from './real-folder.ts';
import type { BackupRecord } from './vault/record.ts';

/** A root that is somewhere else than where a backup was taken of it. */
export interface MovedRoot {
  readonly name: string;
  /** The directory that the backup is of. */
  readonly from: string;
  /** The directory it is now. */
  readonly to: string;
}

/** Which roots are somewhere else than those of the same names were when a backup was taken. */
export function movedRoots(
  { sources }: Pick<BackupRecord, 'sources'>,
  roots: readonly { readonly name: string; readonly directory: string }[],
): MovedRoot[] {
  const files = sources.filter(({ type }) => type === 'files');
  return roots.flatMap(({ name, directory: to }) => {
    const from = files.find((source) => source.name === name)?.directory;
    return from === undefined || oneSpelling(from) === oneSpelling(to) ? [] : [{ name, from, to }];
  });
}
