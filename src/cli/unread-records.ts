import type { BackupRecord } from '../core/vault/record.ts';
import { ExitCode } from './exit-code.ts';
import { counted } from './quantity.ts';
import type { Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';

/** Backups that could not be searched as a whole, because a part of what they list is lost. */
export class UnreadRecords {
  readonly #ids = new Set<string>();

  readonly add = ({ id }: BackupRecord): void => void this.#ids.add(id);

  /** Tells which they are; what that makes of a command’s outcome. */
  told(session: Session): Pick<Outcome, 'exitCode'> {
    if (this.#ids.size === 0) return {};
    const names = [...this.#ids].map((id) => shortId(id)).join(', ');
    session.warn(
      `${counted(this.#ids.size, 'backup')} could not be searched as a whole, for parts are lost: ${names}.`,
    );
    return { exitCode: ExitCode.incomplete };
  }
}
