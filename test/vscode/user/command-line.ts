import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root } from '../../../scripts/bootstrap.mjs';

/** Loaded before the command line: its clock is behind by so much. */
const laggingClock = `
const lag = Number(process.env.CLOCK_LAG_MS);
const Real = Date;
globalThis.Date = class Date extends Real {
  constructor(...parts) { parts.length === 0 ? super(Real.now() - lag) : super(...parts); }
  static now() { return Real.now() - lag; }
};`;

/** Runs `crm-backup` with these arguments as somebody did who was there so long ago; throws what it said if it fails. */
export type CommandLine = (args: readonly string[], agoMs?: number) => void;

/** The built command line in a workspace, with these variables besides our own. */
export function commandLine(workspace: string, environment: Readonly<Record<string, string>>): CommandLine {
  const clock = `data:text/javascript,${encodeURIComponent(laggingClock)}`;
  const cli = path.join(root, 'dist', 'cli.js');
  return (args, agoMs = 0) => {
    const env = { ...process.env, ...environment, CLOCK_LAG_MS: String(agoMs) };
    const node = ['--import', clock, cli, ...args];
    const { status, stderr } = spawnSync(process.execPath, node, { cwd: workspace, env });
    if (status !== 0) {
      throw new Error(`crm-backup ${args.join(' ')} exited with ${status}: ${stderr.toString()}`);
    }
  };
}
