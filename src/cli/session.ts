import type { CrmBackupError } from '../core/errors.ts';
import type { Surroundings } from '../core/surroundings.ts';
import type { Task } from '../core/task.ts';
import type { Paint } from './colour.ts';
import type { ExitCode } from './exit-code.ts';
import type { Dialogue } from './prompt.ts';

/** The options every command has. */
export interface GlobalOptions {
  readonly workspace?: string;
  readonly set?: string;
  readonly vault?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly color: boolean;
  readonly keyFile?: string;
}

/** What a command gets to work with. */
export interface Session {
  readonly options: GlobalOptions;
  readonly surroundings: Surroundings;
  readonly task: Task;
  /** Paints what goes to stdout. */
  readonly paint: Paint;
  /** Whether stdout is shown as it is written. */
  readonly isTerminal: boolean;
  /** Milliseconds since 1970, now. */
  readonly nowMs: number;
  /** To ask the user; undefined when there is nobody to ask (a pipe, `--json`). */
  readonly dialogue: Dialogue | undefined;
  /** Where an answer comes from that is not typed. */
  readonly stdin: AsyncIterable<Uint8Array | string>;
  /** Tells something on the way, on stderr; `--quiet` drops it. */
  say(message: string): void;
  /** Tells something that must not be missed, on stderr. */
  warn(message: string): void;
}

/** What a command came to. */
export interface Outcome {
  /** What `--json` prints. */
  readonly json: unknown;
  /** What was asked for, for people; printed without a trailing newline of its own. */
  readonly text?: string | AsyncIterable<string | Uint8Array>;
  /** What was done, for people; `--quiet` drops it. */
  readonly summary?: string;
  /** What went wrong after all of that was done: told on stderr, and the exit code is its own. */
  readonly failure?: CrmBackupError | undefined;
  /** 0 when absent. It is asked for when everything is printed. */
  readonly exitCode?: ExitCode;
}

/** Runs a command's work in a session, prints its outcome and remembers its exit code. */
export type Act = (work: (session: Session) => Promise<Outcome>) => Promise<void>;
