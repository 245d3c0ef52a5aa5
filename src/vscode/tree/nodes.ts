import { latestOf } from '../../core/latest.ts';
import type { TableSummary } from '../../core/compare/rows.ts';
import type {
  BackupSummary,
  EntryChange,
  EntryInfo,
  InSet,
  OfBackup,
  OfEntry,
  SetState,
} from '../../engine/protocol.ts';
import type { Period } from './days.ts';

/** A backup set. */
export interface SetNode extends InSet {
  readonly type: 'set';
  readonly state: SetState;
  /** Named only where more than one folder is open. */
  readonly folderName: string | undefined;
}

/** Backups of one period. */
export interface PeriodNode extends InSet {
  readonly type: 'period';
  readonly period: Period;
  readonly backups: readonly BackupSummary[];
  /** The newest period of its set is open from the start. */
  readonly first: boolean;
}

/** One backup. */
export interface BackupNode extends OfBackup {
  readonly type: 'backup';
  readonly summary: BackupSummary;
}

/** What changed since the backup it is told against. */
export interface ChangesNode extends OfBackup {
  readonly type: 'changes';
  readonly from: BackupSummary;
  /** Undefined when they could not be found out; opening the node tells why. */
  readonly changes: readonly EntryChange[] | undefined;
}

/** One changed entry. */
export interface ChangeNode extends OfEntry {
  readonly type: 'change';
  readonly from: BackupSummary;
  readonly change: EntryChange;
  /** How many of its rows, for a table; undefined where nobody has counted them yet. */
  readonly table?: TableSummary | undefined;
}

/** What changed since the newest backup; how much is known by `WorkingChanges`. */
export interface WorkingNode extends OfBackup {
  readonly type: 'working';
  /** The newest backup. */
  readonly from: BackupSummary;
}

/** One entry of the workspace, or object of a live database, that is not as the newest backup has it. */
export interface WorkingChangeNode extends OfEntry {
  readonly type: 'workingChange';
  readonly from: BackupSummary;
  readonly change: EntryChange;
}

/** The databases of a set, to be compared with the newest backup when asked for. */
export interface WorkingDatabasesNode extends OfBackup {
  readonly type: 'workingDatabases';
}

/** A table whose rows are not as the newest backup has them. */
export interface WorkingTableNode extends OfEntry {
  readonly type: 'workingTable';
  readonly table: TableSummary;
}

/** The files of a backup, or its databases. */
export interface FilesNode extends OfEntry {
  readonly type: 'files';
  readonly path: 'files' | 'databases';
}

/** One file, directory or link of a backup. */
export interface EntryNode extends OfEntry {
  readonly type: 'entry';
  readonly info: EntryInfo;
}

/** A sentence where there is nothing to list. */
export interface MessageNode {
  readonly type: 'message';
  readonly id: string;
  readonly text: string;
  readonly icon: 'info' | 'warning' | 'error';
  readonly tooltip?: string | undefined;
  readonly command?:
    { readonly command: string; readonly title: string; readonly arguments?: unknown[] } | undefined;
}

export type Node =
  | SetNode
  | WorkingNode
  | WorkingChangeNode
  | WorkingDatabasesNode
  | WorkingTableNode
  | PeriodNode
  | BackupNode
  | ChangesNode
  | ChangeNode
  | FilesNode
  | EntryNode
  | MessageNode;

/** What tells a node from all others, the same after every refresh. */
export function nodeKey(node: Node): string {
  switch (node.type) {
    case 'message':
      return `message:${node.id}`;
    case 'set':
      return `set:${node.workspace}\n${node.set}`;
    case 'period':
      return `period:${node.workspace}\n${node.set}\n${node.period.key}`;
    case 'backup':
    case 'changes':
    case 'working':
    case 'workingDatabases':
      return `${node.type}:${node.workspace}\n${node.backup}`;
    case 'workingChange':
      return `${node.type}:${node.workspace}\n${node.backup}\n${node.path}\n${node.change.change}`;
    case 'workingTable':
    case 'change':
    case 'files':
    case 'entry':
      return `${node.type}:${node.workspace}\n${node.backup}\n${node.path}`;
  }
}

/** The backup that another is told against: its base, else the one taken before it; undefined for the first. */
export function baseOf(backups: readonly BackupSummary[], backup: BackupSummary): BackupSummary | undefined {
  const base = backups.find(({ id }) => id === backup.base);
  return base ?? takenBefore(backups, backup);
}

/** The backup that was taken before another, safety backups aside; undefined for the first. */
export function takenBefore(
  backups: readonly BackupSummary[],
  { id }: Pick<BackupSummary, 'id'>,
): BackupSummary | undefined {
  return latestOf(backups.slice(backups.findIndex((each) => each.id === id) + 1));
}
