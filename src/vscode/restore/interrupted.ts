import * as vscode from 'vscode';
import type { Decision, Recovered } from '../../core/restore/recover.ts';
import type { Engine } from '../engine.ts';
import { showFailure } from '../failures.ts';
import { displayName } from '../files/backup-uri.ts';
import { formatMoment } from '../format.ts';
import type { Log } from '../log.ts';
import { localFolders } from '../sets.ts';
import { showInformationMessage, showWarningMessage } from '../window.ts';

/** Tells the user of interrupted restores that concern a folder of this window. */
export async function tellRestores(engine: Engine, log: Log, restores: readonly Recovered[]): Promise<void> {
  const asked = localFolders().map(async ({ uri: { fsPath: workspace } }) =>
    engine.call('concerning', { workspace, restores }),
  );
  // Better told where it need not be than nowhere.
  const all = { restores: restores.map(({ id }) => id) };
  const answers = await Promise.all(asked.map(async (answer) => answer.catch(() => all)));
  const told = new Set(answers.flatMap((answer) => answer.restores));
  for (const found of restores) if (told.has(found.id)) void tellRestore(engine, log, found);
}

/** Tells the user what became of a restore that was interrupted, and asks how to end it where it waits for that. */
async function tellRestore(engine: Engine, log: Log, found: Recovered): Promise<void> {
  const { outcome, directories, databases, journal, reason, hint, spared, keptIn } = found;
  const sentence = sentenceOf(found);
  const where = [...directories, ...databases.map(({ name, target }) => target ?? name)];
  const more = [reason, hint, ...(outcome === 'waiting' ? [journal] : []), ...spared, ...keptIn];
  log.warn([sentence, where.map(displayName).join(', '), ...more].filter(Boolean).join(' '));
  if (outcome === 'undecided') {
    await decide(engine, log, found, sentence);
    return;
  }
  if (outcome === 'failed' || outcome === 'unreadable') {
    const showLog = vscode.l10n.t('Show Log');
    if ((await showWarningMessage(sentence, showLog)) === showLog) log.show();
    return;
  }
  const stayed = vscode.l10n.t('Files that were changed since stayed as they are; the log names them.');
  void showInformationMessage(spared.length === 0 ? sentence : `${sentence} ${stayed}`);
}

/** What is live stays, or the restore is ended: both only when the user has said so twice. */
async function decide(engine: Engine, log: Log, found: Recovered, sentence: string): Promise<void> {
  const keep = vscode.l10n.t('Keep What Is There…');
  const end = vscode.l10n.t('End the Restore…');
  // Where to connect to, and what to run, comes from the workspace.
  const actions = vscode.workspace.isTrusted ? [keep, end] : [];
  const chosen = await showWarningMessage(sentence, ...actions);
  if (chosen === keep && (await agrees(KEEP()))) await carryOut(engine, log, found, 'keep');
  if (chosen === end && (await agrees(END()))) await carryOut(engine, log, found, 'end');
}

interface Question {
  readonly question: string;
  readonly detail: string;
  readonly yes: string;
}

const KEEP = (): Question => ({
  question: vscode.l10n.t('Keep what is there now?'),
  detail: vscode.l10n.t(
    'Files and databases stay as they are now. What the restore has prepared is removed; what files and databases were before it is kept, and you are told where.',
  ),
  yes: vscode.l10n.t('Keep'),
});

const END = (): Question => ({
  question: vscode.l10n.t('End the interrupted restore?'),
  detail: vscode.l10n.t(
    'It is finished or taken back. That may run a restore command again, and it overwrites what was changed in its databases since. Take a backup first.',
  ),
  yes: vscode.l10n.t('End the Restore'),
});

async function agrees({ question, detail, yes }: Question): Promise<boolean> {
  return (await showWarningMessage(question, { modal: true, detail }, yes)) === yes;
}

async function carryOut(engine: Engine, log: Log, { id, set }: Recovered, decision: Decision): Promise<void> {
  try {
    const ended = await engine.call('endInterrupted', { restore: id, decision });
    const kept = ended.kept.map(({ database, place }) =>
      vscode.l10n.t('What {0} was before is kept in {1}.', displayName(database), displayName(place)),
    );
    const files = ended.keptIn.map((folder) =>
      vscode.l10n.t('What files were before is kept in {0}.', displayName(folder)),
    );
    const left = ended.left.map(({ database, places }) =>
      vscode.l10n.t(
        '{0} was left as it is, for it could not be reached; what it was before may stand as {1}.',
        displayName(database),
        places.map(displayName).join(', '),
      ),
    );
    const sentence = [sentenceOf({ ...ended, set }), ...kept, ...files, ...left].join(' ');
    log.info([sentence, ...ended.spared].join(' '));
    void showInformationMessage(sentence);
  } catch (error) {
    await showFailure(log, error);
  }
}

function sentenceOf({ outcome, set, startedAt, journal, reason, spared }: Recovered): string {
  const name = displayName(set);
  switch (outcome) {
    case 'finished':
      return vscode.l10n.t('A restore of {0} was interrupted; it is finished now.', name);
    case 'undone':
      if (spared.length > 0) {
        return vscode.l10n.t(
          'A restore of {0} was interrupted; it is taken back, but for what was changed since.',
          name,
        );
      }
      return vscode.l10n.t('A restore of {0} was interrupted; everything is as it was before.', name);
    case 'kept':
      return vscode.l10n.t('The interrupted restore of {0} is ended; what is there stays.', name);
    case 'waiting':
      return vscode.l10n.t(
        'A restore of {0} was interrupted in a folder that is not there now; it is ended as soon as it is.',
        name,
      );
    case 'undecided':
      if (reason !== undefined) {
        return vscode.l10n.t(
          'A restore of {0} was interrupted, and what it had moved away was removed since: it cannot be ended wholly, so it is left as it is.',
          name,
        );
      }
      return vscode.l10n.t(
        'A restore of {0} of {1} was interrupted. To end it could overwrite what was changed in its databases since, so it is left as it is.',
        name,
        formatMoment(new Date(startedAt), new Date(), vscode.env.language),
      );
    case 'failed':
      return vscode.l10n.t('A restore of {0} was interrupted and cannot be ended now.', name);
    case 'unreadable':
      return vscode.l10n.t(
        'The journal of a restore cannot be read, so whether that was interrupted is not known: {0}.',
        displayName(journal),
      );
  }
}
