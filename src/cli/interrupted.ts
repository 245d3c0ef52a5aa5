import type { Command } from 'commander';
import { CancelledError } from '../core/errors.ts';
import type { InterruptedRestore } from '../core/restore/journal.ts';
import type { Recovered } from '../core/restore/recover.ts';
import { homeOf } from '../core/surroundings.ts';
import { plainText, printable } from './printable.ts';
import { confirm } from './prompt.ts';
import { formatTime } from './quantity.ts';
import type { Act, Outcome, Session } from './session.ts';
import { shortId } from './shown-record.ts';
import { formatTable } from './table.ts';
import { UsageError } from './usage.ts';

interface InterruptedOptions {
  readonly end?: true;
  readonly keep?: true;
}

/** `interrupted`: restores that were interrupted and wait to be ended, and how the user wants one to be. */
export function defineInterrupted(program: Command, act: Act): void {
  program
    .command('interrupted [restore]')
    .description('list restores that were interrupted and are not ended, or end one')
    .option('--end', 'finish it or take it back, with its restore command where there is one')
    .option('--keep', 'keep what is live now, whatever it is')
    .action((id: string | undefined, options: InterruptedOptions) =>
      act((session) => (id === undefined ? list(options, session) : end(id, options, session))),
    );
}

async function list({ end: ends, keep }: InterruptedOptions, session: Session): Promise<Outcome> {
  if (ends === true || keep === true) {
    throw new UsageError(
      '--end and --keep need the restore that is meant.',
      'List them with “crm-backup interrupted”.',
    );
  }
  const { interruptedRestores } = await import('../core/restore/journal.ts');
  const found = interruptedRestores(homeOf(session.surroundings));
  return {
    json: { restores: found.map(restoreJson) },
    text: found.length === 0 ? NONE : table(found, session),
  };
}

const NONE = 'No restore waits to be ended.';

async function end(id: string, options: InterruptedOptions, session: Session): Promise<Outcome> {
  if ((options.end === true) === (options.keep === true)) {
    throw new UsageError(
      'say how the restore is to be ended.',
      '--keep keeps what is live now; --end finishes it or takes it back.',
    );
  }
  const decision = options.keep === true ? 'keep' : 'end';
  const { endAlone, leftRestore } = await import('../core/restore/end-restore.ts');
  const { dialogue, surroundings, task } = session;
  const home = homeOf(surroundings);
  leftRestore(home, id);
  if (dialogue !== undefined && !(await confirm(dialogue, QUESTIONS[decision], false))) {
    throw new CancelledError();
  }
  const ended = await endAlone(home, id, decision, surroundings.secret, task);
  const kept = ended.kept.map(({ database, place }) => ({ database, place }));
  return {
    json: { id, outcome: ended.outcome, kept, spared: ended.spared },
    summary: summary(ended),
  };
}

const QUESTIONS = {
  keep: 'Files and databases stay as they are now, and what the restore has prepared is removed. Go on?',
  end: 'This may run a restore command again and overwrites what was changed in its databases since. Go on?',
} as const;

function summary({ id, outcome, kept, spared }: Recovered): string {
  const lines = [`${plainText(id)}: ${ENDINGS[outcome]}`];
  for (const { database, place } of kept) {
    lines.push(
      `What “${plainText(database)}” was before the restore is kept in ${printable(place)}; remove it when you need it no more.`,
    );
  }
  for (const file of spared) lines.push(`Changed since, and left as it is: ${printable(file)}`);
  return lines.join('\n');
}

const ENDINGS: Readonly<Record<Recovered['outcome'], string>> = {
  finished: 'the restore is finished.',
  undone: 'the restore is taken back; everything is as it was before.',
  kept: 'the restore is ended; what is there now stays.',
  waiting: 'a folder of it is not there now, so nothing was done.',
  undecided: 'nothing was done.',
  failed: 'nothing was done.',
  unreadable: 'nothing was done.',
};

function restoreJson({ id, set, backup, startedAt, roots, databases = [] }: InterruptedRestore): unknown {
  return {
    id,
    set,
    backup,
    startedAt,
    directories: roots.map(({ directory }) => directory),
    databases: databases.map(({ name, target }) => target ?? name),
  };
}

function table(found: readonly InterruptedRestore[], { paint }: Session): string {
  return formatTable(
    [{ title: 'ID' }, { title: 'BEGUN' }, { title: 'SET' }, { title: 'BACKUP' }, { title: 'WHERE' }],
    found.map(({ id, startedAt, set, backup, roots, databases = [] }) => [
      paint('cyan', id),
      formatTime(startedAt),
      printable(set),
      shortId(backup),
      [...roots.map(({ directory }) => directory), ...databases.map(({ name }) => `databases/${name}`)]
        .map(printable)
        .join(', '),
    ]),
    (title) => paint('dim', title),
  );
}
