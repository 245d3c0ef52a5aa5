import type { DatabaseAddress, LiveContent, RestoreTarget, RestoreTicket } from '../database/engine.ts';
import { engineAt } from '../database/engines.ts';
import { redactError, redactorOf } from '../database/redact.ts';
import type { BackupSet } from '../set/definition.ts';

/** A database that a restore works on, as the journal has it. No secret is in it but what the set file itself holds. */
export interface JournalDatabase {
  readonly name: string;
  /** As the set file has it, with its variables. */
  readonly source?: BackupSet['databases'][number] | undefined;
  readonly workspace: string;
  /** Undefined for its own place. */
  readonly target: string | undefined;
  readonly ticket: RestoreTicket;
}

/** Where what a database was before a restore is kept. */
export interface KeptDatabase {
  /** As it is called where it was restored. */
  readonly database: string;
  /** A file, or something on the server, in words. */
  readonly place: string;
}

/** What a restore may have left beside a database that cannot be reached. */
export interface LeftDatabase {
  /** As it is called where it was restored. */
  readonly database: string;
  /** In words. */
  readonly places: readonly string[];
}

/** A target that is open. */
export interface OpenTarget extends AsyncDisposable {
  readonly target: RestoreTarget;
  /** Takes secrets out of what it throws. */
  guard<Result>(work: (target: RestoreTarget) => Promise<Result>): Promise<Result>;
}

/** A database that is being restored. */
export interface WorkedDatabase {
  readonly journal: JournalDatabase;
  readonly open: OpenTarget;
}

/** Connects to where a database is restored to. @throws {DatabaseError} */
export async function openDatabase(
  address: DatabaseAddress,
  target: string | undefined,
): Promise<OpenTarget> {
  const redact = redactorOf(address.url);
  const clean = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw redactError(error, redact);
    }
  };
  const opened = await clean(async () => (await engineAt(address)).openTarget(address, target, {}));
  return {
    target: opened,
    guard: async (work) => clean(async () => work(opened)),
    [Symbol.asyncDispose]: async () => opened[Symbol.asyncDispose](),
  };
}

/** Switches databases together, as far as that goes: what fails in the middle is to be taken back by the caller. */
export class DatabaseSwitcher {
  readonly #databases: readonly WorkedDatabase[];
  readonly #missing: Error | undefined;

  /** @param missing why some others are not among them, which are then not cleared either */
  constructor(databases: readonly WorkedDatabase[], missing?: Error) {
    this.#databases = databases;
    this.#missing = missing;
  }

  /** Puts the new databases in place; does only what is left to do. @throws {DatabaseError} */
  async forward(): Promise<void> {
    for (const { open, journal } of this.#databases) {
      await open.guard(async (target) => target.switch(journal.ticket));
    }
  }

  /** Puts the old databases back. @throws the first failure, after all were tried. */
  async backward(): Promise<void> {
    await this.#each(async (target, ticket) => target.switchBack(ticket));
  }

  /** Removes what is not live: old databases after the switch, new ones before it. @throws as {@link backward}. */
  async clear(): Promise<void> {
    await this.#each(async (target, ticket) => target.clear(ticket));
    if (this.#missing !== undefined) throw this.#missing;
  }

  /**
   * Which content is live in all of them together; undefined when there are none.
   * @throws {DatabaseError}
   */
  async whichIsLive(): Promise<LiveContent | undefined> {
    const found = new Set<LiveContent>();
    for (const { open, journal } of this.#databases) {
      found.add(await open.guard(async (target) => target.whichIsLive(journal.ticket)));
    }
    return found.size > 1 ? 'unsure' : [...found][0];
  }

  /** Ends the restore of each with what is live in it. Comes back: where what was live before is kept. @throws {DatabaseError} */
  async keepLive(): Promise<readonly KeptDatabase[]> {
    const kept: KeptDatabase[] = [];
    for (const { open, journal } of this.#databases) {
      const place = await open.guard(async (target) => target.keepLive(journal.ticket));
      if (place !== undefined) kept.push({ database: journal.target ?? journal.name, place });
    }
    return kept;
  }

  async #each(work: (target: RestoreTarget, ticket: RestoreTicket) => Promise<void>): Promise<void> {
    const results: PromiseSettledResult<void>[] = [];
    for (const { open, journal } of this.#databases.toReversed()) {
      results.push(
        ...(await Promise.allSettled([open.guard(async (target) => work(target, journal.ticket))])),
      );
    }
    const lost = results.find((result) => result.status === 'rejected');
    if (lost !== undefined) throw lost.reason;
  }
}
