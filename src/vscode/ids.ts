/** Names the manifest and the code share. */

/** The tree of backups. */
export const BACKUPS_VIEW = 'crmBackup.backups';

/** The places backups are kept in. */
export const DESTINATIONS_VIEW = 'crmBackup.destinations';

/** The editor of rows of a table. */
export const ROWS_EDITOR = 'crmBackup.rows';

/** Opens the rows of a table that stands in the tree; no command for people. */
export const OPEN_ROWS = 'crmBackup.openRows';

/** Context keys for menus and welcome texts. */
export const Context = {
  /** `loading`, `none` (no set file), `empty` (a set, no backups), `ready`, `failed`. */
  state: 'crmBackup.state',
  /** Whether there are backups, or there may be: something is wrong that tells who looks for them. */
  hasBackups: 'crmBackup.hasBackups',
  canUndoRestore: 'crmBackup.canUndoRestore',
  /** What backups would be better with, looked for while there are none. */
  lacksGit: 'crmBackup.lacksGit',
  lacksDatabase: 'crmBackup.lacksDatabase',
} as const;
