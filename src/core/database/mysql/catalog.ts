import type { Session } from './session.ts';
import type { CatalogColumn } from './columns.ts';
import { quoteText } from './quote.ts';

/** A table as the server’s catalog has it. */
export interface CatalogTable {
  readonly name: string;
  readonly kind: 'table' | 'view' | 'sequence';
  readonly engine: string | undefined;
  readonly bytes: number;
  /** Whether a view’s own tables are missing. */
  readonly broken: boolean;
  /** Whether the server keeps former rows of it (MariaDB’s system versioning). */
  readonly versioned: boolean;
  readonly columns: readonly CatalogColumn[];
  /** Names of the columns of the key rows are told apart by; empty if there is none. */
  readonly key: readonly string[];
  /** Whether the rows lie in the order of the key: InnoDB keeps them in the index of the primary key. */
  readonly isClustered: boolean;
}

/** All tables, views and sequences of a database, sorted by name. */
export async function readTables({ wire }: Session, database: string): Promise<readonly CatalogTable[]> {
  const schema = quoteText(database);
  const tables = await wire.query(
    `SELECT TABLE_NAME, TABLE_TYPE, ENGINE, IFNULL(DATA_LENGTH, 0), TABLE_COMMENT
       FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${schema} AND TABLE_TYPE <> 'TEMPORARY'`,
  );
  const columns = groupByTable(
    await wire.query(
      `SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, IS_NULLABLE,
              IFNULL(GENERATION_EXPRESSION, '') <> ''
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${schema} ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    ),
    ([, name, dataType, type, charset, nullable, generated]): CatalogColumn => ({
      name: name ?? '',
      dataType: (dataType ?? '').toLowerCase(),
      type: type ?? '',
      charset: charset ?? undefined,
      nullable: nullable === 'YES',
      generated: generated === '1',
    }),
  );
  const uniques = groupByTable(
    await wire.query(
      `SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS
        WHERE TABLE_SCHEMA = ${schema} AND NON_UNIQUE = 0
        ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX`,
    ),
    ([, index, column]) => ({ index: index ?? '', column: column ?? '' }),
  );
  return tables
    .map(([name, type, engine, bytes, comment]): CatalogTable => {
      const own = columns.get(name ?? '') ?? [];
      const { index, names } = keyOf(own, uniques.get(name ?? '') ?? []);
      return {
        name: name ?? '',
        kind: type === 'VIEW' || type === 'SYSTEM VIEW' ? 'view' : type === 'SEQUENCE' ? 'sequence' : 'table',
        engine: engine ?? undefined,
        bytes: Number(bytes),
        versioned: type === 'SYSTEM VERSIONED',
        broken: /references invalid table/i.test(comment ?? ''),
        columns: own,
        key: names,
        isClustered: engine === 'InnoDB' && index === 'PRIMARY',
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The primary key or, without one, the first unique key whose columns are never NULL and stored. */
function keyOf(
  columns: readonly CatalogColumn[],
  uniques: readonly { index: string; column: string }[],
): { readonly index: string | undefined; readonly names: readonly string[] } {
  const usable = new Set(
    columns.filter(({ nullable, generated }) => !nullable && !generated).map(({ name }) => name),
  );
  const byIndex = new Map<string, string[]>();
  for (const { index, column } of uniques) byIndex.set(index, [...(byIndex.get(index) ?? []), column]);
  for (const [index, names] of byIndex) if (names.every((name) => usable.has(name))) return { index, names };
  return { index: undefined, names: [] };
}

function groupByTable<T>(
  rows: readonly (readonly (string | null)[])[],
  make: (row: readonly (string | null)[]) => T,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const table = row[0] ?? '';
    const group = groups.get(table);
    if (group === undefined) groups.set(table, [make(row)]);
    else group.push(make(row));
  }
  return groups;
}

/**
 * Charsets whose text survives the way to utf8mb4 and back, of those a database uses. The Unicode ones do; of those
 * with one byte a character the server is asked about all 256; of others nobody can say.
 */
export async function readExactCharsets(
  { wire }: Session,
  used: Iterable<string>,
): Promise<ReadonlySet<string>> {
  const exact = new Set(['ucs2', 'utf16', 'utf16le', 'utf32']);
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('hex');
  const single = new Set(
    (
      await wire.query('SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS WHERE MAXLEN = 1')
    ).map(([name]) => name ?? ''),
  );
  for (const charset of new Set(used)) {
    if (!single.has(charset) || charset === 'binary') continue;
    const there = `CONVERT(CONVERT(UNHEX('${all}') USING ${charset}) USING utf8mb4)`;
    const [row] = await wire.query(`SELECT HEX(CONVERT(${there} USING ${charset}))`);
    if (row?.[0]?.toLowerCase() === all) exact.add(charset);
  }
  return exact;
}
