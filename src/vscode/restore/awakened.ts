import type * as vscode from 'vscode';
import { EngineFailure } from '../../engine/failure.ts';
import type { Engine } from '../engine.ts';
import { showFailure } from '../failures.ts';
import type { Log } from '../log.ts';

/** Has the user told, each time the engine starts, what became of restores that were interrupted. */
export function tellInterrupted(engine: Engine, log: Log): vscode.Disposable {
  return engine.onDidAwake(({ recovered, failure }) => {
    if (recovered.length > 0) void tellAll();
    if (failure !== undefined) void showFailure(log, new EngineFailure(failure));

    async function tellAll(): Promise<void> {
      const { tellRestore } = await import('./interrupted.ts');
      for (const found of recovered) void tellRestore(engine, log, found);
    }
  });
}
