import * as vscode from 'vscode';
import { addressToPath, BACKUP_SCHEME, toAddress } from '../files/backup-uri.ts';
import { formatMoment } from '../format.ts';
import type { Sets } from '../sets.ts';

/** A check on backups that were found whole, at the end of their lines, where a narrow view does not cut it. */
export class BackupBadges implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #sets: Sets;
  readonly #changed = new vscode.EventEmitter<vscode.Uri[]>();
  readonly #subscriptions: vscode.Disposable;
  /** When backups were verified, by their addresses. */
  #verified = new Map<string, string>();
  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(sets: Sets) {
    this.#sets = sets;
    this.#subscriptions = vscode.Disposable.from(
      sets.onDidChange(() => this.#update()),
      vscode.window.registerFileDecorationProvider(this),
    );
    this.#update();
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== BACKUP_SCHEME || toAddress(uri)?.path !== '') return undefined;
    const at = this.#verified.get(uri.path);
    if (at === undefined) return undefined;
    const moment = formatMoment(new Date(at), new Date(), vscode.env.language);
    return { badge: '✓', tooltip: vscode.l10n.t('verified {0}', moment) };
  }

  dispose(): void {
    this.#subscriptions.dispose();
    this.#changed.dispose();
  }

  #update(): void {
    const before = this.#verified;
    this.#verified = new Map(
      this.#sets.all().flatMap(({ set, state }) =>
        state.backups.flatMap(({ id: backup, verifiedAt }): [string, string][] => {
          return verifiedAt === undefined ? [] : [[addressToPath({ set, backup, path: '' }), verifiedAt]];
        }),
      ),
    );
    const paths = [...new Set([...before.keys(), ...this.#verified.keys()])];
    const changed = paths.filter((path) => before.get(path) !== this.#verified.get(path));
    if (changed.length === 0) return;
    this.#changed.fire(changed.map((path) => vscode.Uri.from({ scheme: BACKUP_SCHEME, path })));
  }
}
