/**
 * `npm run bench`: this tool beside restic, borg and `tar | zstd` on the same trees, in turn.
 *
 *   --rounds N       measured rounds (5)
 *   --only NAMES     of share, crm, memory, tree, databases, rows, vscode, upkeep; separated by commas
 *   --tree DIR       a tree of yours, copied first; for several, once for each
 *   --megabytes N    how large the generated databases are (1000)
 *   --engines NAMES  of postgresql, mariadb
 *   --scratch DIR    where copies and repositories are made (memory, if there is enough)
 *   --json           prints the result as JSON instead of Markdown
 *   --write          writes docs/benchmarks.md and docs/benchmarks.json too
 */
import { existsSync, rmSync, statfsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { readOptions, refuse } from '../scripts/options.mjs';
import { createSampleCrm } from '../scripts/sample/crm.ts';
import { measureDatabases } from './databases.ts';
import { memoryLimitBytes } from './limits.ts';
import { describeMachine } from './machine.ts';
import { measure } from './measure.ts';
import { renderReport } from './report.ts';
import { evaluate, type MemoryResult, type Result, type TreeResult } from './result.ts';
import { measureRounds } from './rounds.ts';
import { measureRowDiff } from './rows.ts';
import { measureVscode } from './vscode.ts';
import { measureUpkeep } from './upkeep.ts';
import { borg } from './tools/borg.ts';
import { createCrmBackup } from './tools/crm-backup.ts';
import { restic } from './tools/restic.ts';
import { tar } from './tools/tar.ts';
import type { Tool } from './tools/tool.ts';
import { copyShareSubset, copyTree, createManyFiles, type TreeSize } from './trees.ts';

const SUBJECTS = 'share,crm,memory,tree,databases,rows,vscode,upkeep';
const ENGINES = 'postgresql,mariadb';
const USAGE = `npm run bench -- [--only ${SUBJECTS}] [--rounds N] [--tree DIR …] [--megabytes N] [--engines ${ENGINES}] [--scratch DIR] [--json] [--write]`;
const values = readOptions(USAGE, {
  rounds: { type: 'string', default: '5' },
  only: { type: 'string', default: SUBJECTS },
  tree: { type: 'string', multiple: true, default: [] },
  megabytes: { type: 'string', default: '1000' },
  engines: { type: 'string', default: ENGINES },
  scratch: { type: 'string', default: memoryDirectory() },
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
});

const project = join(import.meta.dirname, '..');
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) refuse('--rounds wants a whole number from 1', USAGE);
const megabytes = Number(values.megabytes);
if (!(megabytes > 0)) refuse('--megabytes wants a number above 0', USAGE);
const wanted = namesIn('--only', values.only, SUBJECTS);
const engines = namesIn('--engines', values.engines, ENGINES);
for (const folder of [...values.tree, values.scratch]) {
  if (!existsSync(folder)) refuse(`There is no folder ${folder}`, USAGE);
}
const log = (line: string): void => void process.stderr.write(`${line}\n`);

interface Subject {
  readonly key: string;
  readonly name: string;
  readonly make: (directory: string) => TreeSize;
}

const subjects: readonly Subject[] = [
  {
    key: 'share',
    name: 'Many small files: a subset of /usr/share',
    make: (directory) => copyShareSubset(directory),
  },
  {
    key: 'crm',
    name: 'A CRM workspace, generated',
    make: (directory) => createSampleCrm(directory, { scale: 5, leftovers: false }),
  },
  ...values.tree.map((tree) => ({
    key: 'tree',
    name: `A tree of one's own: ${basename(resolve(tree))}`,
    make: (directory: string) => copyTree(resolve(tree), directory),
  })),
];

const ownTool = createCrmBackup(join(project, 'dist/cli.js'));
const tools = await Promise.all(
  [ownTool, restic, borg, tar].map(async (tool) => ({ tool, version: await tool.version() })),
);
const installed = tools.filter(({ version }) => version !== undefined).map(({ tool }) => tool);
if (!installed.includes(ownTool))
  throw new Error('dist/cli.js is missing: build the project first (npm run build).');
for (const { tool, version } of tools) log(`${tool.name}: ${version ?? 'not installed'}`);

const scratch = await mkdtemp(join(values.scratch, 'crm-backup-bench-'));
const restoreTo = await mkdtemp(
  join(existsSync('/dev/shm') ? '/dev/shm' : values.scratch, 'crm-backup-bench-'),
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const directory of [scratch, restoreTo]) rmSync(directory, { recursive: true, force: true });
    process.exit(130);
  });
}
try {
  const trees: TreeResult[] = [];
  for (const subject of subjects) {
    if (wanted.has(subject.key)) trees.push(await measureTree(subject, installed));
  }
  const memory = wanted.has('memory') ? await measureMemory(ownTool) : undefined;
  const databases = wanted.has('databases')
    ? await measureDatabases({
        megabytes,
        // A round takes minutes, and its figures differ little.
        rounds: Math.min(rounds, 3),
        engines,
        ...{ scratch, log, cli: join(project, 'dist/cli.js') },
      })
    : [];
  const rowDiff = wanted.has('rows')
    ? await measureRowDiff({ rounds, scratch, log, cli: join(project, 'dist/cli.js') })
    : undefined;
  const vscode = wanted.has('vscode')
    ? await measureVscode({ rounds: Math.min(rounds, 3), log, cli: join(project, 'dist/cli.js') })
    : undefined;
  const upkeep = wanted.has('upkeep')
    ? await measureUpkeep({ rounds, scratch, log, cli: join(project, 'dist/cli.js') })
    : undefined;
  const result: Result = {
    measuredAt: new Date().toISOString(),
    machine: await describeMachine(scratch, restoreTo),
    rounds,
    tools: tools.map(({ tool, version }) => ({
      name: tool.name,
      setup: tool.setup,
      ...(version === undefined ? {} : { version }),
    })),
    trees,
    ...(memory ? { memory } : {}),
    ...(databases.length > 0 ? { databases } : {}),
    ...(rowDiff ? { rowDiff } : {}),
    ...(vscode ? { vscode } : {}),
    ...(upkeep ? { upkeep } : {}),
  };
  const json = `${JSON.stringify(result, null, 2)}\n`;
  const report = renderReport(result);
  process.stdout.write(values.json ? json : report);
  if (values.write) {
    await writeFile(join(project, 'docs/benchmarks.md'), report);
    await writeFile(join(project, 'docs/benchmarks.json'), json);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
  await rm(restoreTo, { recursive: true, force: true });
}

/** A directory in memory with room for all trees and repositories, else the system's temporary one. */
function namesIn(option: string, value: string, known: string): Set<string> {
  const names = value.split(',');
  const unknown = names.find((name) => !known.split(',').includes(name));
  if (unknown !== undefined) refuse(`${option} knows no “${unknown}”, only ${known}`, USAGE);
  return new Set(names);
}

function memoryDirectory(): string {
  const shared = '/dev/shm';
  if (!existsSync(shared)) return tmpdir();
  const { bavail, bsize } = statfsSync(shared);
  return bavail * bsize > 4e9 ? shared : tmpdir();
}

async function measureTree({ name, make }: Subject, contestants: readonly Tool[]): Promise<TreeResult> {
  log(name);
  const tree = await mkdtemp(join(scratch, 'tree-'));
  try {
    const { files, bytes } = make(tree);
    const samples = await measureRounds(contestants, tree, { rounds, scratch, restoreTo, log });
    return { name, files, bytes, rows: evaluate(samples, ownTool.name) };
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

async function measureMemory(tool: Tool): Promise<MemoryResult | undefined> {
  log('Memory on very many files');
  const tree = join(restoreTo, 'many');
  const directory = join(scratch, 'many');
  const target = join(restoreTo, 'restored');
  for (const made of [tree, directory, target]) await mkdir(made);
  const { files } = createManyFiles(tree);
  const repository = await tool.open(tree, directory);
  const full = (await measure(repository.first, directory)).peakBytes;
  const incremental = (await measure(repository.again(), directory)).peakBytes;
  const restore = (await measure(repository.restore(target), directory)).peakBytes;
  if (full === undefined || incremental === undefined || restore === undefined) return undefined;
  const reached = Math.max(full, incremental, restore) <= memoryLimitBytes;
  return { files, limitBytes: memoryLimitBytes, peaks: { full, incremental, restore }, reached };
}
