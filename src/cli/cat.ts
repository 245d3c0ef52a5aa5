import type { Command } from 'commander';
import { encodeName } from '../core/source/name.ts';
import { throwIfCancelled } from '../core/task.ts';
import { entryPath } from './entry-path.ts';
import { openBackup, type OpenedBackup, rootsOf } from './opened.ts';
import { printable } from '../core/printable.ts';
import type { Act, Session } from './session.ts';
import { UsageError } from './usage.ts';

/** `cat`: the raw bytes of one entry. */
export function defineCat(program: Command, act: Act): void {
  program
    .command('cat <backup> <path>')
    .description('write the raw bytes of one entry to stdout')
    .action((reference: string, path: string) =>
      act(async (session) => {
        if (session.options.json === true) {
          throw new UsageError(
            'cat writes raw bytes, so --json does not go with it.',
            'Use ls for facts as JSON.',
          );
        }
        const opened = await openBackup(session, reference);
        const name = entryPath(path, rootsOf(opened, opened.record), session.surroundings.cwd);
        return { json: undefined, text: await content(opened, name, session) };
      }),
    );
}

async function content(
  { vault, record }: OpenedBackup,
  path: string,
  { task }: Session,
): Promise<AsyncIterable<Uint8Array>> {
  const { entryAt } = await import('../core/entries.ts');
  const entry = await entryAt(vault, record, path);
  if (entry.type === 'directory') {
    throw new UsageError(`${printable(path)} is a directory.`, 'Name a file in it; ls lists them.');
  }
  const index = await vault.index();
  return (async function* () {
    // A link's content is where it points.
    if (entry.target !== undefined) yield encodeName(entry.target);
    for await (const chunk of vault.reader.readContent(entry, index)) {
      throwIfCancelled(task);
      yield chunk;
    }
  })();
}
