import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { createSampleCrm } from '../scripts/sample/crm.ts';
import { formatCount } from '../scripts/sample/format.ts';
import { ownCommand } from './tools/own-command.ts';
import { type Command, measure, run } from './measure.ts';
import { median, type UpkeepResult } from './result.ts';
import { fillVault } from './upkeep-vault.ts';

export interface UpkeepOptions {
  readonly rounds: number;
  readonly scratch: string;
  /** The bundled command line. */
  readonly cli: string;
  readonly log: (line: string) => void;
}

const BACKUPS = 10_000;
const SAMPLE_PERCENT = 25;
/** What a processor does in some seconds, without touching the disk. */
const FOREGROUND = `const { createHash } = require('node:crypto');
  const block = Buffer.alloc(1 << 20, 7);
  for (let round = 0; round < 3000; round++) createHash('sha256').update(block).digest();`;

/** Measures what keeps a vault in order, on one with very many backups, and what a backup in the background costs others. */
export async function measureUpkeep({ rounds, scratch, cli, log }: UpkeepOptions): Promise<UpkeepResult> {
  log(`Upkeep of ${BACKUPS} backups`);
  const folder = await mkdtemp(join(scratch, 'upkeep-'));
  try {
    const at = await prepare(folder, cli);
    const { vault } = JSON.parse(await run(at('init', '--yes'))) as { readonly vault: string };
    const env = { CRM_BACKUP_HOME: join(folder, 'home') };
    await fillVault(vault, { env, cwd: folder, platform: process.platform, userHome: homedir() }, BACKUPS);
    const timed = async (...args: string[]): Promise<number> => {
      const samples: number[] = [];
      for (let round = 0; round <= rounds; round++) {
        const { durationMs } = await measure(at(...args), folder);
        if (round > 0) samples.push(durationMs);
      }
      return median(samples);
    };
    const listMs = await timed('list');
    const forgetMs = await timed('forget', '--dry-run');
    const statsMs = await timed('stats');
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const { durationMs, stdout } = await measure(at('verify', '--sample', `${SAMPLE_PERCENT}%`), folder);
      const { checked } = JSON.parse(stdout) as { readonly checked: { readonly bytes: number } };
      rates.push((checked.bytes / durationMs) * 1000);
    }
    const ratios: number[] = [];
    const beside = await prepare(join(folder, 'beside'), cli);
    for (let round = 0; round < rounds; round++) ratios.push(await slowdown(folder, beside));
    return {
      backups: BACKUPS,
      listMs,
      forgetMs,
      statsMs,
      sampleBytesPerSecond: median(rates),
      slowdown: median(ratios),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(folder: string, cli: string): Promise<(...args: string[]) => Command> {
  const tree = join(folder, 'tree');
  const workspace = join(folder, 'workspace');
  await mkdir(tree, { recursive: true });
  createSampleCrm(tree, { scale: 5, leftovers: false });
  await mkdir(join(workspace, '.vscode'), { recursive: true });
  const retention = { last: 10, hourly: 24, daily: 7, weekly: 4, monthly: 6, yearly: 1 };
  const schedule = [{ kind: 'full', every: 'day', at: '02:00' }];
  const gentle = { onBattery: true };
  const set = { version: 1, sets: [{ name: 'bench', files: [{ root: tree }], schedule, gentle, retention }] };
  await writeFile(join(workspace, '.vscode/crm-backup.json'), JSON.stringify(set));
  return ownCommand(cli, workspace, { CRM_BACKUP_HOME: join(folder, 'home') });
}

/**
 * How many times as long work on every processor takes while scheduled runs take full backups in the background, one after
 * the other for as long as it takes. A set without any backup is due at once, so each begins with none.
 */
async function slowdown(folder: string, at: (...args: string[]) => Command): Promise<number> {
  const alone = await foreground(folder);
  const { argv, environment = {} } = at('schedule', 'run');
  const [program, ...args] = argv;
  const home = environment['CRM_BACKUP_HOME'] ?? '';
  const fresh = `${home}-fresh`;
  await rm(home, { recursive: true, force: true });
  await run(at('init', '--yes'));
  await rename(home, fresh);
  const stop = new AbortController();
  const backups = (async () => {
    while (!stop.signal.aborted) {
      await rm(home, { recursive: true, force: true });
      await cp(fresh, home, { recursive: true });
      const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: 'ignore' });
      stop.signal.addEventListener('abort', () => child.kill());
      await once(child, 'exit');
    }
  })();
  const beside = await foreground(folder);
  stop.abort();
  await backups;
  await rm(fresh, { recursive: true });
  return beside / alone;
}

async function foreground(folder: string): Promise<number> {
  const started = performance.now();
  const work = async (): Promise<string> => run({ argv: [process.execPath, '-e', FOREGROUND], cwd: folder });
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return performance.now() - started;
}

/** The result as Markdown. */
export function renderUpkeep(result: UpkeepResult | undefined): string[] {
  if (result === undefined) return [];
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  const { backups, listMs, forgetMs, statsMs, sampleBytesPerSecond, slowdown: ratio } = result;
  return [
    `## Upkeep, ${formatCount(backups, 'backup')}`,
    '',
    'Whole commands, from their start to their end, on a vault of so many backups an hour apart. Beside the last figure: work on every processor, alone and while `schedule run` takes full backups.',
    '',
    '| | |',
    '| --- | ---: |',
    `| \`list\` | ${seconds(listMs)} |`,
    `| \`forget --dry-run\`, with the reasons each is kept | ${seconds(forgetMs)} |`,
    `| \`stats\`, with what forgetting each would free | ${seconds(statsMs)} |`,
    `| \`verify --sample ${SAMPLE_PERCENT}%\` | ${(sampleBytesPerSecond / 1e6).toFixed(0)} MB/s |`,
    `| work on every processor beside scheduled backups | ${ratio.toFixed(2)} × |`,
    '',
  ];
}
