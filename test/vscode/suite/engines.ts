import { execFileSync } from 'node:child_process';
import type { Operation, Output } from '../../../src/engine/protocol.ts';
import { Engine } from '../../../src/vscode/engine.ts';
import { engineScript, quiet } from './workspace.ts';

/** The processes of engines whose parent is this extension host. */
export function enginesOfThisHost(): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === process.pid && args.includes('engine.js') ? [Number(pid)] : [];
  });
}

/** An engine that is killed at the next calls of an operation. */
export class MortalEngine extends Engine {
  readonly #killedAt: Operation;
  lives: number;

  constructor(killedAt: Operation, lives: number) {
    super(engineScript(), quiet);
    this.#killedAt = killedAt;
    this.lives = lives;
  }

  override async call<O extends Operation>(...call: Parameters<Engine['call']>): Promise<Output<O>> {
    const answer: Promise<Output<O>> = super.call(...call);
    if (call[0] !== this.#killedAt || this.lives === 0) return answer;
    this.lives--;
    answer.catch(() => undefined);
    process.kill((await this.processId())!, 'SIGKILL');
    return answer;
  }
}
