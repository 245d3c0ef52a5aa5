import { describe, expect, it } from 'vitest';
import { findBackup, looksLikeReference, predecessorOf } from '../../../src/core/reference.ts';
import { VaultError } from '../../../src/core/vault/error.ts';
import type { BackupRecord } from '../../../src/core/vault/record.ts';
import type { RecordListing } from '../../../src/core/vault/record-list.ts';

function record(id: string, more: Partial<BackupRecord> = {}): BackupRecord {
  return { id: id.padEnd(64, '0'), set: 'crm', kind: 'incremental', safety: false, ...more } as BackupRecord;
}

// Newest first, as a vault lists them.
const records = [
  record('f1', { set: 'other' }),
  record('e5', { safety: true }),
  record('abcd44', { base: 'abcd33'.padEnd(64, '0') }),
  record('abcd33', { base: '9999'.padEnd(64, '0') }),
  record('c2', { kind: 'full' }),
  record('b1'),
  record('a0', { kind: 'full' }),
];
const listing: RecordListing = { records, damaged: [] };

function found(reference: string, set: string | undefined = 'crm'): string {
  return findBackup(listing, reference, set).id.replace(/0+$/, '');
}

function failure(reference: string, set: string | undefined = 'crm', among = listing): VaultError {
  try {
    findBackup(among, reference, set);
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
  throw new Error(`${reference} named a backup`);
}

describe('a reference to a backup', () => {
  it('is an id or an unambiguous beginning of four and more digits, of any set', () => {
    expect(found('abcd44')).toBe('abcd44');
    expect(found('ABCD3')).toBe('abcd33');
    expect(found('f1'.padEnd(64, '0'))).toBe('f1');
    expect(failure('abcd')).toMatchObject({ code: 'ambiguous-backup' });
    expect(failure('abcd').message).toContain('abcd4400, abcd3300');
    expect(failure('f10').code).toBe('unknown-backup');
    expect(failure('dddd').code).toBe('unknown-backup');
    expect(failure('f1'.padEnd(65, '0')).code).toBe('unknown-backup');
  });

  it('counts back from the latest of its set, or of all sets', () => {
    expect(found('latest')).toBe('abcd44');
    expect(found('latest~0')).toBe('abcd44');
    expect(found('latest~1')).toBe('abcd33');
    expect(found('latest~4')).toBe('a');
    expect(found('latest', 'other')).toBe('f1');
    expect(findBackup(listing, 'latest', undefined).set).toBe('other');
    expect(found('latest-full')).toBe('c2');
  });

  it('never means a safety backup by latest, only by its id', () => {
    const safety = { records: records.slice(1, 2), damaged: [] };
    expect(failure('latest', 'crm', safety).code).toBe('unknown-backup');
    expect(findBackup(safety, 'e500', 'crm').safety).toBe(true);
  });

  it('says what is there when it names nothing', () => {
    expect(failure('latest~5').message).toBe(
      'There are only 5 backups of set “crm”, so latest~5 names none.',
    );
    expect(failure('latest~1', 'other').message).toMatch(/^There is only one backup of set “other”, so /);
    expect(failure('latest', 'new')).toMatchObject({
      code: 'unknown-backup',
      message: 'There is no backup of set “new” yet, so latest names none.',
    });
    expect(failure('latest-full', 'other').message).toContain('no full backup of set “other”');
    expect(failure('lates').message).toBe('“lates” does not name a backup.');
    const error = new VaultError('damaged', 'The record is damaged.');
    const damaged = { records, damaged: [{ id: 'dead'.padEnd(64, '1'), error }] };
    expect(failure('latest', 'new', damaged).message).toBe(
      'There is no backup of set “new” that can be read, so latest names none.',
    );
  });

  it('names the damage when the record it means cannot be read', () => {
    const error = new VaultError('damaged', 'The record is damaged.');
    const damaged = { records, damaged: [{ id: 'dead'.padEnd(64, '1'), error }] };
    expect(failure('dead', 'crm', damaged)).toBe(error);
    const both = { records, damaged: [{ id: 'abcd44'.padEnd(64, '1'), error }] };
    expect(failure('abcd44', 'crm', both).code).toBe('ambiguous-backup');
  });

  it('is told from a path', () => {
    for (const text of ['latest', 'latest~3', 'latest-full', 'cafe', 'DEADBEEF']) {
      expect(looksLikeReference(text)).toBe(true);
    }
    for (const text of ['files/workspace', 'latest/', 'abc', 'data', 'latest~', 'latest~-1', 'cafe.txt']) {
      expect(looksLikeReference(text)).toBe(false);
    }
  });
});

describe('the backup another one is told against', () => {
  it('is its base, else the one of its set before it', () => {
    const before = (at: number): string | undefined =>
      predecessorOf(records, records[at]!)?.id.replace(/0+$/, '');
    expect(before(2)).toBe('abcd33');
    // Its base was forgotten.
    expect(before(3)).toBe('c2');
    expect(before(4)).toBe('b1');
    expect(before(6)).toBeUndefined();
    expect(before(0)).toBeUndefined();
  });
});
