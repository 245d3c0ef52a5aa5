import { CrmBackupError } from '../errors.ts';

export type RestoreErrorCode =
  /** A path of the backup leads out of the folder it is restored to. */
  | 'hostile-path'
  /** A name of the backup cannot be kept by this system. */
  | 'unsupported-name'
  | 'not-in-backup'
  | 'no-target'
  /** Two databases would be restored to one. */
  | 'same-target'
  | 'target-not-empty'
  | 'target-not-directory'
  | 'target-changed'
  | 'would-lose-files'
  | 'other-file-system'
  | 'no-space'
  | 'permission'
  /** Another restore works in the same folder. */
  | 'locked'
  | 'unfinished-restore'
  | 'write-failed'
  | 'check-failed'
  | 'rollback-failed'
  /** There is no interrupted restore of that name. */
  | 'not-interrupted'
  | 'nothing-to-undo'
  /** The restore that is to be taken back is not the last one any more. */
  | 'restored-since'
  /** A database that would be replaced cannot be read. */
  | 'no-safety-backup';

/** A restore cannot be done, or not finished. Unless its code is `rollback-failed`, all files are as they were. */
export class RestoreError extends CrmBackupError<RestoreErrorCode> {}
