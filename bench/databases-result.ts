import { formatBytes, formatCount } from '../scripts/sample/format.ts';
import { type DatabaseWorkRow, databaseRows, memoryLimitBytes } from './limits.ts';
import { type DatabaseFigure, type DatabaseResult, median } from './result.ts';

/** What a run measured: work → `own`, `native` or `restic` → one value a round. */
export type DatabaseSamples = Map<string, Map<string, number[]>>;

interface Measured {
  readonly server: Pick<DatabaseResult, 'product' | 'tools'>;
  readonly rows: number;
  readonly bytes: number;
  readonly samples: DatabaseSamples;
}

/** Turns samples into medians and holds them against the limits. */
export function evaluateDatabase({ server, rows, bytes, samples }: Measured): DatabaseResult {
  const peaks = [...samples].flatMap(([work, values]) =>
    work.endsWith(' memory') ? (values.get('own') ?? []) : [],
  );
  return {
    product: server.product,
    tools: server.tools,
    rows,
    bytes,
    figures: databaseRows.flatMap((row) => figureOf(row, server.product, samples.get(row.work)) ?? []),
    ...(peaks.length === 0 ? {} : { peakBytes: Math.max(...peaks) }),
  };
}

function figureOf(
  { work, against, atMost }: DatabaseWorkRow,
  product: string,
  values: ReadonlyMap<string, readonly number[]> | undefined,
): DatabaseFigure | undefined {
  const [own, other] = [values?.get('own'), values?.get(against)];
  if (values === undefined || own === undefined || other === undefined) return undefined;
  const ratio = median(own) / median(other);
  const limit = atMost[product.startsWith('PostgreSQL') ? 'postgresql' : 'mariadb'];
  return {
    work,
    own: median(own),
    other: median(other),
    samples: Object.fromEntries(values),
    ratio,
    ...(limit === undefined ? {} : { limit, reached: ratio <= limit }),
  };
}

/** The result as Markdown, below one heading. */
export function renderDatabases(results: readonly DatabaseResult[]): string[] {
  return results.flatMap((result) => [
    `## A CRM database, ${result.product}`,
    '',
    `${formatCount(result.rows, 'row')}, ${formatBytes(result.bytes)} as text, with a key and up to two indexes a table; four tables. 0.5 % of the rows of each are changed, evenly. The vault’s work, encryption and flushing to the disk are part of this tool’s figures; every load was compared with the original.`,
    '',
    '| | CRM Backup | the other | ÷ | limit | reached |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...result.figures.map((figure) => renderFigure(figure, result)),
    ...(result.peakBytes === undefined
      ? []
      : [
          `| peak memory | ${formatBytes(result.peakBytes)} | | | ≤ ${formatBytes(memoryLimitBytes)} | ${yesOrNo(result.peakBytes <= memoryLimitBytes)} |`,
        ]),
    '',
  ]);
}

function renderFigure(figure: DatabaseFigure, { tools }: DatabaseResult): string {
  const row = databaseRows.find(({ work }) => work === figure.work);
  const format = (value: number): string =>
    row?.unit === 'bytes' ? formatBytes(value) : `${(value / 1000).toFixed(2)} s`;
  const other =
    row?.against === 'restic' ? 'restic, fed the dump' : tools[row?.work === 'load' ? 'load' : 'dump'];
  return [
    '',
    row?.title ?? figure.work,
    format(figure.own),
    `${format(figure.other)} (\`${other}\`)`.replaceAll('|', '\\|'),
    figure.ratio.toFixed(2),
    figure.limit === undefined ? '–' : `≤ ${String(figure.limit)}`,
    figure.reached === undefined ? '–' : yesOrNo(figure.reached),
    '',
  ]
    .join(' | ')
    .trim();
}

function yesOrNo(reached: boolean): string {
  return reached ? 'yes' : '**no**';
}
