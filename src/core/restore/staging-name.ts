const PREFIX = '.crm-backup-restore-';
const KEPT_PREFIX = `${PREFIX}kept-`;

/**
 * The directory in a root where a restore prepares its work, on the same file system. Its name is always the same:
 * who makes it has the root for himself.
 */
export const STAGING = `${PREFIX}staging`;

/** Where a restore's own staging directory stands before it is in charge and after it is done. */
export function privateStaging(id: string): string {
  return `${PREFIX}${id}`;
}

/** The folder in a root that keeps what files were before a restore that could not put them back. */
export function keptFolder(directory: string, id: string): string {
  return `${directory}/${KEPT_PREFIX}${id}`;
}

/** Whether a name is one of a folder that {@link keptFolder} names: what is in it is the user’s alone. */
export function isKeptFolder(name: string): boolean {
  return name.startsWith(KEPT_PREFIX);
}

/** Whether a path ends with a name that only restores use. No backup takes such files. */
export function isStagingName(path: string): boolean {
  return path.slice(path.lastIndexOf('/') + 1).startsWith(PREFIX);
}
