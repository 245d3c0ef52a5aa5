import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
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
