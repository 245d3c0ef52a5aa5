import * as vscode from 'vscode';
import { CancelledError } from '../core/errors.ts';
import type { Progress } from '../core/task.ts';
import type { CallOptions } from './engine.ts';
import { backupCount, fileCount, rowCount } from './counts.ts';
import { formatBytes, formatNumber } from './format.ts';
import { phaseName } from './phase-words.ts';
import { BACKUPS_VIEW } from './ids.ts';
import { showInformationMessage, tellInPassing, withProgress } from './window.ts';

/** A piece of work the user has started and waits for. */
export interface Work {
  /** “Backing up espocrm”. */
  readonly title: string;
  /** “reading · 45 % · 120 MB/s”; empty before the first news. */
  readonly progress: string;
}

/** Runs work visibly: in the view, as a cancellable notification, and in the status bar. */
export class Works implements vscode.Disposable {
  readonly #running = new Map<string, Work>();
  readonly #changed = new vscode.EventEmitter<void>();

  /** Work has begun, moved on or ended. */
  readonly onDidChange = this.#changed.event;

  /** What runs now, the latest first. */
  get current(): Work | undefined {
    return [...this.#running.values()].at(-1);
  }

  /** Whether work under this key is running. */
  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /**
   * Runs work under a key that tells it from other work.
   * @param isSafe whether it begins with a safety backup, which stays when the work is cancelled
   * @throws {CancelledError} when the user cancelled it, or work under the same key is running (told to the user)
   */
  async run<T>(
    key: string,
    title: string,
    work: (options: CallOptions) => Promise<T>,
    isSafe = false,
  ): Promise<T> {
    if (this.isRunning(key)) {
      void showInformationMessage(vscode.l10n.t('{0}: this is running already.', title));
      throw new CancelledError();
    }
    this.#set(key, { title, progress: '' });
    const notification = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    try {
      return await withProgress(notification, (report, token) => {
        const showLog = { title: vscode.l10n.t('Show Log'), command: 'crmBackup.showLog' };
        const told = teller(token, (progress) => {
          report(progress, showLog);
          this.#set(key, { title, progress });
        });
        const done = work({ token, progress: told });
        void withProgress({ location: { viewId: BACKUPS_VIEW } }, () => done.then(ignore, ignore));
        return done;
      });
    } catch (error) {
      if (error instanceof CancelledError) {
        tellInPassing(
          isSafe
            ? vscode.l10n.t(
                '{0}: cancelled, nothing was changed; a safety backup that was taken stays.',
                title,
              )
            : vscode.l10n.t('{0}: cancelled, nothing was changed.', title),
        );
      }
      throw error;
    } finally {
      this.#running.delete(key);
      this.#changed.fire();
    }
  }

  #set(key: string, work: Work): void {
    this.#running.set(key, work);
    this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

function ignore(): void {
  // Whoever started the work hears of its end.
}

/** Turns the engine's news into words: phase, percent, rate. */
function teller(
  token: vscode.CancellationToken,
  tell: (words: string) => void,
): (progress: Progress) => void {
  let phase = '';
  let startMs = 0;
  return (progress) => {
    if (token.isCancellationRequested) return;
    if (progress.phase !== phase) {
      phase = progress.phase;
      startMs = Date.now();
    }
    tell(describeProgress(progress, Date.now() - startMs));
  };
}

/** One line about a phase that has been running for so long. */
function describeProgress({ phase, done, total, unit }: Progress, elapsedMs: number): string {
  const parts = [phaseName(phase)];
  if (total !== undefined && total > 0) parts.push(`${Math.min(100, Math.floor((100 * done) / total))} %`);
  else if (done > 0) parts.push(amount(done, unit));
  // Before half a second a rate is noise.
  const rate = elapsedMs < 500 ? 0 : (done * 1000) / elapsedMs;
  if (rate >= 1) parts.push(`${amount(rate, unit)}/s`);
  return parts.join(' · ');
}

function amount(value: number, unit: Progress['unit']): string {
  const count = Math.round(value);
  switch (unit) {
    case 'bytes':
      return formatBytes(value, vscode.env.language);
    case 'files':
      return fileCount(count);
    case 'backups':
      return backupCount(count);
    case 'packs':
      if (count === 1) return vscode.l10n.t('1 pack');
      return vscode.l10n.t('{0} packs', formatNumber(count, vscode.env.language));
    case 'rows':
      return rowCount(count);
  }
}
