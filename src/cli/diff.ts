import type { Command } from 'commander';
import type { EntryChange } from '../core/compare/change.ts';
import type { LineCounts } from '../core/compare/content.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import { throwIfCancelled } from '../core/task.ts';
import { entryPath } from './entry-path.ts';
import { ExitCode } from './exit-code.ts';
import { finishRestores } from './interrupted-restores.ts';
import { type Opened, openVault, rootsOf, setOf } from './opened.ts';
import { plainText, printable } from './printable.ts';
import { counted, formatCount } from './quantity.ts';
import type { Act, Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { UsageError } from './usage.ts';

interface DiffOptions {
  readonly workspace?: true;
  readonly patch?: true;
}

/** What is compared. */
interface Comparison {
  readonly opened: Opened;
  readonly from: BackupRecord | undefined;
  /** Undefined for the workspace. */
  readonly to: BackupRecord | undefined;
  readonly paths: readonly string[];
}

interface CountedChange {
  readonly change: EntryChange;
  readonly lines: LineCounts;
  readonly patch: Buffer | undefined;
}

/** `diff`: what changed between a backup and its base, another backup, or the workspace. */
export function defineDiff(program: Command, act: Act): void {
  program
    .command('diff <backup> [other-or-path...]')
    .usage('[options] BACKUP [OTHER] [PATH...]')
    .description('tell what changed since its base, up to another backup, or up to now')
    .option('--workspace', 'compare with the live files')
    .option('-p, --patch', 'print a unified diff as git does')
    .action((reference: string, rest: string[], options: DiffOptions) =>
      act((session) => compare(reference, rest, options, session)),
    );
}

async function compare(
  reference: string,
  rest: readonly string[],
  options: DiffOptions,
  session: Session,
): Promise<Outcome> {
  const comparison = await comparisonOf(reference, rest, options, session);
  const { from, to } = comparison;
  if (to === undefined) await finishRestores(session);
  const problems: string[] = [];
  const changes = await collectChanges(comparison, session, (path, message) => {
    problems.push(`${printable(path)}: ${message}`);
  });
  for (const problem of problems) session.warn(problem);
  const exitCode = problems.length > 0 ? ExitCode.incomplete : ExitCode.done;
  const withLines = countedChanges(changes, comparison.opened, options.patch === true, session);
  if (session.options.json === true) {
    const entries = [];
    for await (const change of withLines) entries.push(changeJson(change));
    return {
      json: { from: from?.id ?? null, to: to?.id ?? 'workspace', entries, tables: [] },
      exitCode,
    };
  }
  if (options.patch === true)
    return { json: undefined, text: patches(withLines, session.isTerminal), exitCode };
  return { json: undefined, text: summaryLines(withLines, comparison, session), exitCode };
}

async function comparisonOf(
  reference: string,
  rest: readonly string[],
  { workspace }: DiffOptions,
  session: Session,
): Promise<Comparison> {
  const { findBackup, looksLikeReference, predecessorOf } = await import('../core/reference.ts');
  const opened = await openVault(session, workspace === true);
  const { listing, setName } = opened;
  const record = findBackup(listing, reference, setName);
  const second = rest.at(0);
  const other =
    workspace !== true && second !== undefined && looksLikeReference(second)
      ? findBackup(listing, second, setName)
      : undefined;
  const roots = rootsOf(opened, record);
  const paths = rest
    .slice(other === undefined ? 0 : 1)
    .map((path) => entryPath(path, roots, session.surroundings.cwd));
  if (workspace === true) return { opened, from: record, to: undefined, paths };
  if (other !== undefined) return { opened, from: record, to: other, paths };
  return { opened, from: predecessorOf(listing.records, record), to: record, paths };
}

async function collectChanges(
  { opened, from, to, paths }: Comparison,
  session: Session,
  problem: (path: string, message: string) => void,
): Promise<EntryChange[]> {
  const changes: EntryChange[] = [];
  if (to !== undefined) {
    const { compareBackups } = await import('../core/compare.ts');
    for await (const change of compareBackups(opened.vault, from, to, paths, session.task))
      changes.push(change);
  } else if (from !== undefined) {
    const set = setOf(opened, from);
    if (set === undefined) {
      throw new UsageError(
        `the workspace has no set “${plainText(from.set)}”, so there is nothing to compare with.`,
        'Name the workspace with -C DIR.',
      );
    }
    const { compareWithLive } = await import('../core/compare/live.ts');
    const live = compareWithLive(
      opened.vault,
      from,
      set.roots,
      paths,
      ({ path, message, incomplete }) => {
        if (incomplete) problem(path, message);
      },
      session.task,
    );
    for await (const change of live) changes.push(change);
  }
  const { withRenames } = await import('./patch-renames.ts');
  return withRenames(opened.vault, (to ?? from)?.set ?? '', changes, session);
}

async function* countedChanges(
  changes: readonly EntryChange[],
  { vault }: Opened,
  wantsPatch: boolean,
  { task }: Session,
): AsyncGenerator<CountedChange> {
  const { countLines, readText } = await import('../core/compare/content.ts');
  const { formatPatch } = await import('../core/compare/patch.ts');
  for (const [done, change] of changes.entries()) {
    throwIfCancelled(task);
    task.progress?.({ phase: 'lines', done, total: changes.length, unit: 'files' });
    const text = await readText(vault, change);
    yield { change, lines: countLines(text), patch: wantsPatch ? formatPatch(change, text) : undefined };
  }
}

function changeJson({ change, lines, patch }: CountedChange): Record<string, unknown> {
  const { path, change: kind, oldPath, before, after } = change;
  return {
    path,
    change: kind,
    ...(oldPath === undefined ? {} : { oldPath }),
    type: (after ?? before)?.type,
    ...lines,
    ...(patch === undefined ? {} : { patch: patch.toString('utf8') }),
  };
}

/** Patches byte for byte; on a terminal without anything it would obey. */
async function* patches(
  changes: AsyncIterable<CountedChange>,
  isTerminal: boolean,
): AsyncGenerator<string | Uint8Array> {
  for await (const { patch } of changes) {
    if (patch !== undefined) yield isTerminal ? plainText(patch.toString('utf8')) : patch;
  }
}

const LETTERS = { added: 'A', modified: 'M', deleted: 'D', renamed: 'R' } as const;
const COLOURS = { added: 'green', modified: 'yellow', deleted: 'red', renamed: 'cyan' } as const;

async function* summaryLines(
  changes: AsyncIterable<CountedChange>,
  { from, to }: Comparison,
  { paint }: Session,
): AsyncGenerator<string> {
  yield `${paint('dim', `from ${nameOf(from) ?? 'nothing'} to ${nameOf(to) ?? 'the workspace'}`)}\n`;
  const totals = { added: 0, modified: 0, deleted: 0, renamed: 0 };
  let added = 0;
  let deleted = 0;
  for await (const { change, lines } of changes) {
    totals[change.change]++;
    added += lines.added ?? 0;
    deleted += lines.deleted ?? 0;
    const isDirectory = (change.after ?? change.before)?.type === 'directory';
    const path = `${printable(change.path)}${isDirectory ? '/' : ''}`;
    const name = change.oldPath === undefined ? path : `${printable(change.oldPath)} -> ${path}`;
    yield `${paint(COLOURS[change.change], LETTERS[change.change])}  ${name}${linesText(lines)}\n`;
  }
  const parts = Object.entries(totals).flatMap(([kind, count]) =>
    count === 0 ? [] : `${formatCount(count)} ${kind}`,
  );
  if (parts.length === 0) yield 'Nothing changed.\n';
  else yield `${parts.join(', ')}; ${counted(added, 'line')} added, ${formatCount(deleted)} deleted\n`;
}

function linesText({ binary, added, deleted }: LineCounts): string {
  if (binary) return '  (binary)';
  const parts = [
    ...(added ? [`+${formatCount(added)}`] : []),
    ...(deleted ? [`-${formatCount(deleted)}`] : []),
  ];
  return parts.length === 0 ? '' : `  ${parts.join(' ')}`;
}

function nameOf(record: BackupRecord | undefined): string | undefined {
  if (record === undefined) return undefined;
  const label = record.label === undefined ? '' : ` “${plainText(record.label)}”`;
  return `${shortId(record.id)}${label}`;
}
