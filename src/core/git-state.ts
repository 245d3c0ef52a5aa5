import { stat } from 'node:fs/promises';
import path from 'node:path';
import { gitIn } from './git.ts';
import type { GitState } from './vault/record.ts';

/** A state that takes longer to find out is not worth waiting for. */
const MOST_MS = 10_000;

/**
 * What the user's own git says of a folder: commit, branch, and whether tracked files in it differ from the commit.
 * Undefined where nothing can be told: no git, no repository at or above the folder, no commit yet, a bare repository,
 * or one that git refuses because it belongs to somebody else. The repository is only read: not even its index is
 * refreshed, and none of its hooks run. Never throws; cancelling gives undefined.
 * @param directory absolute
 */
export async function readGitState(directory: string, signal?: AbortSignal): Promise<GitState | undefined> {
  const answer = await askGitState(directory, signal);
  return typeof answer === 'string' ? undefined : answer;
}

/**
 * As {@link readGitState}, or why there is nothing: `none`, when there is no repository, or none with a commit and files;
 * `refused`, when git does not trust it because it belongs to somebody else; `failed`, when git is missing or could not.
 */
export async function askGitState(
  directory: string,
  signal?: AbortSignal,
): Promise<GitState | 'none' | 'refused' | 'failed'> {
  if (!(await isInRepository(directory))) return 'none';
  try {
    const git = await gitIn(directory, {
      signal,
      mostMs: MOST_MS,
      environment: { GIT_OPTIONAL_LOCKS: '0' },
    });
    const told = await git.raw([
      ...['-c', 'core.fsmonitor=false', 'status', '--porcelain=v2', '--branch', '-z'],
      ...['--untracked-files=no', '--ignore-submodules=dirty', '--', '.'],
    ]);
    return parseStatus(told) ?? 'none';
  } catch (error) {
    const words = error instanceof Error ? error.message : '';
    if (words.includes('dubious ownership') || words.includes('safe.directory')) return 'refused';
    return /must be run in a work tree|not a git repository/.test(words) ? 'none' : 'failed';
  }
}

/** Reads the output of `git status --porcelain=v2 --branch -z`; undefined without a commit. */
export function parseStatus(told: string): GitState | undefined {
  const lines = told.split('\0').filter((line) => line !== '');
  const header = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`# ${name} `))?.slice(name.length + 3);
  const commit = header('branch.oid');
  const branch = header('branch.head');
  if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return undefined;
  return {
    commit,
    branch: branch === '(detached)' ? undefined : branch,
    dirty: lines.some((line) => !line.startsWith('#')),
  };
}

/** Whether `.git` stands in the folder or one above it: without, git need not be started. */
async function isInRepository(directory: string): Promise<boolean> {
  for (let at = directory; ; at = path.dirname(at)) {
    if ((await stat(path.join(at, '.git')).catch(() => undefined)) !== undefined) return true;
    if (path.dirname(at) === at) return false;
  }
}
