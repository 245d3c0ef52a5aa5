import type { Command } from 'commander';
import { findBackup } from '../core/reference.ts';
import { openVault } from './opened.ts';
import { counted } from './quantity.ts';
import type { Act } from './session.ts';
import { shortId } from './shown-record.ts';
import { UsageError } from './usage.ts';

/** `forget`: take backups off the list; prune frees their space. */
export function defineForget(program: Command, act: Act): void {
  program
    .command('forget <backup...>')
    .description('take backups off the list; “prune” then frees their space')
    .option('--dry-run', 'only tell what would be forgotten')
    .action((references: string[], { dryRun }: { dryRun?: true }) =>
      act(async (session) => {
        const { vault, listing, setName: set } = await openVault(session);
        const named = references.map((reference) => findBackup(listing, reference, set));
        const removed = [...new Map(named.map((record) => [record.id, record])).values()];
        const pinned = removed.find((record) => record.pinned);
        if (pinned !== undefined) {
          throw new UsageError(
            `backup ${shortId(pinned.id)} is pinned, so nothing was forgotten.`,
            `Unpin it first: crm-backup unpin ${shortId(pinned.id)}`,
          );
        }
        if (dryRun !== true) {
          const { lockVault } = await import('../core/vault/lock.ts');
          await using _lock = await lockVault(
            vault.storage,
            'shared',
            { purpose: 'forgetting backups' },
            session.task,
          );
          for (const { id } of removed) await vault.forget(id);
        }
        const gone = new Set(removed.map(({ id }) => id));
        const kept = listing.records.filter(
          ({ id, set: of }) => !gone.has(id) && (set === undefined || of === set),
        );
        const ids = removed.map(({ id }) => shortId(id)).join(', ');
        return {
          json: {
            removed: removed.map(({ id }) => id),
            kept: kept.map(({ id, pinned: isPinned }) => ({
              id,
              reasons: [isPinned ? 'pinned' : 'not named'],
            })),
          },
          summary:
            dryRun === true
              ? `Would forget ${counted(removed.length, 'backup')}: ${ids}.`
              : `Forgot ${counted(removed.length, 'backup')}: ${ids}. “crm-backup prune” frees the space.`,
        };
      }),
    );
}
