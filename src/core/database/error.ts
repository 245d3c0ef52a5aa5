import { CrmBackupError } from '../errors.ts';

export type DatabaseErrorCode =
  /** No engine has the address’s scheme. */
  | 'unknown-engine'
  /** The address itself does not say where the database is. */
  | 'invalid-address'
  /** This runtime or machine lacks what the engine needs. */
  | 'unsupported-runtime'
  | 'missing-tool'
  /** No server answers there. */
  | 'unreachable'
  | 'login-refused'
  /** Who answers there cannot show that it is the server that is meant. */
  | 'untrusted-server'
  | 'no-database'
  /** What stands there is no database, or one that is damaged. */
  | 'damaged'
  | 'missing-privilege'
  | 'busy'
  /** Tables were altered while they were read. */
  | 'changed-while-reading'
  /** The server ended the connection in the middle. */
  | 'connection-lost'
  | 'no-space'
  /** What is to be restored is not in the backup. */
  | 'not-in-backup'
  /** The target cannot hold what the backup has; found before anything is touched. */
  | 'cannot-hold'
  /** Others use the database, and nobody has agreed to end their sessions. */
  | 'in-use'
  /** Rows that were to be put back are no longer what they were expected to be. */
  | 'rows-changed'
  /** A constraint of the database forbids what was to be done. */
  | 'constraint'
  /** What was loaded is not what the backup has; the old database stays. */
  | 'check-failed'
  | 'read-failed'
  | 'write-failed';

/**
 * A database cannot be read or restored. Messages and hints never hold a secret (see `redact.ts`). Unless its text says
 * otherwise the database is as it was.
 */
export class DatabaseError extends CrmBackupError<DatabaseErrorCode> {}
