import type * as vscode from 'vscode';
import { EngineFailure } from '../../engine/failure.ts';
import type { Engine } from '../engine.ts';
import { showFailure } from '../failures.ts';
import type { Log } from '../log.ts';

/** Has the user told, each time the engine starts, what became of restores that were interrupted, as far as it concerns this window. */
export function tellInterrupted(engine: Engine, log: Log): vscode.Disposable {
  return engine.onDidAwake(({ recovered, failure }) => {
    if (recovered.length > 0) void tell();
    if (failure !== undefined) void showFailure(log, new EngineFailure(failure));

    async function tell(): Promise<void> {
      const { tellRestores } = await import('./interrupted.ts');
      await tellRestores(engine, log, recovered);
    }
  });
}
