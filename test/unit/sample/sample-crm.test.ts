import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareTrees, snapshotTree } from '../../../scripts/sample/compare-trees.ts';
import { createSampleCrm } from '../../../scripts/sample/crm.ts';
import { createDatabase, migrateDatabase, snapshotDatabase } from '../../../scripts/sample/database.ts';
import { checkDifferences, checkRows } from '../../../scripts/sample/expected-differences.ts';
import { migrate } from '../../../scripts/sample/migrate.ts';

const small = { seed: 7, scale: 0.05 };

describe('the sample CRM', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crm-backup-sample-test-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  const contents = (name: string) => snapshotTree(join(folder, name), { times: false });

  it('is the same for the same seed, before and after its migration', () => {
    for (const name of ['one', 'two']) createSampleCrm(join(folder, name), small);
    expect(compareTrees(contents('one'), contents('two'))).toEqual([]);
    for (const name of ['one', 'two']) migrate(join(folder, name), small.seed);
    expect(compareTrees(contents('one'), contents('two'))).toEqual([]);
  });

  it('is another for another seed', () => {
    createSampleCrm(join(folder, 'one'), small);
    createSampleCrm(join(folder, 'two'), { ...small, seed: 8 });
    expect(compareTrees(contents('one'), contents('two'))).not.toEqual([]);
  });

  it('brings empty folders, links, several modes, and names in other scripts', () => {
    createSampleCrm(join(folder, 'crm'), small);
    const entries = [...contents('crm')];
    expect(entries.some(([path]) => /\p{Script=Han}/u.test(path))).toBe(true);
    expect(entries.some(([path]) => /\p{Extended_Pictographic}/u.test(path))).toBe(true);
    expect(entries.some(([, is]) => is.startsWith('link'))).toBe(true);
    expect(new Set(entries.map(([, is]) => is.split(' ').slice(0, 2).join(' '))).size).toBeGreaterThan(4);
    expect(contents('crm').get('custom/client/themes/empty theme')).toMatch(/^directory/);
  });

  it('is changed by its migration in what is backed up, and a diff must name exactly that', () => {
    const crm = join(folder, 'crm');
    createSampleCrm(crm, small);
    const before = snapshotTree(crm);
    migrate(crm, small.seed);
    const after = snapshotTree(crm);
    const changed = checkDifferences(before, after, { entries: [] }).map(
      (line) => line.split(' changed')[0] ?? '',
    );
    expect(changed.length).toBeGreaterThan(50);

    const entries = changed.map((path) => ({ path: `files/workspace/${path}`, change: 'modified' }));
    expect(checkDifferences(before, after, { entries })).toEqual([]);
    expect(checkDifferences(before, after, { entries: entries.slice(1) })).toHaveLength(1);
    const untouched = { path: 'files/workspace/README.md', change: 'modified' };
    expect(checkDifferences(before, after, { entries: [...entries, untouched] })).toHaveLength(1);
  });

  it('has a database that is the same for the same seed, and changed by its migration in schema and rows', () => {
    const [one, two, other] = ['one', 'two', 'other'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const { tables, rows } = createDatabase(one, 7);
    createDatabase(two, 7);
    createDatabase(other, 8);
    expect([tables, rows > 5000]).toEqual([5, true]);
    const before = snapshotDatabase(one);
    expect(before.get('check')).toContain('ok');
    expect(snapshotDatabase(two)).toEqual(before);
    expect(snapshotDatabase(other)).not.toEqual(before);
    for (const each of [one, two]) migrateDatabase(each);
    const after = snapshotDatabase(one);
    expect(snapshotDatabase(two)).toEqual(after);
    const changed = (start: string) =>
      [...before.keys()].filter((key) => key.startsWith(start) && after.get(key) !== before.get(key));
    expect(changed('rows of ')).toEqual(
      ['activity', 'company', 'contact', 'deal', 'legacy_campaign'].map((name) => `rows of ${name}`),
    );
    expect(changed('table ')).toEqual(['table contact', 'table legacy_campaign']);
  });

  it('has rows that a diff must tell of exactly', () => {
    createDatabase(folder, 7);
    const before = snapshotDatabase(folder);
    migrateDatabase(folder);
    const after = snapshotDatabase(folder);
    const lines = (of: typeof before, table: string) =>
      (of.get(`rows of ${table}`) ?? '').split('\n').filter(Boolean).length;
    const tables = ['activity', 'company', 'consent', 'contact', 'deal', 'legacy_campaign'].map((table) => {
      const [was, is] = [lines(before, table), lines(after, table)];
      return {
        table,
        added: Math.max(0, is - was),
        changed: 1,
        deleted: Math.max(0, was - is),
        schemaChanged: false,
      };
    });
    expect(checkRows(before, after, { tables })).toEqual([]);
    expect(checkRows(before, after, { tables: tables.slice(1) })).toHaveLength(1);
    const wrong = tables.map((told) =>
      told.table === 'consent' ? { ...told, added: told.added + 1 } : told,
    );
    expect(checkRows(before, after, { tables: wrong })).toEqual(['the rows of consent do not add up']);
    const none = { table: 'company', added: 0, changed: 0, deleted: 0, schemaChanged: false };
    expect(checkRows(before, before, { tables: [none] })).toEqual(['company is named and did not change']);
  });
});
