import { formatBytes } from '../scripts/sample/format.ts';
import { renderDatabases } from './databases-result.ts';
import { workRows, type WorkRow } from './limits.ts';
import { renderRowDiff } from './rows.ts';
import { renderVscode } from './vscode.ts';
import { renderUpkeep } from './upkeep.ts';
import type { LimitResult, MemoryResult, Result, RowResult, TreeResult } from './result.ts';

/** The result as Markdown: what was measured where and how, then a table for every tree. */
export function renderReport(result: Result): string {
  return [
    '# Benchmarks',
    '',
    `Measured by \`npm run bench\` on ${result.measuredAt.slice(0, 10)}: every tool in turn, at least ${String(result.rounds)} rounds after one to warm up, medians. Every restore of the first round was compared with its tree byte by byte. Ratios are this tool's figure over the other's: below 1 is better.`,
    '',
    `- **Machine:** ${result.machine.cpu}, ${String(result.machine.cores)} cores, ${formatBytes(result.machine.memoryBytes)} of memory, ${result.machine.system}`,
    `- **Where:** trees and repositories on ${result.machine.repositoriesOn}, restored to ${result.machine.restoredTo}; files are in the page cache`,
    ...result.tools.map(
      ({ name, version, setup }) => `- **${cell(name)}** ${version ?? 'not installed'}: ${setup}`,
    ),
    '',
    ...result.trees.flatMap((tree) => [...renderTree(tree, result), '']),
    ...(result.memory ? renderMemory(result.memory) : []),
    ...renderDatabases(result.databases ?? []),
    ...renderRowDiff(result.rowDiff),
    ...renderVscode(result.vscode),
    ...renderUpkeep(result.upkeep),
  ].join('\n');
}

function renderTree(tree: TreeResult, { tools }: Result): string[] {
  const names = tools.map(({ name }) => name);
  const [own = '', ...peers] = names;
  const header = ['', ...names, ...peers.map((peer) => `÷ ${peer}`), 'limit', 'reached'];
  const lines = workRows.map((row) => {
    const measured = tree.rows.find(({ work }) => work === row.work);
    return [
      row.title,
      ...tools.map(({ name, version }) =>
        version === undefined ? 'not installed' : format(measured?.medians[name], row),
      ),
      ...peers.map((peer) => formatRatio(measured, own, peer)),
      row.limits.map(({ against, atMost }) => `≤ ${String(atMost)} × ${against.join(' or ')}`).join(', ') ||
        '–',
      measured?.limits.map(formatReached).join(', ') || '–',
    ];
  });
  return [
    `## ${tree.name}`,
    '',
    `${tree.files.toLocaleString('en')} files, ${formatBytes(tree.bytes)}.`,
    '',
    tableRow(header),
    tableRow(header.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...lines.map(tableRow),
  ];
}

function renderMemory({ files, peaks, limitBytes, reached }: MemoryResult): string[] {
  return [
    `## Memory, ${files.toLocaleString('en')} files`,
    '',
    tableRow(['', 'peak', 'limit', 'reached']),
    tableRow(['---', '---:', '---:', '---:']),
    ...Object.entries(peaks).map(([work, bytes]) =>
      tableRow([
        work,
        formatBytes(bytes),
        `≤ ${formatBytes(limitBytes)}`,
        bytes <= limitBytes ? 'yes' : 'no',
      ]),
    ),
    '',
    reached ? 'The limit is kept.' : 'The limit is **not** kept.',
    '',
  ];
}

function formatRatio(row: RowResult | undefined, own: string, peer: string): string {
  const ours = row?.medians[own];
  const theirs = row?.medians[peer];
  return ours === undefined || theirs === undefined ? '–' : (ours / theirs).toFixed(2);
}

function formatReached({ ratio, reached }: LimitResult): string {
  return ratio === undefined
    ? 'not measured'
    : `${reached === true ? 'yes' : '**no**'} (${ratio.toFixed(2)})`;
}

function format(value: number | undefined, { unit }: WorkRow): string {
  if (value === undefined) return '–';
  return unit === 'bytes' ? formatBytes(value) : `${(value / 1000).toFixed(2)} s`;
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
