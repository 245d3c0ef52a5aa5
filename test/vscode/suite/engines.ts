import { execFileSync } from 'node:child_process';

/** The processes of engines whose parent is this extension host. */
export function enginesOfThisHost(): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === process.pid && args.includes('engine.js') ? [Number(pid)] : [];
  });
}
