import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { benchTables, writeRows } from '../../../bench/databases-data.ts';
import { evaluateDatabase, renderDatabases } from '../../../bench/databases-result.ts';
import { temporaryFolder } from '../../build/tree.ts';

const server = { product: 'PostgreSQL 15.18', tools: { dump: 'pg_dump | zstd -1', load: 'pg_restore -j2' } };
const samples = (figures: Readonly<Record<string, Readonly<Record<string, number>>>>) =>
  new Map(
    Object.entries(figures).map(([work, tools]) => [
      work,
      new Map(Object.entries(tools).map(([tool, value]) => [tool, [value]])),
    ]),
  );

describe('a measured database', () => {
  it('is held against the limits of its kind of server', () => {
    const measured = samples({
      first: { own: 1100, native: 1000 },
      again: { own: 900, native: 1000 },
      added: { own: 4, restic: 100 },
      'first memory': { own: 200_000_000 },
    });
    const result = evaluateDatabase({ server, rows: 10, bytes: 1000, samples: measured });
    expect(result.figures.map(({ work, reached }) => [work, reached])).toEqual([
      ['first', true],
      ['again', false],
      ['added', true],
    ]);
    const mariaDb = { ...server, product: 'MariaDB 10.11.19' };
    const other = evaluateDatabase({ server: mariaDb, rows: 10, bytes: 1000, samples: measured });
    expect(other.figures[0]).toMatchObject({ limit: 0.85, reached: false });
    const text = renderDatabases([result]).join('\n');
    expect(text).toContain(
      '| first backup | 1.10 s | 1.00 s (`pg_dump \\| zstd -1`) | 1.10 | ≤ 1.15 | yes |',
    );
    expect(text).toContain('200.0 MB');
  });

  it('has rows that are the same in every run, and nothing to escape', async () => {
    await using one = temporaryFolder();
    await using two = temporaryFolder();
    const rows = writeRows(one.path, 1_000_000);
    expect(writeRows(two.path, 1_000_000)).toBe(rows);
    let lines = 0;
    for (const { name, columns } of benchTables) {
      const text = readFileSync(join(one.path, `${name}.tsv`), 'utf8');
      expect(readFileSync(join(two.path, `${name}.tsv`), 'utf8')).toBe(text);
      expect(text.replaceAll('\\N', '')).not.toContain('\\');
      const wide = columns.replaceAll(/\([^)]*\)/g, '').split(',').length;
      const all = text.trimEnd().split('\n');
      lines += all.length;
      expect(new Set(all.map((line) => line.split('\t').length))).toEqual(new Set([wide]));
    }
    expect(lines).toBe(rows);
  });
});
