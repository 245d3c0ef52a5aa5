import * as vscode from 'vscode';
import type { Recovered } from '../../core/restore/recover.ts';
import { EngineFailure } from '../../engine/failure.ts';
import type { Engine } from '../engine.ts';
import { showFailure } from '../failures.ts';
import { displayName } from '../files/backup-uri.ts';
import type { Log } from '../log.ts';

/** Tells the user what became of restores that were interrupted. */
export function tellInterrupted(engine: Engine, log: Log): vscode.Disposable {
  return engine.onDidAwake(({ recovered, failure }) => {
    for (const { set, directories, outcome, journal } of recovered) {
      const sentence = sentenceOf(outcome, displayName(set));
      const where = [...directories, ...(outcome === 'waiting' ? [journal] : [])];
      log.warn(`${sentence} ${where.map(displayName).join(', ')}`);
      void vscode.window.showInformationMessage(sentence);
    }
    if (failure !== undefined) void showFailure(log, new EngineFailure(failure));
  });
}

function sentenceOf(outcome: Recovered['outcome'], set: string): string {
  switch (outcome) {
    case 'finished':
      return vscode.l10n.t('A restore of {0} was interrupted; it is finished now.', set);
    case 'undone':
      return vscode.l10n.t('A restore of {0} was interrupted; everything is as it was before.', set);
    case 'kept':
    case 'undecided':
    case 'failed':
      return '';
    case 'waiting':
      return vscode.l10n.t(
        'A restore of {0} was interrupted in a folder that is not there now; it is ended as soon as it is.',
        set,
      );
  }
}
