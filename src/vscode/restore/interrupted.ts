import * as vscode from 'vscode';
import { EngineFailure } from '../../engine/failure.ts';
import type { Engine } from '../engine.ts';
import { showFailure } from '../failures.ts';
import { displayName } from '../files/backup-uri.ts';
import type { Log } from '../log.ts';

/** Tells the user what became of restores that were interrupted. */
export function tellInterrupted(engine: Engine, log: Log): vscode.Disposable {
  return engine.onDidAwake(({ recovered, failure }) => {
    for (const { set, directories, outcome } of recovered) {
      const sentence =
        outcome === 'finished'
          ? vscode.l10n.t('A restore of {0} was interrupted; it is finished now.', displayName(set))
          : vscode.l10n.t(
              'A restore of {0} was interrupted; everything is as it was before.',
              displayName(set),
            );
      log.warn(`${sentence} ${directories.map(displayName).join(', ')}`);
      void vscode.window.showInformationMessage(sentence);
    }
    if (failure !== undefined) void showFailure(log, new EngineFailure(failure));
  });
}
