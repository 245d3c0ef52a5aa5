import type { BackupRecord } from '../core/vault/record.ts';
import type { RecordListing } from '../core/vault/record-list.ts';
import { ExitCode } from './exit-code.ts';
import { unreadableText } from './opened.ts';
import { counted } from './quantity.ts';
import type { Outcome, Session } from './session.ts';
import { printable } from '../core/printable.ts';
import { shortId } from './shown-record.ts';

/** Backups that could not be searched as a whole: their record, or a part of what they list, cannot be read. */
export class UnreadRecords {
  readonly #ids = new Set<string>();
  readonly #unreadable: string | undefined;

  constructor(listing: RecordListing) {
    this.#unreadable = unreadableText(listing);
  }

  readonly add = ({ id }: BackupRecord): void => void this.#ids.add(id);

  /** Whether everything was searched, so that what was not found is nowhere. */
  get isEmpty(): boolean {
    return this.#ids.size === 0 && this.#unreadable === undefined;
  }

  /** Tells which they are; what that makes of a command’s outcome. */
  told(session: Session): Pick<Outcome, 'exitCode'> {
    if (this.isEmpty) return {};
    if (this.#unreadable !== undefined)
      session.warn(`${this.#unreadable}, so not everything was searched; “crm-backup verify” tells more.`);
    if (this.#ids.size > 0) {
      const names = [...this.#ids].map((id) => shortId(id)).join(', ');
      session.warn(
        `${counted(this.#ids.size, 'backup')} could not be searched as a whole, for parts are lost: ${names}.`,
      );
    }
    return { exitCode: ExitCode.incomplete };
  }
}

/** What is said of a path that was not found, where not everything was searched. */
export function notFoundText(path: string): string {
  return `Nothing that can be read has ${printable(path)}.`;
}
