import * as vscode from 'vscode';
import type { OfBackup } from '../../engine/protocol.ts';
import { Context } from '../ids.ts';

/** What undoes a restore: the safety backup taken before it, and what it restored ([]: everything). */
export interface Undo extends OfBackup {
  readonly paths: readonly string[];
}

const KEY = 'lastRestore';

/** Remembers the last restore in this workspace, across windows, so that it can be undone. */
export class LastRestore {
  readonly #memory: vscode.Memento;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
    this.#tell();
  }

  get undo(): Undo | undefined {
    return this.#memory.get<Undo>(KEY);
  }

  async remember(undo: Undo | undefined): Promise<void> {
    await this.#memory.update(KEY, undo);
    this.#tell();
  }

  #tell(): void {
    void vscode.commands.executeCommand('setContext', Context.canUndoRestore, this.undo !== undefined);
  }
}
