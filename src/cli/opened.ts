import type { OpenedVault } from '../core/open.ts';
import { findBackup, isRelative } from '../core/reference.ts';
import type { ResolvedSet } from '../core/set/resolve.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import type { RecordListing } from '../core/vault/record-list.ts';
import type { KnownRoot } from './entry-path.ts';
import { counted } from './quantity.ts';
import type { Session } from './session.ts';
import { shortId } from './shown-record.ts';

/** As many ids of backups that cannot be read are told. */
const MOST_IDS = 5;

/** A vault that is open, with what its records say. */
export interface Opened extends OpenedVault {
  readonly listing: RecordListing;
}

/** A vault that is open, and one of its backups. */
export interface OpenedBackup extends Opened {
  readonly record: BackupRecord;
}

/**
 * Opens the vault that the options name, to read from. Throws what `openForReading` does.
 * @param needsWorkspace Whether a named vault is not enough.
 */
export async function openVault({ options, surroundings }: Session, needsWorkspace = false): Promise<Opened> {
  const { openForReading } = await import('../core/open.ts');
  const opened = await openForReading(options, surroundings, needsWorkspace);
  return { ...opened, listing: await opened.vault.records() };
}

/** Opens the vault that the options name and finds a backup in it. Throws also what {@link findBackup} does. */
export async function openBackup(
  session: Session,
  reference: string,
  needsWorkspace = false,
): Promise<OpenedBackup> {
  const opened = await openVault(session, needsWorkspace);
  warnOfUnreadable(session, opened.listing, [reference]);
  return { ...opened, record: findBackup(opened.listing, reference, opened.setName) };
}

/** Tells of backups that cannot be read, for one of them may be what a reference that counts from the latest means. */
export function warnOfUnreadable(
  session: Session,
  listing: RecordListing,
  references: readonly string[],
): void {
  const unreadable = unreadableText(listing);
  if (unreadable === undefined || !references.some(isRelative)) return;
  session.warn(`${unreadable}; “latest” is the newest that can.`);
}

/** Which backups have no record that can be read, as the beginning of a sentence; undefined when all have one. */
export function unreadableText({ damaged }: RecordListing): string | undefined {
  if (damaged.length === 0) return undefined;
  const ids = damaged.slice(0, MOST_IDS).map(({ id }) => shortId(id));
  const more = damaged.length > MOST_IDS ? ', …' : '';
  return `${counted(damaged.length, 'backup')} cannot be read (${ids.join(', ')}${more})`;
}

/** The workspace's set that a backup is of, as it is now; undefined when it has none of that name. */
export function setOf({ placed }: Pick<Opened, 'placed'>, record: BackupRecord): ResolvedSet | undefined {
  return placed.find(({ set }) => set.name === record.set)?.set;
}

/** The folders that paths of the user may lie in: the workspace's, else those the backup was taken from. */
export function rootsOf(opened: Pick<Opened, 'placed'>, record: BackupRecord): readonly KnownRoot[] {
  return setOf(opened, record)?.roots ?? record.sources.filter(({ type }) => type === 'files');
}
