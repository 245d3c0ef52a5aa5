import * as vscode from 'vscode';
import type { EngineClient } from '../engine/client.ts';
import type { Awakening, Input, Operation, Output } from '../engine/protocol.ts';
import type { Progress } from '../core/task.ts';
import { codeOf } from './error.ts';
import type { Log } from './log.ts';
import type { Secrets } from './secrets.ts';

/** How one call is watched and stopped. */
export interface CallOptions {
  readonly token?: vscode.CancellationToken | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
}

const IDLE_MS = 5 * 60_000;

/** The engine as the extension sees it: nothing is loaded and no process runs before the first call. */
export class Engine implements vscode.Disposable {
  readonly #script: string;
  readonly #log: Log;
  readonly #storage: string | undefined;
  readonly #secrets: Secrets | undefined;
  readonly #awoken = new vscode.EventEmitter<Awakening>();
  #client: Promise<EngineClient> | undefined;
  #disposed = false;

  /** The engine has started and found something to tell. */
  readonly onDidAwake = this.#awoken.event;

  /**
   * @param storage where the engine keeps what it can make anew; by default with the user's other data
   * @param secrets where the secrets are that set files name
   */
  constructor(script: string, log: Log, storage?: string, secrets?: Secrets) {
    this.#script = script;
    this.#log = log;
    this.#storage = storage;
    this.#secrets = secrets;
  }

  /** Has the engine carry out one operation; throws what `EngineClient.call` throws. */
  async call<O extends Operation>(
    operation: O,
    input: Input<O>,
    { token, progress }: CallOptions = {},
  ): Promise<Output<O>> {
    const client = await (this.#client ??= this.#connect());
    const controller = new AbortController();
    if (token?.isCancellationRequested) controller.abort();
    const cancellation = token?.onCancellationRequested(() => controller.abort());
    try {
      return await client.call(operation, input, { signal: controller.signal, progress });
    } finally {
      cancellation?.dispose();
    }
  }

  /** As {@link call}, of what changes nothing: of an engine that stops at it, the one that is started then is asked again. */
  async ask<O extends Operation>(operation: O, input: Input<O>): Promise<Output<O>> {
    try {
      return await this.call(operation, input);
    } catch (error) {
      if (codeOf(error) !== 'stopped') throw error;
      return this.call(operation, input);
    }
  }

  /** The engine's process, while it runs. */
  async processId(): Promise<number | undefined> {
    return (await this.#client)?.pid;
  }

  /** Ends the running engine once it is done; the next call starts another, with the settings of then. */
  restart(): void {
    void this.#client?.then((client) => client.disposeWhenIdle());
    this.#client = undefined;
  }

  dispose(): void {
    this.#disposed = true;
    void this.#client?.then((client) => client.dispose());
    this.#client = undefined;
    this.#awoken.dispose();
  }

  async #connect(): Promise<EngineClient> {
    const { EngineClient } = await import('../engine/client.ts');
    const client = new EngineClient({
      script: this.#script,
      environment: environment(this.#storage),
      idleMs: IDLE_MS,
      secret: async (question) => this.#secrets?.find(question),
      onAwakening: (found) => this.#awoken.fire(found),
      log: (level, message) => this.#log[level](message),
    });
    if (this.#disposed) client.dispose();
    return client;
  }
}

/** The variables that say where the engine keeps vaults and keys, when the user has chosen, and what is derived. */
function environment(storage: string | undefined): Record<string, string> {
  const home = vscode.workspace.getConfiguration('crmBackup').get<string>('home', '').trim();
  const chosen = process.env['CRM_BACKUP_CACHE'];
  return {
    ...(home === '' ? {} : { CRM_BACKUP_HOME: home }),
    ...(storage === undefined || chosen ? {} : { CRM_BACKUP_CACHE: storage }),
  };
}
