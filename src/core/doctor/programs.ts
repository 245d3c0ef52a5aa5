import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { askGitState } from '../git-state.ts';
import { requireDictionaries } from '../vault/frame.ts';
import { type Check, failedBy, passed, warned } from './check.ts';

const GIT_TIMEOUT_MS = 10_000;

/** Whether this Node can read and write vaults. */
export function checkRuntime(): Check {
  try {
    requireDictionaries();
    return passed('runtime', `Node ${process.version} compresses against dictionaries.`);
  } catch (error) {
    return failedBy('runtime', error);
  }
}

/** Whether the state of the workspace's own repository can be recorded; undefined where there is none to record. */
export async function checkRepository(directory: string): Promise<Check | undefined> {
  const answer = await askGitState(directory);
  switch (answer) {
    case 'none':
      return undefined;
    case 'refused':
      return warned(
        'repository',
        `git does not trust the repository of ${directory}, which belongs to another user, so backups do not record its commit.`,
        `If you trust it, run: git config --global --add safe.directory ${directory}`,
      );
    case 'failed':
      return warned(
        'repository',
        `git cannot tell the state of ${directory}, so backups do not record its commit.`,
        'Run “git status” there to see why.',
      );
    default:
      return passed(
        'repository',
        `${answer.branch ?? 'HEAD'}@${answer.commit.slice(0, 10)} is recorded with every backup.`,
      );
  }
}

/** Whether git is there; only comparing in the editor needs it. */
export async function checkGit(): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { timeout: GIT_TIMEOUT_MS });
    return passed('git', `${stdout.trim()}.`);
  } catch {
    return warned(
      'git',
      'git was not found; backups work without it, some comparisons do not.',
      'Install git.',
    );
  }
}
