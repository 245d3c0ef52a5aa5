import * as vscode from 'vscode';
import type { BackupKind } from '../../core/vault/record.ts';
import { displayName } from '../files/backup-uri.ts';
import { type OfSet, requireTrust, setNamed, toldBackup } from './named.ts';
import type { Tool } from './tool.ts';

interface Input extends OfSet {
  readonly kind?: BackupKind | 'auto';
  readonly label?: string;
}

/** Takes a backup, after the user has agreed. */
export const createBackupTool: Tool<Input> = {
  async prepare(app, input) {
    requireTrust();
    const { set, state } = await setNamed(app, input);
    const sources = [...state.roots.map(({ directory }) => directory), ...state.databases];
    const name = displayName(set);
    return {
      invocationMessage: vscode.l10n.t('Backing up {0}', name),
      confirmationMessages: {
        title: vscode.l10n.t('Back up {0}?', name),
        message: vscode.l10n.t('This reads {0} and adds a backup.', sources.map(displayName).join(', ')),
      },
    };
  },

  async answer(app, input, token) {
    requireTrust();
    const { workspace, set } = await setNamed(app, input);
    const { kind = 'auto', label } = input;
    const title = vscode.l10n.t('Backing up {0}', displayName(set));
    const taken = await app.works.run(`backup:${workspace}\n${set}`, title, async (options) => {
      using either = new EitherToken(options.token, token);
      return await app.engine.call(
        'backup',
        { workspace, set, kind, label },
        { ...options, token: either.token },
      );
    });
    await app.sets.refresh();
    const { durationMs, notices } = taken;
    const problems = taken.problems.map(({ code, path, message }) => ({ code, path, message }));
    return { set, ...toldBackup(taken), durationMs, problems, notices };
  },
};

/** Cancelled as soon as one of several tokens is. */
class EitherToken implements Disposable {
  readonly #source = new vscode.CancellationTokenSource();
  readonly #listening: vscode.Disposable;

  constructor(...tokens: readonly (vscode.CancellationToken | undefined)[]) {
    const given = tokens.filter((token) => token !== undefined);
    this.#listening = vscode.Disposable.from(
      ...given.map((token) => token.onCancellationRequested(() => this.#source.cancel())),
    );
    if (given.some((token) => token.isCancellationRequested)) this.#source.cancel();
  }

  get token(): vscode.CancellationToken {
    return this.#source.token;
  }

  [Symbol.dispose](): void {
    this.#listening.dispose();
    this.#source.dispose();
  }
}
