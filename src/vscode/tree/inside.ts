import * as vscode from 'vscode';
import type { TableSummary } from '../../core/compare/rows.ts';
import type { Problem } from '../../core/problem.ts';
import type { EntryChange } from '../../engine/protocol.ts';
import type { Engine } from '../engine.ts';
import { formatNumber } from '../format.ts';
import { BACKUPS_VIEW } from '../ids.ts';
import type { Sets } from '../sets.ts';
import { byPath } from '../working/patch.ts';
import type { WorkingChanges } from '../working/working-changes.ts';
import { sentenceOf } from '../sentences.ts';
import { Contents } from './contents.ts';
import { messageNode } from './messages.ts';
import {
  type BackupNode,
  baseOf,
  type ChangesNode,
  type EntryNode,
  type FilesNode,
  type Node,
  nodeKey,
  type WorkingChangeNode,
  type WorkingDatabasesNode,
  type WorkingNode,
  type WorkingTableNode,
} from './nodes.ts';
import { withProgress } from '../window.ts';

/** More changed files nobody reads line by line; the multi-diff editor is for those. */
const MOST_LISTED = 1000;

/** Rows are counted so long before the tables are shown without. */
const COUNT_MS = 1500;

/** What is below the lines of backups and of working changes, asked for when they are opened. */
export class Inside {
  readonly #sets: Sets;
  readonly #working: WorkingChanges;
  readonly #contents: Contents;

  constructor(sets: Sets, engine: Engine, working: WorkingChanges) {
    this.#sets = sets;
    this.#working = working;
    this.#contents = new Contents(engine);
  }

  /** The lines below one; what fails becomes a sentence in their place. */
  async childrenOf(node: Node): Promise<readonly Node[]> {
    try {
      switch (node.type) {
        case 'backup':
          return await this.#ofBackup(node);
        case 'changes':
          return await this.#changed(node);
        case 'files':
        case 'entry':
          return await this.#entries(node);
        case 'working':
          return await this.#ofWorking(node);
        case 'workingDatabases':
          return await this.#databases(node);
        default:
          return [];
      }
    } catch (error) {
      const text = sentenceOf(error);
      return [messageNode(nodeKey(node), text, 'error')];
    }
  }

  async #ofBackup(node: BackupNode): Promise<readonly Node[]> {
    const { workspace, set, backup, summary } = node;
    const from = baseOf(this.#sets.find(node)?.state.backups ?? [], summary);
    const content = await this.#content(node);
    if (from === undefined) return content;
    const changes = await this.#contents.changes(node, from.id).catch(() => undefined);
    return [{ type: 'changes', workspace, set, backup, from, changes }, ...content];
  }

  /** Its files and its databases, as far as it has them. */
  async #content({ workspace, set, backup }: BackupNode): Promise<readonly FilesNode[]> {
    const node = { type: 'files', workspace, set, backup } as const;
    const tops = await this.#contents.list({ workspace, set, backup, path: '' });
    const holds = (path: string): boolean => tops.some((source) => source.path.startsWith(`${path}/`));
    return (['files', 'databases'] as const).filter(holds).map((path) => ({ ...node, path }));
  }

  async #changed(node: ChangesNode): Promise<readonly Node[]> {
    const { workspace, set, backup, from, changes } = node;
    const known = changes ?? (await this.#contents.changes(node, from.id));
    const tables = known.some(({ type }) => type === 'table') ? await this.#counted(node) : [];
    return listed(node, known, (change) => {
      const table = tables.find(({ database, path }) => `databases/${database}/${path}` === change.path);
      return { type: 'change', workspace, set, backup, path: change.path, from, change, table };
    });
  }

  /** Tables with how many rows differ; what takes longer than a moment is there when this is opened again. */
  async #counted(node: ChangesNode): Promise<readonly TableSummary[]> {
    const tables = this.#contents.tables(node, node.from.id).catch(() => []);
    const later = new Promise<readonly TableSummary[]>((resolve) => setTimeout(resolve, COUNT_MS, []));
    return Promise.race([tables, later]);
  }

  async #ofWorking(node: WorkingNode): Promise<readonly Node[]> {
    const { workspace, set, backup, from } = node;
    const of = this.#working.of(node);
    const { files: known, problems = [] } =
      (of?.files === undefined ? await this.#working.refresh(node) : of) ?? {};
    const unread = problems.length === 0 ? [] : [await unreadNode(node, problems)];
    const files =
      known === undefined
        ? [messageNode(nodeKey(node), vscode.l10n.t('The workspace could not be compared.'), 'warning')]
        : listed(node, known, (change) => {
            return { type: 'workingChange', workspace, set, backup, path: change.path, from, change };
          });
    const hasDatabases = (this.#sets.find(node)?.state.databases.length ?? 0) > 0;
    const all = [...unread, ...files];
    return hasDatabases ? [...all, { type: 'workingDatabases', workspace, set, backup }] : all;
  }

  async #databases(node: WorkingDatabasesNode): Promise<readonly Node[]> {
    const { workspace, set, backup } = node;
    // Drawing the line anew is no reason to read databases again; Refresh is.
    const known = this.#working.of(node);
    if (known === undefined) return [];
    const { from } = known;
    const location = { viewId: BACKUPS_VIEW };
    const { tables, objects, unread } =
      known.tables === undefined
        ? await withProgress({ location }, () => this.#working.compareDatabases(node))
        : { ...known, tables: known.tables };
    const failures = unread.map((text) => messageNode(`${nodeKey(node)}\n${text}`, text, 'warning'));
    const ofTables = tables.map((table): WorkingTableNode => {
      const path = `databases/${table.database}/${table.path}`;
      return { type: 'workingTable', workspace, set, backup, path, table };
    });
    const ofObjects = objects.map(({ path, change: kind }): WorkingChangeNode => {
      const change = { path, change: kind, type: 'object', binary: false } as const;
      return { type: 'workingChange', workspace, set, backup, path, from, change };
    });
    const lines = [...ofTables, ...ofObjects].sort(byPath);
    if (failures.length + lines.length > 0) return [...failures, ...lines];
    return [messageNode(nodeKey(node), vscode.l10n.t('Nothing differs.'), 'info')];
  }

  async #entries(node: FilesNode | EntryNode): Promise<readonly Node[]> {
    const { workspace, set, backup } = node;
    const entries = await this.#contents.list(node);
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
}

/** What could not be read, where its changes would be listed. */
async function unreadNode(node: WorkingNode, problems: readonly Problem[]): Promise<Node> {
  const { uncomparedLines, uncomparedText } = await import('../unread.ts');
  const lines = uncomparedLines(problems);
  return messageNode(`${nodeKey(node)}\nunread`, uncomparedText(problems), 'warning', lines.join('\n'));
}

function listed(
  node: Node,
  changes: readonly EntryChange[],
  lineOf: (change: EntryChange) => Node,
): readonly Node[] {
  const lines = changes.slice(0, MOST_LISTED).map(lineOf);
  const rest = changes.length - lines.length;
  if (rest === 0) return lines;
  const text = vscode.l10n.t('… and {0} more', formatNumber(rest, vscode.env.language));
  return [...lines, messageNode(nodeKey(node), text, 'info')];
}

function directoriesFirst(a: EntryNode, b: EntryNode): number {
  const rank = (node: EntryNode): number => (node.info.type === 'directory' ? 0 : 1);
  return rank(a) - rank(b) || a.path.localeCompare(b.path, undefined, { numeric: true });
}
