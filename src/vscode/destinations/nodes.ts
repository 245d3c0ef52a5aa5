import type { InSet, VaultState } from '../../engine/protocol.ts';

/** A vault; commands about it are about the first of its sets. */
export interface VaultNode extends InSet {
  readonly type: 'vault';
  readonly state: VaultState;
  /** Named only where more than one folder is open. */
  readonly folderName: string | undefined;
}

/** Where backups are kept; there is one kind of line for each kind of place. */
export type DestinationNode = VaultNode;
