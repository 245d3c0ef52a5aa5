import { appendFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  readRecoveries,
  recordRecovery,
  type RecoveryRecord,
} from '../../../../src/core/metrics/recovery-record.ts';
import { restorable } from '../../../build/restorable.ts';
import { temporaryFolder, treeOf } from '../../../build/tree.ts';

const RECORD: RecoveryRecord = {
  version: 1,
  kind: 'drill',
  set: 'crm',
  backup: 'a'.repeat(64),
  at: '2026-03-01T02:00:00.000Z',
  durationMs: 1200,
  phases: { fetch: 100, decode: 200, write: 300, load: 400, verify: 200 },
  bytes: 5_000,
  databaseBytes: 7_000,
  files: 3,
  tables: 2,
  isWhole: true,
  isGood: true,
};

describe('recoveries that were measured', () => {
  it('come back newest first, each vault its own, whatever else stands in the file', async () => {
    await using folder = temporaryFolder();
    const later = { ...RECORD, at: '2026-04-01T02:00:00.000Z' };
    recordRecovery(folder.path, 'one', later);
    recordRecovery(folder.path, 'one', RECORD);
    const [name = ''] = readdirSync(join(folder.path, 'recoveries'));
    appendFileSync(
      join(folder.path, 'recoveries', name),
      '{"version":1,\n{"version":2}\nnull\n{"version":1}\n',
    );
    recordRecovery(folder.path, 'two', RECORD);
    expect(readRecoveries(folder.path, 'one')).toEqual([later, RECORD]);
    expect(readRecoveries(folder.path, 'three')).toEqual([]);
  });

  it('stay few: the oldest make room', async () => {
    await using folder = temporaryFolder();
    const times = Array.from({ length: 1_000 }, (_, at) => new Date(1.7e12 + at * 1e7).toISOString());
    for (const at of times) recordRecovery(folder.path, 'one', { ...RECORD, at });
    const kept = readRecoveries(folder.path, 'one');
    expect(kept[0]?.at).toBe(times.at(-1));
    expect(kept.length).toBeGreaterThan(100);
    const [name = ''] = readdirSync(join(folder.path, 'recoveries'));
    expect(statSync(join(folder.path, 'recoveries', name)).size).toBeLessThan(140 * 1024);
  });

  it('have every restore that wrote, and say whether it was the whole backup', async () => {
    await using place = await restorable(treeOf({ 'a.txt': 'alpha', 'b.txt': 'beta' }));
    const record = await place.backUp();
    await place.restore(record, { to: join(place.scratch, 'whole') });
    await place.restore(record, { to: join(place.scratch, 'part'), paths: ['files/workspace/a.txt'] });
    await place.restore(record, { to: join(place.scratch, 'none'), dryRun: true });
    const [part, whole, ...others] = readRecoveries(place.home, place.vault.id);
    expect(others).toEqual([]);
    expect(whole).toMatchObject({ kind: 'restore', backup: record.id, isWhole: true, files: 2, bytes: 9 });
    expect(part).toMatchObject({ isWhole: false, files: 1, bytes: 5 });
    const withDatabase = {
      ...record,
      sources: [...record.sources, { ...record.sources[0]!, type: 'database' as const, name: 'crm' }],
    };
    await place.restore(withDatabase, { to: join(place.scratch, 'files'), databases: 'none' });
    expect(readRecoveries(place.home, place.vault.id)[0]).toMatchObject({ isWhole: false, files: 2 });
  });
});
