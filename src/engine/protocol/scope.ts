/** What a request is about. */
/** The workspace folder a request is about, as an absolute path. */
export interface InWorkspace {
  readonly workspace: string;
}

/** A backup set of a workspace. */
export interface InSet extends InWorkspace {
  readonly set: string;
}

/** One backup of a set: its id, or a reference as the command line takes it. */
export interface OfBackup extends InSet {
  readonly backup: string;
}

/** One entry of a backup. */
export interface OfEntry extends OfBackup {
  readonly path: string;
}
