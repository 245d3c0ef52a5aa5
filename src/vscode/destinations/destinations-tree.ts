import * as vscode from 'vscode';
import { codeOf } from '../error.ts';
import type { VaultState } from '../../engine/protocol.ts';
import type { Engine } from '../engine.ts';
import { localFolders, type Sets } from '../sets.ts';
import type { Works } from '../works.ts';
import type { DestinationNode, SchedulerNode, VaultNode } from './nodes.ts';
import { schedulerItem } from './scheduler-line.ts';
import { vaultItem } from './vault-line.ts';

/** The view of destinations: the vaults of all folders, each once, and who takes scheduled backups. */
export class DestinationsTree implements vscode.TreeDataProvider<DestinationNode>, vscode.Disposable {
  readonly #engine: Engine;
  readonly #sets: Sets;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #subscriptions: vscode.Disposable;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(engine: Engine, sets: Sets, works: Works) {
    this.#engine = engine;
    this.#sets = sets;
    let isWorking = false;
    this.#subscriptions = vscode.Disposable.from(
      sets.onDidChange(() => this.#changed.fire(undefined)),
      // A prune changes what a vault takes, and nothing about its sets.
      works.onDidChange(() => {
        const was = isWorking;
        isWorking = works.current !== undefined;
        if (was && !isWorking) this.#changed.fire(undefined);
      }),
    );
  }

  getTreeItem(node: DestinationNode): vscode.TreeItem {
    return node.type === 'vault' ? vaultItem(node) : schedulerItem(node);
  }

  async getChildren(node?: DestinationNode): Promise<DestinationNode[]> {
    if (node !== undefined) return [];
    await this.#sets.load();
    const folders = localFolders();
    const found = await Promise.all(
      folders.map(async (folder) => {
        const workspace = folder.uri.fsPath;
        const folderName = folders.length > 1 ? folder.name : undefined;
        const states = await this.#vaultsOf(workspace);
        const vaults = states.map((state): VaultNode => {
          return { type: 'vault', workspace, set: state.sets[0] ?? '', state, folderName };
        });
        if (vaults.length === 0) return [];
        const state = await this.#engine.call('scheduler', { workspace });
        const scheduler: SchedulerNode = { type: 'scheduler', workspace, state, folderName };
        return [...vaults, scheduler];
      }),
    );
    return found.flat();
  }

  async #vaultsOf(workspace: string): Promise<readonly VaultState[]> {
    try {
      return await this.#engine.call('vaults', { workspace });
    } catch (error) {
      // What is wrong with a set file is told where the sets are.
      if (codeOf(error) === undefined) throw error;
      return [];
    }
  }

  dispose(): void {
    this.#subscriptions.dispose();
    this.#changed.dispose();
  }
}
