import * as vscode from 'vscode';
import type { BackupSummary, EntryChange, InSet } from '../../engine/protocol.ts';
import { entryCount } from '../counts.ts';
import { fileOfEntry } from '../files/on-disk.ts';
import { formatMoment } from '../format.ts';
import type { Sets } from '../sets.ts';
import type { WorkingChanges } from './working-changes.ts';

/** In a larger set files are not looked at only to mark them. */
const MOST_FILES = 50_000;

const COUNT_SCHEME = 'crm-backup-working';
/** A badge has room for two characters; beyond them stands what the editor's own badges have there. */
const MOST_COUNTED = 99;
const MANY = '9+';

interface Mark {
  readonly change: EntryChange['change'];
  readonly from: BackupSummary;
}

/**
 * Marks files that are not as the newest backup has them, where the user wants it and the set is not huge. How many there
 * are stands at the end of the line of working changes, where a narrow view does not cut it.
 */
export class Decorations implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #sets: Sets;
  readonly #working: WorkingChanges;
  readonly #changed = new vscode.EventEmitter<vscode.Uri[]>();
  readonly #subscriptions: vscode.Disposable;
  #marks = new Map<string, Mark>();
  #watching: vscode.Disposable | undefined;
  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(sets: Sets, working: WorkingChanges) {
    this.#sets = sets;
    this.#working = working;
    this.#subscriptions = vscode.Disposable.from(
      working.onDidChange((target) => {
        this.#update();
        this.#changed.fire([countAddress(target)]);
      }),
      sets.onDidChange(() => this.#update()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('crmBackup.decorations')) this.#follow();
      }),
      vscode.window.registerFileDecorationProvider(this),
    );
    this.#follow();
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme === COUNT_SCHEME) return this.#count({ workspace: uri.query, set: uri.path.slice(1) });
    const mark = uri.scheme === 'file' ? this.#marks.get(uri.toString()) : undefined;
    if (mark === undefined) return undefined;
    const moment = formatMoment(new Date(mark.from.createdAt), new Date(), vscode.env.language);
    return mark.change === 'added'
      ? {
          badge: 'B',
          tooltip: vscode.l10n.t('Not in the backup of {0}', moment),
          color: new vscode.ThemeColor('crmBackup.addedSinceBackup'),
        }
      : {
          badge: 'B',
          tooltip: vscode.l10n.t('Changed since the backup of {0}', moment),
          color: new vscode.ThemeColor('crmBackup.modifiedSinceBackup'),
        };
  }

  dispose(): void {
    this.#watching?.dispose();
    this.#subscriptions.dispose();
    this.#changed.dispose();
  }

  #count(target: InSet): vscode.FileDecoration | undefined {
    const { files, tables, objects } = this.#working.of(target) ?? {};
    const count = [files, tables, objects].reduce((sum, each) => sum + (each?.length ?? 0), 0);
    if (count === 0) return undefined;
    const badge = count > MOST_COUNTED ? MANY : String(count);
    return { badge, tooltip: entryCount(files?.length, tables?.length, objects?.length) };
  }

  #follow(): void {
    const isWanted = vscode.workspace.getConfiguration('crmBackup').get<boolean>('decorations', true);
    this.#watching?.dispose();
    this.#watching = isWanted ? this.#working.watch(isSmall) : undefined;
    this.#update();
  }

  #update(): void {
    const before = this.#marks;
    this.#marks = new Map(this.#watching === undefined ? [] : this.#marksNow());
    const changed = [...new Set([...before.keys(), ...this.#marks.keys()])].filter((uri) => {
      const [old, fresh] = [before.get(uri), this.#marks.get(uri)];
      return old?.change !== fresh?.change || old?.from.id !== fresh?.from.id;
    });
    if (changed.length > 0) this.#changed.fire(changed.map((uri) => vscode.Uri.parse(uri)));
  }

  #marksNow(): [string, Mark][] {
    return this.#sets.all().flatMap((found) => {
      const known = this.#working.of(found);
      if (known?.files === undefined || !isSmall(known.from)) return [];
      return known.files.flatMap(({ path, change }): [string, Mark][] => {
        const uri = change === 'deleted' ? undefined : fileOfEntry(found.state.roots, path);
        return uri === undefined ? [] : [[uri.toString(), { change, from: known.from }]];
      });
    });
  }
}

/** Under which address the line of a set's working changes is asked for its count. */
export function countAddress({ workspace, set }: InSet): vscode.Uri {
  return vscode.Uri.from({ scheme: COUNT_SCHEME, path: `/${set}`, query: workspace });
}

function isSmall({ files }: BackupSummary): boolean {
  return files.total <= MOST_FILES;
}
