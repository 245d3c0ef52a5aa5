/** What development fetches once and keeps outside the checkout. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import path from 'node:path';

/** What development needs and may fetch again: never in the checkout. */
export const cacheDirectory = path.join(
  process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
  'crm-backup-dev',
);

/** For npm, where only errors matter. */
export const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];

/**
 * Runs one step quietly; what it printed is in the error when it fails.
 * @param {string} directory
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [environment]
 */
export async function step(directory, command, args, environment = {}) {
  const child = spawn(command, args, { cwd: directory, env: { ...process.env, ...environment } });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => (printed += text));
  }
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`${command} ${args.join(' ')} failed.\n${printed.slice(-4000)}`);
}
