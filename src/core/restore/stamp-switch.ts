import type { RestoreDisk } from './disk.ts';
import type { JournalRoot, Switch } from './journal-entries.ts';
import { lookAt } from './live-tree.ts';
import type { PreparedRoot } from './prepare-root.ts';
import { type StagedRoot, stampOfStaged } from './stamp.ts';
import { ownerFile, stagedPath } from './staging.ts';
import { STAGING } from './staging-name.ts';

/** What a switch does before it begins: nothing but marks. */
export function nothingYet(prepared: readonly PreparedRoot[]): Switch {
  return { moves: [], marks: prepared.flatMap(({ marks }) => marks), staged: [] };
}

/** All that a switch is going to do, with what tells the things that it has staged from those of others. */
export function stampSwitch(disk: RestoreDisk, prepared: readonly PreparedRoot[]): Switch {
  const directories = prepared.map(({ journal }) => journal.directory);
  const moves = prepared.flatMap((root) => root.moves);
  return {
    staged: prepared.map(({ journal }, root) => timeStaged(disk, journal, root)),
    moves: moves.map((move) => {
      if (move.op === 'remove') return move;
      const live = lookAt(stagedPath(directories[move.root]!, move.number));
      return { ...move, fresh: live === undefined ? '' : stampOfStaged(live) };
    }),
    marks: nothingYet(prepared).marks,
  };
}

/** Asks the disk itself for the time: its clock may be another one’s. */
function timeStaged(disk: RestoreDisk, { directory }: JournalRoot, root: number): StagedRoot {
  const last = `${directory}/${STAGING}/staged`;
  disk.makeDirectory(last, 0o700);
  const owner = lookAt(ownerFile(directory))!;
  const until = String(lookAt(last)!.ctimeNs);
  return { op: 'staged', root, inode: String(owner.inode), since: String(owner.ctimeNs), until };
}
