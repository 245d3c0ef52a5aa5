import type { Problem } from '../core/problem.ts';
import { isDamage } from '../core/vault/error.ts';
import { isWithin } from '../core/vault/order.ts';
import { ExitCode } from './exit-code.ts';
import { printable } from '../core/printable.ts';
import type { Session } from './session.ts';

/** What a comparison could not read; each path is told once, when it is found. */
export class UnreadPaths {
  readonly #session: Session;
  readonly #paths = new Set<string>();
  #isDamage = false;

  constructor(session: Session) {
    this.#session = session;
  }

  readonly report = ({ path, message, incomplete }: Problem, error?: unknown): void => {
    if (incomplete) this.tell(path, message, isDamage(error));
  };

  readonly tell = (path: string, message: string, isLost: boolean): void => {
    if (isLost && !this.#isDamage)
      this.#session.say(
        'Parts of the vault are damaged; “crm-backup verify --level data” tells which backups they are of.',
      );
    this.#isDamage ||= isLost;
    if (this.#paths.has(path)) return;
    this.#paths.add(path);
    this.#session.warn(`${printable(path)}: ${message}`);
  };

  /** Whether a path could not be read, or what it is in. */
  has(path: string): boolean {
    return [...this.#paths].some((told) => isWithin(path, told));
  }

  /** What that makes of a command’s outcome, as far as is known now. */
  get exitCode(): ExitCode {
    if (this.#isDamage) return ExitCode.damage;
    return this.#paths.size > 0 ? ExitCode.incomplete : ExitCode.done;
  }
}
