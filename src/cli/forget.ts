import type { Command } from 'commander';
import { CancelledError, CrmBackupError } from '../core/errors.ts';
import { findBackup } from '../core/reference.ts';
import type { KeptBackup } from '../core/retention/retain.ts';
import type { PruneResult } from '../core/vault/prune.ts';
import type { BackupRecord } from '../core/vault/record.ts';
import type { Vault } from '../core/vault/vault.ts';
import { openVault, unreadableText, warnOfUnreadable } from './opened.ts';
import { printable } from '../core/printable.ts';
import { counted, formatBytes, formatTime } from './quantity.ts';
import type { Act, Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { UsageError } from './usage.ts';

interface ForgetOptions {
  readonly dryRun?: true;
  readonly undo?: true;
}

/** `forget`: take backups off the list, those that are named or all that the retention does not keep. */
export function defineForget(program: Command, act: Act): void {
  program
    .command('forget [backup...]')
    .description('take backups off the list: those named, or all that the set’s retention does not keep')
    .option('--dry-run', 'only tell what would be forgotten, and why the others are kept')
    .option('--undo', 'take forgotten backups back: those named, or all')
    .action((references: string[], options: ForgetOptions) =>
      act((session) => {
        if (options.undo === true) return undo(references, options, session);
        return references.length > 0
          ? forgetNamed(references, options, session)
          : forgetByRetention(options, session);
      }),
    );
}

async function forgetNamed(
  references: readonly string[],
  { dryRun }: ForgetOptions,
  session: Session,
): Promise<Outcome> {
  const { vault, listing, setName: set } = await openVault(session);
  warnOfUnreadable(session, listing, references);
  const removed = unique(references.map((reference) => findBackup(listing, reference, set)));
  const pinned = removed.find((record) => record.pinned);
  if (pinned !== undefined) {
    throw new UsageError(
      `backup ${shortId(pinned.id)} is pinned, so nothing was forgotten.`,
      `Unpin it first: crm-backup unpin ${shortId(pinned.id)}`,
    );
  }
  if (dryRun !== true) {
    const { forgetBackups } = await import('../core/retention/forget.ts');
    await forgetBackups(vault, removed, session.task);
  }
  const gone = new Set(removed.map(({ id }) => id));
  const kept = listing.records.filter(
    ({ id, set: of }) => !gone.has(id) && (set === undefined || of === set),
  );
  const ids = removed.map(({ id }) => shortId(id)).join(', ');
  return {
    json: {
      removed: removed.map(({ id }) => id),
      kept: kept.map(({ id, pinned: isPinned }) => ({ id, reasons: [isPinned ? 'pinned' : 'not named'] })),
    },
    summary:
      dryRun === true
        ? `Would forget ${counted(removed.length, 'backup')}: ${ids}.`
        : `Forgot ${counted(removed.length, 'backup')}: ${ids}. ${AFTERWARDS}`,
  };
}

const AFTERWARDS =
  '“crm-backup prune” frees the space; until then “crm-backup forget --undo” takes them back.';

async function forgetByRetention({ dryRun }: ForgetOptions, session: Session): Promise<Outcome> {
  const { forgetBackups, planForget } = await import('../core/retention/forget.ts');
  const { vault, listing, placed } = await openVault(session, true);
  const sets = placed.map(({ set }) => set);
  const now = new Date(session.nowMs);
  const { kept, removed } = planForget(listing.records, sets, now);
  for (const { name, retention } of sets) {
    if (retention !== undefined) continue;
    session.warn(`Set “${printable(name)}” has no “retention” in its set file, so all its backups are kept.`);
  }
  warnOfFuture(kept, session);
  const unreadable = unreadableText(listing);
  if (unreadable !== undefined)
    session.warn(`${unreadable}, so the retention counts only the others; “crm-backup verify” tells more.`);
  const json = {
    removed: removed.map(({ id }) => id),
    kept: kept.map(({ backup, reasons }) => ({ id: backup.id, reasons })),
  };
  const lines = table(kept, removed, session);
  const stay = kept.length === 0 ? 'none is' : counted(kept.length, 'is', 'are');
  const counts = `${counted(removed.length, 'backup')}, ${stay} kept`;
  if (dryRun === true) return { json, text: `${lines}\n\nWould forget ${counts}.` };
  await forgetBackups(vault, removed, session.task);
  const pruned = await freeSpace(vault, sets, now, session);
  const freed =
    pruned === undefined ? '' : ` Freed ${formatBytes(pruned.freedBytes)} of what was forgotten before.`;
  const next = removed.length === 0 ? '' : ` ${AFTERWARDS}`;
  return {
    json: { ...json, freedBytes: pruned?.freedBytes ?? 0 },
    summary: `${lines}\n\nForgot ${counts}.${freed}${next}`,
  };
}

/** Frees what was forgotten some time ago, if that is worth it. What was forgotten is, whatever comes of this. */
async function freeSpace(
  vault: Vault,
  sets: readonly { readonly name: string }[],
  now: Date,
  session: Session,
): Promise<PruneResult | undefined> {
  const { pruneIfWorthwhile } = await import('../core/retention/tidy.ts');
  const { dropForgottenHistory } = await import('../core/history.ts');
  try {
    const pruned = await pruneIfWorthwhile(vault, now, session.task);
    const names = sets.map(({ name }) => name);
    if (pruned !== undefined) await dropForgottenHistory(session.surroundings, vault, names, session.task);
    return pruned;
  } catch (error) {
    if (!(error instanceof CrmBackupError) || error instanceof CancelledError) throw error;
    session.warn(`The backups were forgotten, but no space was freed: ${error.message}`);
    return undefined;
  }
}

function warnOfFuture(kept: readonly KeptBackup<BackupRecord>[], session: Session): void {
  const future = kept.filter(({ reasons }) => reasons.includes('in-the-future'));
  if (future.length === 0) return;
  const these =
    future.length === 1 ? 'is dated later than now and stays' : 'are dated later than now and stay';
  session.warn(`${counted(future.length, 'backup')} ${these}: this computer’s clock was, or is, wrong.`);
}

/** Newest first: what stays and why, and what goes. */
function table(
  kept: readonly KeptBackup<BackupRecord>[],
  removed: readonly BackupRecord[],
  { paint }: Session,
): string {
  const rows = [
    ...kept.map(({ backup, reasons }) => ({ backup, why: reasons.join(', ') })),
    ...removed.map((backup) => ({ backup, why: paint('red', 'forgotten') })),
  ].sort((a, b) => (a.backup.createdAt < b.backup.createdAt ? 1 : -1));
  if (rows.length === 0) return 'There are no backups.';
  const sets = new Set(rows.map(({ backup }) => backup.set));
  return formatTable(
    [{ title: 'ID' }, { title: 'CREATED' }, { title: 'KIND' }, { title: 'SET' }, { title: 'KEPT BECAUSE' }],
    rows.map(({ backup, why }) => [
      paint('cyan', shortId(backup.id)),
      formatTime(backup.createdAt),
      backup.kind,
      sets.size > 1 ? printable(backup.set) : '',
      why,
    ]),
    (title) => paint('dim', title),
  );
}

async function undo(
  references: readonly string[],
  { dryRun }: ForgetOptions,
  session: Session,
): Promise<Outcome> {
  const { forgottenBackups, takeBack } = await import('../core/retention/forget.ts');
  const { vault, setName: set } = await openVault(session);
  const forgotten = await forgottenBackups(vault);
  const listing = { records: forgotten, damaged: [] };
  const chosen =
    references.length > 0
      ? unique(references.map((reference) => findBackup(listing, reference, set)))
      : forgotten.filter((record) => set === undefined || record.set === set);
  if (dryRun !== true) await takeBack(vault, chosen, session.task);
  const ids = chosen.map(({ id }) => shortId(id)).join(', ');
  const done = dryRun === true ? 'Would take back' : 'Took back';
  return {
    json: { restored: chosen.map(({ id }) => id) },
    summary:
      chosen.length === 0
        ? 'There is no forgotten backup that could be taken back.'
        : `${done} ${counted(chosen.length, 'backup')}: ${ids}.`,
  };
}

function unique(records: readonly BackupRecord[]): BackupRecord[] {
  return [...new Map(records.map((record) => [record.id, record])).values()];
}
