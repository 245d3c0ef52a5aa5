import type { FailureData } from '../failure.ts';
import type { InSet, InWorkspace } from './scope.ts';

/** A vault of a workspace and how it stands. */
export interface VaultState {
  /** Absolute. */
  readonly directory: string;
  /** The sets that keep their backups in it. */
  readonly sets: readonly string[];
  /** `absent`: the first backup makes it. `unreachable`: it was made, and is not there or cannot be opened. */
  readonly status: 'healthy' | 'damaged' | 'unreachable' | 'absent';
  /** Backups that can be read, of all sets. */
  readonly backups: number;
  /** What its files take on the disk, in bytes. */
  readonly storedBytes: number | undefined;
  readonly freeBytes: number | undefined;
  /** When backups were last found whole, ISO 8601. */
  readonly verifiedAt: string | undefined;
  /** Why it is not healthy. */
  readonly problem: FailureData | undefined;
}

/** The places backups are kept in. */
export interface VaultOperations {
  /** The vaults of a workspace's sets, each once. */
  vaults: { in: InWorkspace; out: readonly VaultState[] };
  /** Makes a recovery key and writes it to a new file that only its user may read. */
  saveRecoveryKey: { in: InSet & { readonly file: string }; out: null };
}
