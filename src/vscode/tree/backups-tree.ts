import * as vscode from 'vscode';
import type { BackupSummary, EntryChange, InSet, OfBackup } from '../../engine/protocol.ts';
import type { Engine } from '../engine.ts';
import { localFolders, type Sets } from '../sets.ts';
import { groupByPeriod } from './days.ts';
import { failureNode, messageNode, problemNode } from './messages.ts';
import {
  type BackupNode,
  baseOf,
  type ChangesNode,
  type EntryNode,
  type FilesNode,
  type Node,
  nodeKey,
  type SetNode,
} from './nodes.ts';
import { present } from './present.ts';

/** Sets tell how old their last backup is. */
const REDRAW_MS = 60_000;

/** The tree: sets → periods → backups → changes and files. What is below a backup is asked for when opened. */
export class BackupsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #sets: Sets;
  readonly #engine: Engine;
  readonly #changed = new vscode.EventEmitter<Node | undefined>();
  readonly #parents = new Map<string, Node>();
  readonly #subscriptions: vscode.Disposable;
  #top: Node[] = [];
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(sets: Sets, engine: Engine) {
    this.#sets = sets;
    this.#engine = engine;
    const timer = setInterval(() => {
      for (const node of this.#top) this.#changed.fire(node);
    }, REDRAW_MS);
    this.#subscriptions = vscode.Disposable.from(
      sets.onDidChange(() => this.#changed.fire(undefined)),
      { dispose: () => clearInterval(timer) },
    );
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return present(node);
  }

  getParent(node: Node): Node | undefined {
    return this.#parents.get(nodeKey(node));
  }

  async getChildren(node?: Node): Promise<Node[]> {
    const children = await this.#childrenOf(node);
    if (node !== undefined) for (const child of children) this.#parents.set(nodeKey(child), node);
    return children;
  }

  async #childrenOf(node: Node | undefined): Promise<Node[]> {
    switch (node?.type) {
      case undefined:
        return (this.#top = await this.#roots());
      case 'set':
        return this.#periods(node);
      case 'period':
        return node.backups.map((summary) => backupNode(node, summary));
      case 'backup':
        return this.#insideBackup(node);
      case 'changes':
        return this.#orFailure(node, this.#filesIn(node));
      case 'files':
      case 'entry':
        return this.#orFailure(node, this.#entries(node));
      case 'change':
      case 'message':
        return [];
    }
  }

  async #roots(): Promise<Node[]> {
    if (localFolders().length === 0) return [];
    await this.#sets.load();
    const failures = localFolders().flatMap((folder) => {
      const state = this.#sets.of(folder);
      return state?.status === 'failed' ? [failureNode(folder, state.error)] : [];
    });
    const found = this.#sets.all();
    // A single set without backups: the welcome text says more than an empty branch.
    if (failures.length === 0 && found.length === 1 && isEmpty(found[0]!.state)) return [];
    const many = localFolders().length > 1;
    const sets = found.map(({ workspace, set, state, folder }): SetNode => ({
      type: 'set',
      workspace,
      set,
      state,
      folderName: many ? folder.name : undefined,
    }));
    return [...failures, ...sets];
  }

  #periods(node: SetNode): Node[] {
    const { workspace, set, state } = node;
    const key = nodeKey(node);
    if (state.problem !== undefined) return [problemNode(key, state.problem)];
    const damaged = state.damaged.map(({ id, message }) =>
      messageNode(
        `${key}\n${id}`,
        vscode.l10n.t('Backup {0} cannot be read', id.slice(0, 8)),
        'warning',
        message,
      ),
    );
    if (isEmpty(state)) {
      return [
        messageNode(key, vscode.l10n.t('No backups yet'), 'info', undefined, {
          command: 'crmBackup.backUpNow',
          title: vscode.l10n.t('Back Up Now'),
          arguments: [node],
        }),
      ];
    }
    const groups = groupByPeriod(state.backups, new Date());
    const periods = groups.map(({ period, items }, at): Node => {
      return { type: 'period', workspace, set, period, backups: items, first: at === 0 };
    });
    return [...damaged, ...periods];
  }

  async #insideBackup(node: BackupNode): Promise<Node[]> {
    const { workspace, set, backup, summary } = node;
    const from = baseOf(this.#sets.find(node)?.state.backups ?? [], summary);
    const content = await this.#content(node);
    if (from === undefined) return content;
    const changes = await this.#changes(node, from).catch(() => undefined);
    return [{ type: 'changes', workspace, set, backup, from, changes }, ...content];
  }

  /** Its files and its databases, as far as it has them. */
  async #content({ workspace, set, backup }: OfBackup): Promise<FilesNode[]> {
    const node = { type: 'files', workspace, set, backup } as const;
    // When it cannot be listed, opening the node tells why.
    const tops = await this.#engine.call('list', { workspace, set, backup, path: '' }).catch(() => undefined);
    const holds = (path: string): boolean =>
      tops?.some((source) => source.path.startsWith(`${path}/`)) ?? path === 'files';
    return (['files', 'databases'] as const).filter(holds).map((path) => ({ ...node, path }));
  }

  async #changes({ workspace, set, backup }: OfBackup, from: BackupSummary): Promise<readonly EntryChange[]> {
    const target = { workspace, set, backup, from: from.id, paths: [], probe: false };
    const { changes } = await this.#engine.call('changes', target);
    return changes.filter(({ type }) => type !== 'directory');
  }

  async #filesIn({ workspace, set, backup, from, changes }: ChangesNode): Promise<Node[]> {
    const known = changes ?? (await this.#changes({ workspace, set, backup }, from));
    return known.map((change): Node => ({
      type: 'change',
      workspace,
      set,
      backup,
      path: change.path,
      from,
      change,
    }));
  }

  async #entries(node: FilesNode | EntryNode): Promise<Node[]> {
    const { workspace, set, backup } = node;
    const entries = await this.#engine.call('list', { workspace, set, backup, path: node.path });
    const children = entries.map((info): EntryNode => ({
      type: 'entry',
      workspace,
      set,
      backup,
      path: info.path,
      info,
    }));
    // A single root needs no level of its own.
    const [only, ...others] = children;
    if (node.path === 'files' && only !== undefined && others.length === 0) return this.#entries(only);
    return children.sort(directoriesFirst);
  }

  async #orFailure(node: OfBackup & Node, children: Promise<Node[]>): Promise<Node[]> {
    try {
      return await children;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return [messageNode(nodeKey(node), text, 'error')];
    }
  }

  dispose(): void {
    this.#subscriptions.dispose();
    this.#changed.dispose();
  }
}

function backupNode({ workspace, set }: InSet, summary: BackupSummary): BackupNode {
  return { type: 'backup', workspace, set, backup: summary.id, summary };
}

function isEmpty({ backups, damaged, problem }: SetNode['state']): boolean {
  return backups.length === 0 && damaged.length === 0 && problem === undefined;
}

function directoriesFirst(a: EntryNode, b: EntryNode): number {
  const rank = (node: EntryNode): number => (node.info.type === 'directory' ? 0 : 1);
  return rank(a) - rank(b) || a.path.localeCompare(b.path, undefined, { numeric: true });
}
