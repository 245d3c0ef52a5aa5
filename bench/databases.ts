import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sizeOf } from '../scripts/sample/size-of.ts';
import { ownCommand } from './tools/own-command.ts';
import { writeRows } from './databases-data.ts';
import { type BenchServer, startBenchMariaDb, startBenchPostgres } from './databases-servers.ts';
import { type DatabaseSamples, evaluateDatabase } from './databases-result.ts';
import { type Command, measure, run } from './measure.ts';
import type { DatabaseResult } from './result.ts';

/** How databases are measured. */
export interface DatabaseOptions {
  readonly megabytes: number;
  readonly rounds: number;
  /** Which servers: `postgresql`, `mariadb`. */
  readonly engines: ReadonlySet<string>;
  readonly scratch: string;
  /** The bundled command line. */
  readonly cli: string;
  readonly log: (line: string) => void;
}

const RESTORED = 'crm_restored';
const STARTERS = { postgresql: startBenchPostgres, mariadb: startBenchMariaDb };

/**
 * Measures first and second backup, load and stored size of a generated CRM database on real servers, beside their own
 * tools and restic, in turn. Throws when a load gives other rows.
 */
export async function measureDatabases(options: DatabaseOptions): Promise<DatabaseResult[]> {
  const { scratch, log, megabytes } = options;
  const results: DatabaseResult[] = [];
  const folder = await mkdtemp(join(scratch, 'rows-'));
  const temporary = process.env['TMPDIR'];
  try {
    log(`Databases of ${String(megabytes)} MB`);
    const rows = writeRows(folder, megabytes * 1e6);
    // Servers do not run as root.
    await chmod(scratch, 0o711);
    const servers = await mkdtemp(join(scratch, 'servers-'));
    await chmod(servers, 0o1777);
    process.env['TMPDIR'] = servers;
    for (const [engine, start] of Object.entries(STARTERS)) {
      if (!options.engines.has(engine)) continue;
      await using server = await start();
      log(`  ${server.product}: ${rows.toLocaleString('en')} rows`);
      await server.fill(folder);
      const samples: DatabaseSamples = new Map();
      for (let round = 1; round <= options.rounds; round += 1) {
        log(`  round ${String(round)} of ${String(options.rounds)}`);
        await measureRound(server, round, options, samples);
      }
      results.push(evaluateDatabase({ server, rows, bytes: megabytes * 1e6, samples }));
    }
  } finally {
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}

async function measureRound(
  server: BenchServer,
  round: number,
  { scratch, cli, log }: DatabaseOptions,
  samples: DatabaseSamples,
): Promise<void> {
  const directory = await mkdtemp(join(scratch, 'round-'));
  const note = (work: string, tool: string, value: number | undefined): void => {
    if (value === undefined) return;
    const ofWork = samples.get(work) ?? new Map<string, number[]>();
    samples.set(work, ofWork);
    ofWork.set(tool, [...(ofWork.get(tool) ?? []), value]);
    log(`    ${work}, ${tool}: ${value.toFixed(0)}`);
  };
  const timed = async (work: string, tool: string, command: Command): Promise<void> => {
    await server.settle();
    const { durationMs, peakBytes } = await measure(command, directory);
    note(work, tool, durationMs);
    if (tool === 'own') note(`${work} memory`, tool, peakBytes);
  };
  try {
    const own = await openOwn(server, directory, cli);
    const restic = await openRestic(server, directory);
    const dump = {
      argv: [
        'bash',
        '-o',
        'pipefail',
        '-c',
        `${server.plainDump} | zstd -1 -q -f -o '${directory}/dump.zst'`,
      ],
      environment: server.environment,
    } as const;
    await timed('first', 'own', own.backUp('full'));
    await timed('first', 'native', dump);
    await run(restic.backUp);
    const [before, resticBefore] = [sizeOf(own.vault), sizeOf(restic.repository)];
    note('size', 'own', before);
    note('size', 'restic', resticBefore);
    await server.edit(round);
    await timed('again', 'own', own.backUp('incremental'));
    await timed('again', 'native', dump);
    await run(restic.backUp);
    note('added', 'own', sizeOf(own.vault) - before);
    note('added', 'restic', sizeOf(restic.repository) - resticBefore);

    await timed('load', 'own', own.restore);
    const expected = await server.sums('crm');
    if ((await server.sums(RESTORED)) !== expected) throw new Error('The restored database has other rows.');
    await server.drop(RESTORED);
    const file = join(directory, 'dump');
    await run(server.prepareLoad(file));
    await server.create(RESTORED);
    await timed('load', 'native', server.load(RESTORED, file));
    await server.drop(RESTORED);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** This tool with a vault of its own and a set of the database alone. */
async function openOwn(server: BenchServer, directory: string, cli: string) {
  const workspace = join(directory, 'workspace');
  await mkdir(join(workspace, '.vscode'), { recursive: true });
  const set = { name: 'bench', files: [], databases: [{ name: 'crm', url: '${env:BENCH_DATABASE}' }] };
  await writeFile(join(workspace, '.vscode/crm-backup.json'), JSON.stringify({ version: 1, sets: [set] }));
  const environment = { CRM_BACKUP_HOME: join(directory, 'home'), BENCH_DATABASE: server.url('crm') };
  const command = ownCommand(cli, workspace, environment);
  const { vault } = JSON.parse(await run(command('init', '--yes'))) as { readonly vault: string };
  return {
    vault,
    backUp: (kind: string) => command('backup', '--kind', kind),
    restore: command('restore', 'latest', '--database', `crm=${RESTORED}`, '--no-safety-backup'),
  };
}

/** restic, fed the dump of the server’s own tool as text, as its manual says. */
async function openRestic(server: BenchServer, directory: string) {
  const repository = join(directory, 'restic');
  const environment = {
    ...server.environment,
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: 'benchmark',
    RESTIC_CACHE_DIR: join(directory, 'cache'),
  };
  await run({ argv: ['restic', 'init', '--repository-version', '2'], environment });
  const feed = `${server.plainDump} | restic backup --stdin --stdin-filename crm.sql`;
  return {
    repository,
    backUp: { argv: ['bash', '-o', 'pipefail', '-c', feed], environment },
  } as const;
}
