import * as vscode from 'vscode';
import { latestOf } from '../../core/latest.ts';
import type { Engine } from '../engine.ts';
import { localFolders, type Sets } from '../sets.ts';
import type { WorkingChanges } from '../working/working-changes.ts';
import { groupByPeriod, untilMidnightMs } from './days.ts';
import type { Inside } from './inside.ts';
import { failureNode, messageNode, problemNode } from './messages.ts';
import { type Node, nodeKey, type PeriodNode, type SetNode } from './nodes.ts';
import { present } from './present.ts';
import { troubleText } from '../trouble-words.ts';
import { changedNodes, type Shown } from './shown.ts';

/**
 * The tree: sets → working changes and periods → backups → changes and files. Upper lines are made of what is known;
 * what is below a backup is asked for when it is opened. Of each line the editor keeps one object for good, under
 * which the latest node is looked up, so that only lines that are different are drawn anew.
 */
export class BackupsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #sets: Sets;
  readonly #engine: Engine;
  readonly #working: WorkingChanges;
  readonly #changed = new vscode.EventEmitter<Node | undefined>();
  readonly #parents = new Map<string, Node>();
  /** What the editor knows a line by. */
  readonly #handles = new Map<string, Node>();
  readonly #latest = new Map<string, Node>();
  /** Lines of which it could not be told what is below. */
  readonly #failed = new Map<string, Node>();
  readonly #subscriptions: vscode.Disposable;
  #inside: Promise<Inside> | undefined;
  #shown: Shown | undefined;
  #midnight: NodeJS.Timeout | undefined;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(sets: Sets, engine: Engine, working: WorkingChanges) {
    this.#sets = sets;
    this.#engine = engine;
    this.#working = working;
    this.#subscriptions = vscode.Disposable.from(
      sets.onDidChange(() => this.#update()),
      // The engine, or the vault, may be back.
      sets.onDidAnswer(() => {
        for (const handle of this.#failed.values()) this.#changed.fire(handle);
      }),
      // Where nothing is compared there is no line for it.
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#update()),
      working.onDidChange(({ workspace, set }) => {
        for (const node of this.#latest.values()) {
          if (node.type === 'working' && node.workspace === workspace && node.set === set) this.#fire(node);
        }
      }),
    );
    this.#waitForMidnight();
  }

  getTreeItem(handle: Node): vscode.TreeItem {
    const node = this.#latest.get(nodeKey(handle)) ?? handle;
    if (node.type !== 'working' && node.type !== 'workingDatabases') return present(node);
    const hasDatabases = (this.#sets.find(node)?.state.databases.length ?? 0) > 0;
    return present(node, { working: this.#working.of(node), hasDatabases });
  }

  /** What takes asking is asked when somebody rests on a line. */
  async resolveTreeItem(item: vscode.TreeItem, handle: Node): Promise<vscode.TreeItem> {
    const node = this.#latest.get(nodeKey(handle)) ?? handle;
    if (node.type !== 'backup') return item;
    const { workspace, set, backup, summary } = node;
    // The rest of what is known is worth showing without it.
    const details = await this.#engine.call('details', { workspace, set, backup }).catch(() => undefined);
    const base = this.#sets.find(node)?.state.backups.find(({ id }) => id === summary.base);
    const { backupTooltip } = await import('./tooltips/backup.ts');
    item.tooltip = backupTooltip(summary, base, details);
    return item;
  }

  getParent(node: Node): Node | undefined {
    return this.#parents.get(nodeKey(node));
  }

  async getChildren(handle?: Node): Promise<Node[]> {
    const parent = handle && (this.#latest.get(nodeKey(handle)) ?? handle);
    const children = await this.#childrenOf(parent);
    // What is wrong with a set comes with the set.
    if (handle !== undefined && handle.type !== 'set') {
      if (children.some(isFailure)) this.#failed.set(nodeKey(handle), handle);
      else this.#failed.delete(nodeKey(handle));
    }
    return children.map((child) => {
      const key = nodeKey(child);
      this.#latest.set(key, child);
      if (handle !== undefined) this.#parents.set(key, handle);
      const known = this.#handles.get(key) ?? child;
      this.#handles.set(key, known);
      return known;
    });
  }

  dispose(): void {
    clearTimeout(this.#midnight);
    this.#subscriptions.dispose();
    this.#changed.dispose();
  }

  async #childrenOf(node: Node | undefined): Promise<readonly Node[]> {
    if (node === undefined) return this.#roots();
    switch (node.type) {
      case 'set':
        return this.#shown?.below.get(nodeKey(node)) ?? this.#below(node);
      case 'period':
        return node.backups.map((summary) => {
          return { type: 'backup', workspace: node.workspace, set: node.set, backup: summary.id, summary };
        });
      default:
        this.#inside ??= this.#openInside();
        return (await this.#inside).childrenOf(node);
    }
  }

  /** Loaded when the first line is opened whose content takes asking. */
  async #openInside(): Promise<Inside> {
    const { Inside } = await import('./inside.ts');
    return new Inside(this.#sets, this.#engine, this.#working);
  }

  async #roots(): Promise<readonly Node[]> {
    if (localFolders().length === 0) return [];
    await this.#sets.load();
    // The editor lets go of everything when it asks for this.
    for (const kept of [this.#handles, this.#latest, this.#parents, this.#failed]) kept.clear();
    this.#shown = this.#look();
    return this.#shown.roots;
  }

  /** What the upper lines are now. */
  #look(): Shown {
    const many = localFolders().length > 1;
    const failures = localFolders().flatMap((folder) => {
      const state = this.#sets.of(folder);
      return state?.status === 'failed' ? [failureNode(folder, state.error, many)] : [];
    });
    const found = this.#sets.all();
    // A single set without backups: the welcome text says more than an empty branch.
    if (failures.length === 0 && found.length === 1 && isEmpty(found[0]!.state)) {
      return { roots: [], below: new Map() };
    }
    const sets = found.map(({ workspace, set, state, folder }): SetNode => ({
      type: 'set',
      workspace,
      set,
      state,
      folderName: many ? folder.name : undefined,
    }));
    const below = new Map(sets.map((node) => [nodeKey(node), this.#below(node)]));
    return { roots: [...failures, ...sets], below };
  }

  #below(node: SetNode): readonly Node[] {
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
    const troubles = state.troubles.map((trouble) => {
      const text = troubleText(set, trouble);
      return messageNode(`${key}\n${trouble.code} ${trouble.at}`, text, 'warning', text, {
        command: 'crmBackup.openDashboard',
        title: vscode.l10n.t('Open Dashboard'),
        arguments: [node],
      });
    });
    if (isEmpty(state)) {
      return [
        ...troubles,
        messageNode(key, vscode.l10n.t('No backups yet'), 'info', undefined, {
          command: 'crmBackup.backUpNow',
          title: vscode.l10n.t('Back Up Now'),
          arguments: [{ workspace, set }],
        }),
      ];
    }
    const from = latestOf(state.backups);
    const working: Node[] =
      from === undefined || !vscode.workspace.isTrusted
        ? []
        : [{ type: 'working', workspace, set, backup: from.id, from }];
    const periods = groupByPeriod(state.backups, new Date()).map(({ period, items }, at): PeriodNode => {
      return { type: 'period', workspace, set, period, backups: items, first: at === 0 };
    });
    return [...troubles, ...damaged, ...working, ...periods];
  }

  /** Draws anew what is different from what was shown. */
  #update(): void {
    const before = this.#shown;
    if (before === undefined) {
      this.#changed.fire(undefined);
      return;
    }
    const after = this.#look();
    this.#shown = after;
    for (const node of [...after.roots, ...[...after.below.values()].flat()]) {
      this.#latest.set(nodeKey(node), node);
    }
    const changed = changedNodes(before, after);
    if (changed === 'all') {
      this.#changed.fire(undefined);
      return;
    }
    for (const node of changed) this.#fire(node);
  }

  #fire(node: Node): void {
    const key = nodeKey(node);
    const handle = this.#handles.get(key);
    // What nobody has seen yet is made of the latest when it is.
    if (handle === undefined) return;
    this.#latest.set(key, node);
    this.#changed.fire(handle);
  }

  /** Then today is yesterday. */
  #waitForMidnight(): void {
    this.#midnight = setTimeout(() => {
      this.#changed.fire(undefined);
      this.#waitForMidnight();
    }, untilMidnightMs(new Date()));
  }
}

/** Whether a line stands for what could not be asked. */
function isFailure(node: Node): boolean {
  return node.type === 'message'
    ? node.icon === 'error'
    : node.type === 'changes' && node.changes === undefined;
}

function isEmpty({ backups, damaged, problem }: SetNode['state']): boolean {
  return backups.length === 0 && damaged.length === 0 && problem === undefined;
}
