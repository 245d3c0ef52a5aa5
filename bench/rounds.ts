import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareTrees, snapshotTree } from '../scripts/sample/compare-trees.ts';
import { sizeOf } from '../scripts/sample/size-of.ts';
import { editTree } from './edits.ts';
import { measure } from './measure.ts';
import type { Work } from './limits.ts';
import type { Repository, Tool } from './tools/tool.ts';

/** All samples of one run: work → name of the tool → one value a round. */
export type Samples = ReadonlyMap<Work, ReadonlyMap<string, readonly number[]>>;

/** How rounds are run. */
export interface RoundOptions {
  /** Measured rounds; one more is run before them to warm up and to check every restore. */
  readonly rounds: number;
  /** Where repositories are made. */
  readonly scratch: string;
  /** Where trees are restored: in memory, so that the disk is not measured. */
  readonly restoreTo: string;
  readonly log: (line: string) => void;
}

// A file touched this shortly before a backup may count as changed in the next one.
const RACY_MS = 2_500;

interface Contestant {
  readonly tool: Tool;
  readonly directory: string;
  readonly repository: Repository;
}

/**
 * Measures the tools on a tree in turn (A B C D, A B C D, …), work by work, in fresh repositories each round.
 * Throws when a tool fails or restores anything else than the tree. Leaves the tree's content as it was.
 */
export async function measureRounds(
  tools: readonly Tool[],
  tree: string,
  options: RoundOptions,
): Promise<Samples> {
  const samples = new Map<Work, Map<string, number[]>>();
  for (let round = 0; round <= options.rounds; round += 1) {
    options.log(round === 0 ? '  warm-up' : `  round ${String(round)} of ${String(options.rounds)}`);
    const note = (work: Work, tool: Tool, value: number | undefined): void => {
      if (round === 0 || value === undefined) return;
      const ofWork = samples.get(work) ?? new Map<string, number[]>();
      samples.set(work, ofWork);
      ofWork.set(tool.name, [...(ofWork.get(tool.name) ?? []), value]);
    };
    await runRound(tools, tree, options, note, round === 0);
  }
  return samples;
}

async function runRound(
  tools: readonly Tool[],
  tree: string,
  { scratch, restoreTo }: RoundOptions,
  note: (work: Work, tool: Tool, value: number | undefined) => void,
  check: boolean,
): Promise<void> {
  const contestants: Contestant[] = [];
  let undo: (() => void) | undefined;
  try {
    for (const tool of tools) {
      const directory = await mkdtemp(join(scratch, 'repository-'));
      contestants.push({ tool, directory, repository: await tool.open(tree, directory) });
    }
    await sleep(RACY_MS);
    for (const { tool, repository } of contestants) {
      const { durationMs, peakBytes } = await measure(repository.first, scratch);
      note('first', tool, durationMs);
      note('memory', tool, peakBytes);
      note('size', tool, sizeOf(repository.stored));
    }
    const withHistory = contestants.filter(({ tool }) => tool.keepsHistory);
    for (const { tool, repository } of withHistory) {
      note('unchanged', tool, (await measure(repository.again(), scratch)).durationMs);
    }
    ({ undo } = editTree(tree));
    await sleep(RACY_MS);
    for (const { tool, repository } of withHistory) {
      const before = sizeOf(repository.stored);
      note('edited', tool, (await measure(repository.again(), scratch)).durationMs);
      note('added', tool, sizeOf(repository.stored) - before);
    }
    for (const { tool, repository } of contestants) {
      const target = await mkdtemp(join(restoreTo, 'restore-'));
      try {
        note('restore', tool, (await measure(repository.restore(target), scratch)).durationMs);
        // The archive of a tool without a second backup is of the tree before the edits.
        if (check && tool.keepsHistory) checkRestore(tool, tree, repository.restoredRoot(target));
      } finally {
        await rm(target, { recursive: true, force: true });
      }
    }
  } finally {
    undo?.();
    for (const { directory } of contestants) await rm(directory, { recursive: true, force: true });
  }
}

function checkRestore(tool: Tool, tree: string, restored: string): void {
  const options = { times: tool.keepsTimes, root: false };
  const differences = compareTrees(snapshotTree(tree, options), snapshotTree(restored, options));
  if (differences.length > 0) {
    throw new Error(`${tool.name} restored something else:\n${differences.slice(0, 10).join('\n')}`);
  }
}
