import type { Command } from 'commander';
import { openVault } from './opened.ts';
import { counted, formatBytes } from './quantity.ts';
import type { Act } from './session.ts';

/** `prune`: free the space of what no backup needs. */
export function definePrune(program: Command, act: Act): void {
  program
    .command('prune')
    .description('free the space of what no backup needs')
    .option('--dry-run', 'only tell how much it would be')
    .action(({ dryRun = false }: { dryRun?: boolean }) =>
      act(async (session) => {
        const { prune } = await import('../core/vault/prune.ts');
        const { dropForgottenHistory } = await import('../core/history.ts');
        const { vault, placed } = await openVault(session);
        const result = await prune(vault, { dryRun }, session.task);
        const sets = placed.map(({ set }) => set.name);
        if (!dryRun) await dropForgottenHistory(session.surroundings, vault, sets, session.task);
        const freed = formatBytes(result.freedBytes);
        const rewritten =
          result.repackedBytes === 0 ? '' : `, ${formatBytes(result.repackedBytes)} written anew`;
        const forgotten = result.removedBackups.length;
        const gone =
          forgotten === 0 ? '' : `; ${counted(forgotten, 'forgotten backup')} cannot be taken back any more`;
        return {
          json: result,
          summary: dryRun ? `Would free about ${freed}.` : `Freed ${freed}${rewritten}${gone}.`,
        };
      }),
    );
}
