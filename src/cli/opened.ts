import type { OpenedVault } from '../core/open.ts';
import { findBackup } from '../core/reference.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import type { RecordListing } from '../core/vault/vault.ts';
import type { KnownRoot } from './entry-path.ts';
import type { Session } from './session.ts';

/** A vault that is open, with what its records say. */
export interface Opened extends OpenedVault {
  readonly listing: RecordListing;
}

/** A vault that is open, and one of its backups. */
export interface OpenedBackup extends Opened {
  readonly record: BackupRecord;
}

/** Opens the vault that the options name, to read from. Throws what `openForReading` does. */
export async function openVault({ options, surroundings }: Session): Promise<Opened> {
  const { openForReading } = await import('../core/open.ts');
  const opened = await openForReading(options, surroundings);
  return { ...opened, listing: await opened.vault.records() };
}

/** Opens the vault that the options name and finds a backup in it. Throws also what {@link findBackup} does. */
export async function openBackup(session: Session, reference: string): Promise<OpenedBackup> {
  const opened = await openVault(session);
  return { ...opened, record: findBackup(opened.listing, reference, opened.setName) };
}

/** The folders that paths of the user may lie in: the workspace's, else those the backup was taken from. */
export function rootsOf({ placed, record }: Pick<OpenedBackup, 'placed' | 'record'>): readonly KnownRoot[] {
  return placed?.set.roots ?? record.sources.filter(({ type }) => type === 'files');
}
