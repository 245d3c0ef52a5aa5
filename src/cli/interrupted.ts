import type { Command } from 'commander';
import { CancelledError } from '../core/errors.ts';
import type { InterruptedRestore } from '../core/restore/journals.ts';
import type { Recovered } from '../core/restore/recover.ts';
import { homeOf } from '../core/surroundings.ts';
import { keptSentence } from './interrupted-restores.ts';
import { plainText, printable } from '../core/printable.ts';
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
  const { interruptedRestores, UNENDED, unreadableJournals } = await import('../core/restore/journals.ts');
  const home = homeOf(session.surroundings);
  const found = interruptedRestores(home, UNENDED);
  for (const journal of unreadableJournals(home)) {
    session.warn(`The journal of a restore cannot be read: ${printable(journal)}`);
  }
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
    json: {
      id,
      outcome: ended.outcome,
      reason: ended.reason,
      kept,
      keptIn: ended.keptIn,
      left: ended.left,
      spared: ended.spared,
    },
    summary: summary(ended),
  };
}

const QUESTIONS = {
  keep: 'Files and databases stay as they are now, and what the restore has prepared is removed; what was there before it is kept. Go on?',
  end: 'This may run a restore command again and overwrites what was changed in its databases since. Go on?',
} as const;

function summary({ id, outcome, reason, hint, kept, keptIn, left, spared }: Recovered): string {
  const isAsBefore = outcome === 'undone' && spared.length === 0;
  const lines = [`${plainText(id)}: ${isAsBefore ? AS_BEFORE : ENDINGS[outcome]}`];
  if (reason !== undefined) lines.push(plainText([reason, hint].filter(Boolean).join(' ')));
  for (const { database, place } of kept) {
    lines.push(
      `What “${plainText(database)}” was before the restore is kept in ${printable(place)}; remove it when you need it no more.`,
    );
  }
  if (keptIn.length > 0) lines.push(keptSentence(keptIn));
  for (const { database, places } of left) {
    const where = places.length === 0 ? 'beside it' : `as ${places.map(printable).join(', ')}`;
    lines.push(
      `“${plainText(database)}” was left as it is, for it could not be reached or changed; what it was before, or would have become, may stand ${where}.`,
    );
  }
  for (const file of spared) lines.push(`Changed since, and left as it is: ${printable(file)}`);
  return lines.join('\n');
}

const AS_BEFORE = 'the restore is taken back; everything is as it was before.';

const ENDINGS: Readonly<Record<Recovered['outcome'], string>> = {
  finished: 'the restore is finished.',
  undone: 'the restore is taken back, but for what was changed since.',
  kept: 'the restore is ended; what is there now stays.',
  waiting: 'a folder of it is not there now, so nothing was done.',
  undecided: 'nothing was done.',
  failed: 'nothing was done.',
  unreadable: 'nothing was done.',
};

function restoreJson(restore: InterruptedRestore): unknown {
  const { id, set, backup, startedAt, roots, databases = [], phase } = restore;
  return {
    id,
    set,
    backup,
    startedAt,
    directories: roots.map(({ directory }) => directory),
    databases: databases.map(({ name, target }) => target ?? name),
    clearing: phase === 'clearing',
  };
}

function table(found: readonly InterruptedRestore[], { paint }: Session): string {
  return formatTable(
    [
      { title: 'ID' },
      { title: 'BEGUN' },
      { title: 'SET' },
      { title: 'BACKUP' },
      { title: 'OPEN' },
      { title: 'WHERE' },
    ],
    found.map(({ id, startedAt, set, backup, roots, databases = [], phase }) => [
      paint('cyan', id),
      formatTime(startedAt),
      printable(set),
      shortId(backup),
      phase === 'clearing' ? 'clearing up' : 'the restore',
      [
        ...roots.map(({ directory }) => directory),
        ...databases.map(({ name, target }) => `databases/${target ?? name}`),
      ]
        .map(printable)
        .join(', '),
    ]),
    (title) => paint('dim', title),
  );
}
