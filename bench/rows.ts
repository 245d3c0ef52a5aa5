import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasPostgres } from '../test/build/postgres-server.ts';
import { formatBytes, formatCount } from '../scripts/sample/format.ts';
import { ownCommand } from './tools/own-command.ts';
import { type BenchServer, startBenchPostgres } from './databases-servers.ts';
import { type Command, measure, run } from './measure.ts';
import { type DatabaseFigure, median, type RowDiffResult } from './result.ts';

/** How the comparison of rows is measured. */
export interface RowDiffOptions {
  readonly rounds: number;
  readonly scratch: string;
  /** The bundled command line. */
  readonly cli: string;
  readonly log: (line: string) => void;
}

const ROWS = 1_000_000;
/** 0.5 %. */
const CHANGED = ROWS / 200;

const TABLE = `CREATE TABLE contact (id int PRIMARY KEY, name text, email text, phone text, company int, status text,
    created timestamp, amount numeric(12, 2), note text);
  INSERT INTO contact SELECT g, 'Contact ' || md5(g::text), 'user' || g || '@example.com',
    '+49 30 ' || (g::bigint * 7919 % 9999999), g % 5000, (ARRAY['new', 'open', 'won', 'lost'])[g % 4 + 1],
    timestamp '2020-01-01' + g * interval '1 minute', g::bigint * 37 % 100000 / 100.0,
    CASE WHEN g % 3 = 0 THEN NULL ELSE 'Called about offer ' || g % 1000 END
  FROM generate_series(1, ${ROWS}) g`;

/** What is changed before the second and the third backup, and what the comparison must not exceed. */
const EDITS = [
  { work: 'evenly', atMost: 0.4, sql: `UPDATE contact SET note = 'changed ' || id WHERE id % 200 = 7` },
  {
    work: 'clustered',
    atMost: 0.1,
    sql: `UPDATE contact SET note = 'again ' || id WHERE id > 500000 AND id <= ${500_000 + CHANGED}`,
  },
] as const;

/**
 * Measures what it takes to tell which rows of a table with a million differ between two backups, beside git on two dumps
 * of it, in turn. Throws when other rows are told than were changed. Undefined without a PostgreSQL server.
 */
export async function measureRowDiff(options: RowDiffOptions): Promise<RowDiffResult | undefined> {
  const { scratch, log, rounds } = options;
  if (!hasPostgres()) return undefined;
  log('Rows of two backups');
  const folder = await mkdtemp(join(scratch, 'row-diff-'));
  const temporary = process.env['TMPDIR'];
  try {
    await chmod(scratch, 0o711);
    const servers = await mkdtemp(join(scratch, 'servers-'));
    await chmod(servers, 0o1777);
    process.env['TMPDIR'] = servers;
    const prepared = await prepare(folder, options);
    const figures: DatabaseFigure[] = [];
    for (const [at, { work, atMost }] of EDITS.entries()) {
      const own: number[] = [];
      const other: number[] = [];
      for (let round = 0; round <= rounds; round += 1) {
        const ofGit = await measure(gitDiff(prepared.dumps[at]!, prepared.dumps[at + 1]!), folder);
        const ofOwn = await measure(prepared.diff(at), folder);
        check(ofOwn.stdout);
        log(`  ${work}: ${ofOwn.durationMs.toFixed(0)} ms, git ${ofGit.durationMs.toFixed(0)} ms`);
        // The first round warms up.
        if (round === 0) continue;
        own.push(ofOwn.durationMs);
        other.push(ofGit.durationMs);
      }
      const ratio = median(own) / median(other);
      const samples = { own, git: other };
      figures.push({
        work,
        own: median(own),
        other: median(other),
        ...{ samples, ratio, limit: atMost, reached: ratio <= atMost },
      });
    }
    return { product: prepared.product, rows: ROWS, bytes: prepared.bytes, figures };
  } finally {
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
    await rm(folder, { recursive: true, force: true });
  }
}

interface Prepared {
  readonly product: string;
  readonly bytes: number;
  /** Before the edits and behind each. */
  readonly dumps: readonly string[];
  /** What tells the rows that an edit has changed. */
  diff(edit: number): Command;
}

/** Takes a backup and a dump before the edits and behind each of them; the server is not needed any more then. */
async function prepare(folder: string, { cli }: RowDiffOptions): Promise<Prepared> {
  await using server: BenchServer = await startBenchPostgres();
  await server.create('crm');
  const psql = async (sql: string): Promise<string> =>
    run({
      argv: ['sh', '-c', `psql --quiet --set ON_ERROR_STOP=1 --command "$SQL" crm`],
      environment: { ...server.environment, SQL: sql },
    });
  await psql(TABLE);
  const workspace = join(folder, 'workspace');
  await mkdir(join(workspace, '.vscode'), { recursive: true });
  const set = { name: 'bench', files: [], databases: [{ name: 'crm', url: server.url('crm') }] };
  await writeFile(join(workspace, '.vscode/crm-backup.json'), JSON.stringify({ version: 1, sets: [set] }));
  const command = ownCommand(cli, workspace, { CRM_BACKUP_HOME: join(folder, 'home') });
  await run(command('init', '--yes'));
  const ids: string[] = [];
  const dumps: string[] = [];
  for (const sql of [undefined, ...EDITS.map((edit) => edit.sql)]) {
    if (sql !== undefined) await psql(sql);
    const dump = join(folder, `dump${dumps.length}.sql`);
    await run({
      argv: ['sh', '-c', `${server.plainDump} > "$OUT"`],
      environment: { ...server.environment, OUT: dump },
    });
    dumps.push(dump);
    ids.push((JSON.parse(await run(command('backup', '--kind', 'auto'))) as { id: string }).id);
  }
  return {
    product: server.product,
    bytes: (await stat(dumps[0]!)).size,
    dumps,
    diff: (edit) => command('diff', ids[edit]!, ids[edit + 1]!, '--rows', 'crm.contact'),
  };
}

/** Git ends with 1 when files differ. */
function gitDiff(before: string, after: string): Command {
  const script = 'git --no-pager diff --no-index "$1" "$2" > /dev/null; test $? -eq 1';
  return { argv: ['sh', '-c', script, 'sh', before, after] };
}

function check(stdout: string): void {
  const { rows } = JSON.parse(stdout) as { readonly rows: readonly { readonly change: string }[] };
  const changed = rows.filter(({ change }) => change === 'changed').length;
  if (changed !== CHANGED || rows.length !== CHANGED)
    throw new Error(`${changed} of ${rows.length} rows are told as changed; ${CHANGED} were.`);
}

/** The result as Markdown. */
export function renderRowDiff(result: RowDiffResult | undefined): string[] {
  if (result === undefined) return [];
  const { product, rows, bytes, figures } = result;
  return [
    `## Which rows differ, ${product}`,
    '',
    `A table of ${formatCount(rows, 'row')}, ${formatBytes(bytes)} as text, of which 0.5 % are changed. \`diff --rows\` reads two backups from the vault; \`git diff --no-index\` reads two dumps. Both print all that changed.`,
    '',
    '| | CRM Backup | git | ÷ | limit | reached |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...figures.map(({ work, own, other, ratio, limit = 0, reached = false }) => {
      const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
      return `| changed ${work} | ${seconds(own)} | ${seconds(other)} | ${ratio.toFixed(2)} | ≤ ${String(limit)} | ${reached ? 'yes' : '**no**'} |`;
    }),
    '',
  ];
}
