import { latestOf } from './latest.ts';
import { VaultError } from './vault/error.ts';
import type { BackupRecord } from './vault/record.ts';
import type { RecordListing } from './vault/record-list.ts';

const LEAST_PREFIX = 4;
const PREFIX = /^[0-9a-f]{4,64}$/;
const LATEST = /^latest(?:~(\d{1,9}))?$/;

/** Whether a text is written like a reference to a backup: `latest…`, or 4 and more digits of an id. */
export function looksLikeReference(text: string): boolean {
  return isRelative(text) || PREFIX.test(text.toLowerCase());
}

/** Whether a reference counts from the latest backup, instead of naming an id. */
export function isRelative(reference: string): boolean {
  return reference === 'latest-full' || LATEST.test(reference);
}

/**
 * The backup a reference names: an id or an unambiguous beginning of 4 and more digits among all backups; `latest`,
 * `latest-full` and `latest~N` (N before the latest) among those of `set`, or all when it is undefined. Safety backups,
 * which hold what was there before a restore, are none of these: restoring `latest` twice must not bring that back.
 * @throws {VaultError} `unknown-backup`, `ambiguous-backup`, or `damaged` when the record it names cannot be read.
 */
export function findBackup(listing: RecordListing, reference: string, set: string | undefined): BackupRecord {
  const latest = LATEST.exec(reference);
  if (latest !== null || reference === 'latest-full') {
    const ofSet = listing.records.filter(
      (record) => !record.safety && (set === undefined || record.set === set),
    );
    const candidates = latest === null ? ofSet.filter(({ kind }) => kind === 'full') : ofSet;
    const found = candidates[Number(latest?.[1] ?? 0)];
    if (found === undefined)
      throw unknownLatest(reference, set, candidates.length, listing.damaged.length > 0);
    return found;
  }
  return findById(listing, reference);
}

function findById(listing: RecordListing, reference: string): BackupRecord {
  const prefix = reference.toLowerCase();
  if (!PREFIX.test(prefix)) {
    throw new VaultError('unknown-backup', `“${reference}” does not name a backup.`, {
      hint: `Use an id, its first ${LEAST_PREFIX} or more digits, latest, latest-full or latest~N; “crm-backup list” shows all.`,
    });
  }
  const found = listing.records.filter(({ id }) => id.startsWith(prefix));
  const damaged = listing.damaged.find(({ id }) => id.startsWith(prefix));
  const [first] = found;
  if (found.length + (damaged === undefined ? 0 : 1) > 1) {
    const ids = found.map(({ id }) => id.slice(0, Math.max(8, prefix.length + 2)));
    throw new VaultError('ambiguous-backup', `“${reference}” names several backups: ${ids.join(', ')}.`, {
      hint: 'Give more digits of the id.',
    });
  }
  if (damaged !== undefined) throw damaged.error;
  if (first === undefined) {
    throw new VaultError('unknown-backup', `There is no backup ${reference}.`, {
      hint: '“crm-backup list” shows all backups.',
    });
  }
  return first;
}

function unknownLatest(
  reference: string,
  set: string | undefined,
  count: number,
  isUnreadable: boolean,
): VaultError {
  const of = set === undefined ? '' : ` of set “${set}”`;
  const what = reference === 'latest-full' ? 'full backup' : 'backup';
  if (isUnreadable) {
    const there = count === 0 ? `There is no ${what}` : onlySo(count);
    return new VaultError('unknown-backup', `${there}${of} that can be read, so ${reference} names none.`, {
      hint: '“crm-backup verify” tells more of those that cannot.',
    });
  }
  const why = count === 0 ? `There is no ${what}${of} yet` : `${onlySo(count)}${of}`;
  return new VaultError('unknown-backup', `${why}, so ${reference} names none.`, {
    hint: count === 0 ? 'Take one with “crm-backup backup”.' : '“crm-backup list” shows all backups.',
  });
}

function onlySo(count: number): string {
  return count === 1 ? 'There is only one backup' : `There are only ${count} backups`;
}

/**
 * The backup that another is told against: its base; for a full one, or when the base was forgotten, the one of its
 * set before it, safety backups aside. Undefined for the first.
 */
export function predecessorOf(
  records: readonly BackupRecord[],
  record: BackupRecord,
): BackupRecord | undefined {
  const base = record.base === undefined ? undefined : records.find(({ id }) => id === record.base);
  if (base !== undefined) return base;
  const ofSet = records.filter(({ set }) => set === record.set);
  const at = ofSet.findIndex(({ id }) => id === record.id);
  return at < 0 ? undefined : latestOf(ofSet.slice(at + 1));
}
