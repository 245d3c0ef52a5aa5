import type { Command } from 'commander';
import { openBackup } from './opened.ts';
import { plainText } from '../core/printable.ts';
import type { Act } from './session.ts';
import { shortId } from './shown-record.ts';

/** `pin` and `unpin`: keep a backup for good, or no longer. */
export function definePins(program: Command, act: Act): void {
  for (const [name, pinned, description] of [
    ['pin', true, 'keep a backup for good'],
    ['unpin', false, 'keep a backup only as long as the others'],
  ] as const) {
    program
      .command(`${name} <backup>`)
      .description(description)
      .action((reference: string) =>
        act(async (session) => {
          const { vault, record } = await openBackup(session, reference);
          await vault.note({ backup: record.id, pinned });
          return {
            json: { id: record.id, pinned },
            summary: `Backup ${shortId(record.id)} is ${pinned ? 'pinned' : 'no longer pinned'}.`,
          };
        }),
      );
  }
}

/** `label`: give a backup a name, or take it away. */
export function defineLabel(program: Command, act: Act): void {
  program
    .command('label <backup> [text]')
    .description('label a backup; without a text the label is taken away')
    .action((reference: string, text: string | undefined) =>
      act(async (session) => {
        const { vault, record } = await openBackup(session, reference);
        const label = text === undefined || text === '' ? null : text;
        await vault.note({ backup: record.id, label });
        const id = shortId(record.id);
        return {
          json: { id: record.id, label },
          summary:
            label === null ? `Backup ${id} has no label.` : `Backup ${id} is labelled “${plainText(label)}”.`,
        };
      }),
    );
}
