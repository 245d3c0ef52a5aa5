import path from 'node:path';
import * as vscode from 'vscode';
import type { SecretQuestion } from '../engine/protocol.ts';
import { displayName } from './files/backup-uri.ts';
import { showInputBox } from './window.ts';

/**
 * The secrets that set files name as `${secret:NAME}`, in VS Code's own storage, each folder's apart. One that is
 * missing is asked for once, and only while the user waits for work they have started.
 */
export class Secrets {
  readonly #storage: vscode.SecretStorage;
  readonly #mayAsk: () => boolean;
  readonly #asking = new Map<string, Promise<string | undefined>>();

  /** @param mayAsk whether the user waits for something now */
  constructor(storage: vscode.SecretStorage, mayAsk: () => boolean) {
    this.#storage = storage;
    this.#mayAsk = mayAsk;
  }

  /** The value of a secret; undefined when there is none and nobody can or wants to tell it. */
  async find(secret: SecretQuestion): Promise<string | undefined> {
    const key = keyOf(secret);
    const known = await this.#storage.get(key);
    if (known !== undefined || !this.#mayAsk()) return known;
    const asked = this.#asking.get(key) ?? this.enter(secret);
    this.#asking.set(key, asked);
    try {
      return await asked;
    } finally {
      this.#asking.delete(key);
    }
  }

  /** Asks the user for a secret and keeps it; undefined when they turn away, and nothing is changed. */
  async enter(secret: SecretQuestion): Promise<string | undefined> {
    const value = await showInputBox({
      title: vscode.l10n.t('Secret “{0}”', displayName(secret.name)),
      prompt: vscode.l10n.t(
        'The backup set of {0} needs it. VS Code keeps it on this computer, encrypted.',
        displayName(path.basename(secret.workspace)),
      ),
      password: true,
      // Whoever looks it up elsewhere comes back to this box.
      ignoreFocusOut: true,
      validateInput: (text) => (text === '' ? vscode.l10n.t('The secret must not be empty.') : undefined),
    });
    if (value === undefined || value === '') return undefined;
    await this.#storage.store(keyOf(secret), value);
    return value;
  }

  /** The names of a folder's secrets that are kept. */
  async kept(workspace: string): Promise<readonly string[]> {
    const start = keyOf({ workspace, name: '' });
    const keys = await this.#storage.keys();
    return keys.filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
  }

  /** Forgets a secret; the next work that needs it asks again. */
  async forget(secret: SecretQuestion): Promise<void> {
    await this.#storage.delete(keyOf(secret));
  }
}

function keyOf({ name, workspace }: SecretQuestion): string {
  return `secret:${workspace}\n${name}`;
}
