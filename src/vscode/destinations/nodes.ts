import type { InSet, InWorkspace, SchedulerState, VaultState } from '../../engine/protocol.ts';

/** A vault; commands about it are about the first of its sets. */
export interface VaultNode extends InSet {
  readonly type: 'vault';
  readonly state: VaultState;
  /** Named only where more than one folder is open. */
  readonly folderName: string | undefined;
}

/** Who takes the scheduled backups of a folder. */
export interface SchedulerNode extends InWorkspace {
  readonly type: 'scheduler';
  readonly state: SchedulerState;
  /** Named only where more than one folder is open. */
  readonly folderName: string | undefined;
}

/** Where backups are kept and who takes them; there is one kind of line for each. */
export type DestinationNode = VaultNode | SchedulerNode;
