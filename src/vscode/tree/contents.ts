import type { TableSummary } from '../../core/compare/rows.ts';
import type { EntryChange, EntryInfo, OfBackup, OfEntry } from '../../engine/protocol.ts';
import type { Engine } from '../engine.ts';

/** Answers kept; what is in a backup never changes, so nothing has to be asked twice. */
const MOST_KEPT = 300;

/** What is in backups and what they changed, asked for once. */
export class Contents {
  readonly #engine: Engine;
  readonly #kept = new Map<string, Promise<unknown>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** What stands directly in a directory of a backup. Throws what the engine throws. */
  async list({ workspace, set, backup, path }: OfEntry): Promise<readonly EntryInfo[]> {
    return this.#once(['list', workspace, backup, path], async () =>
      this.#engine.ask('list', { workspace, set, backup, path }),
    );
  }

  /** What differs between a backup and another, without folders. Throws what the engine throws. */
  async changes({ workspace, set, backup }: OfBackup, from: string): Promise<readonly EntryChange[]> {
    return this.#once(['changes', workspace, backup, from], async () => {
      const target = { workspace, set, backup, from, paths: [], probe: false };
      const { changes } = await this.#engine.ask('changes', target);
      return changes.filter(({ type }) => type !== 'directory');
    });
  }

  /** Tables whose rows differ, and how many. Throws what the engine throws. */
  async tables({ workspace, set, backup }: OfBackup, from: string): Promise<readonly TableSummary[]> {
    return this.#once(['tables', workspace, backup, from], async () => {
      const { tables } = await this.#engine.ask('tables', { workspace, set, from, to: backup });
      return tables;
    });
  }

  async #once<T>(question: readonly string[], ask: () => Promise<T>): Promise<T> {
    const key = question.join('\n');
    const known = this.#kept.get(key) as Promise<T> | undefined;
    const answer = known ?? ask();
    // The one asked for last goes last.
    this.#kept.delete(key);
    this.#kept.set(key, answer);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    try {
      return await answer;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }
}
