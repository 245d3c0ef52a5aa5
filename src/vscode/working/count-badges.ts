import * as vscode from 'vscode';
import type { InSet } from '../../engine/protocol.ts';
import { entryCount } from '../counts.ts';
import type { WorkingChanges } from './working-changes.ts';

const SCHEME = 'crm-backup-working';
/** A badge has room for two characters; beyond them stands what the editor's own badges have there. */
const MOST_COUNTED = 99;
const MANY = '9+';

/** How much of a workspace differs from the newest backup, at the end of its line, where a narrow view does not cut it. */
export class CountBadges implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #working: WorkingChanges;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #subscriptions: vscode.Disposable;
  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(working: WorkingChanges) {
    this.#working = working;
    this.#subscriptions = vscode.Disposable.from(
      working.onDidChange((target) => this.#changed.fire(badgeAddress(target))),
      vscode.window.registerFileDecorationProvider(this),
    );
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== SCHEME) return undefined;
    const known = this.#working.of({ workspace: uri.query, set: uri.path.slice(1) });
    const count = (known?.files?.length ?? 0) + (known?.tables?.length ?? 0);
    if (count === 0) return undefined;
    return {
      badge: count > MOST_COUNTED ? MANY : String(count),
      tooltip: entryCount(known?.files?.length, known?.tables?.length),
    };
  }

  dispose(): void {
    this.#subscriptions.dispose();
    this.#changed.dispose();
  }
}

/** Under which address the line of a set's working changes is asked for its badge. */
export function badgeAddress({ workspace, set }: InSet): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${set}`, query: workspace });
}
