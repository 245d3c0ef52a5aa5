import { setImmediate as turn } from 'node:timers/promises';
import { type Task, throwIfCancelled } from '../task.ts';
import { type RowFilter, rowShower, type ShownRow, textFinder } from './rows-shown.ts';
import type { DatabaseSide } from './rows-side.ts';
import type { RowChange, RowCounts, RowPlace, TableComparison } from './rows-table.ts';

/** Of every so many rows that were found the place is kept. */
const ROWS_A_PLACE = 64;
/** Rows that would take a search to be read again are kept up to so many bytes. */
const MOST_KEPT_BYTES = 16 * 1024 * 1024;
/** What a value takes besides its bytes, about. */
const FIELD_BYTES = 100;
/** Between two looks at the clock. */
const ROWS_A_LOOK = 64;

/** How many rows a filter lets through, as far as they were looked for. */
export interface ListingState {
  /** With the text that is looked for, whatever happened to them. */
  readonly counts: RowCounts;
  /** How many rows there are to be shown. */
  readonly found: number;
  /** Whether all were looked at: then these are the numbers. */
  readonly isComplete: boolean;
}

/** Which rows are wanted. */
export interface WindowRequest {
  readonly start: number;
  readonly limit: number;
  /** Texts that are longer are cut. */
  readonly mostCharacters: number;
  /** Not longer than about this is looked for rows that nobody has asked for before. */
  readonly forMs: number;
}

type Sides = Readonly<Record<'before' | 'after', DatabaseSide | undefined>>;

/**
 * The rows of a comparison that a filter lets through, by their numbers from 0. Rows are looked for as far as somebody
 * asks; where they were found is remembered, not what they are. One request is answered after the other.
 */
export class RowListing {
  readonly #sides: Sides;
  readonly #comparison: TableComparison;
  readonly #changes: RowFilter['changes'];
  readonly #mentions: ((change: RowChange) => boolean) | undefined;
  readonly #locate: TableComparison['locate'];
  readonly #counts = { added: 0, changed: 0, deleted: 0 };
  #found = 0;
  #isComplete = false;
  /** Where to begin for every {@link ROWS_A_PLACE}th row. */
  readonly #places: (string | undefined)[] = [undefined];
  readonly #keeps: boolean;
  readonly #kept: RowChange[] = [];
  #keptBytes = 0;
  #search: AsyncGenerator<RowChange> | undefined;
  /** The row the search has come to: behind it goes on what was cancelled. */
  #latest: RowChange | undefined;
  /** The request that is answered now. */
  #task: Task = {};
  #last: Promise<unknown> = Promise.resolve();

  constructor(sides: Sides, comparison: TableComparison, { changes, contains }: RowFilter) {
    this.#sides = sides;
    this.#comparison = comparison;
    this.#changes = changes;
    this.#mentions = contains ? textFinder(sides, comparison, contains) : undefined;
    const isAll = changes === undefined && this.#mentions === undefined;
    if (isAll) this.#locate = comparison.locate;
    this.#keeps = !isAll || !comparison.isSeekable;
  }

  get state(): ListingState {
    return { counts: { ...this.#counts }, found: this.#found, isComplete: this.#isComplete };
  }

  /**
   * Some of the rows; fewer where there are no more, or where it takes longer than so long to find more.
   * @throws as `TableComparison.changes`
   */
  async rows({ start, limit, mostCharacters, forMs }: WindowRequest, task: Task): Promise<ShownRow[]> {
    const show = rowShower(this.#sides, this.#comparison, mostCharacters);
    const shown: ShownRow[] = [];
    for await (const change of this.changes(start, limit, forMs, task)) shown.push(show(change));
    return shown;
  }

  /** The same as they stand in the backup. */
  async *changes(start: number, limit: number, forMs: number, task: Task): AsyncGenerator<RowChange> {
    await this.#inTurn(task, async () => this.#searchUntil(start + limit, Date.now() + forMs));
    const last = Math.min(start + limit, this.#found);
    if (start >= last) return;
    if (last <= this.#kept.length) {
      yield* this.#kept.slice(start, last);
      return;
    }
    const place = await this.#placeOf(start, task);
    let row = place.row;
    for await (const change of this.#comparison.changes(place.from, task)) {
      if (!this.#isWanted(change) || !this.#isMentioned(change)) continue;
      if (row++ < start) continue;
      yield change;
      if (row >= last) return;
    }
  }

  /**
   * Looks for more rows for about so long, and counts them.
   * @throws as `TableComparison.counts`
   */
  async count(forMs: number, task: Task): Promise<ListingState> {
    await this.#inTurn(task, async () => this.#searchUntil(Infinity, Date.now() + forMs));
    return this.state;
  }

  async #inTurn(task: Task, work: () => Promise<void>): Promise<void> {
    const before = this.#last;
    const done = before.then(async () => {
      throwIfCancelled(task);
      this.#task = task;
      await work();
    });
    this.#last = done.catch(() => undefined);
    await done;
  }

  async #placeOf(row: number, task: Task): Promise<RowPlace> {
    if (this.#locate !== undefined) return this.#locate(row, task);
    const place = Math.floor(row / ROWS_A_PLACE);
    return { from: this.#places[place], row: place * ROWS_A_PLACE };
  }

  async #searchUntil(rows: number, deadline: number): Promise<void> {
    if (this.#isComplete) return;
    if (this.#locate !== undefined) {
      Object.assign(this.#counts, await this.#comparison.counts(this.#task));
      this.#found = this.#counts.added + this.#counts.changed + this.#counts.deleted;
      this.#isComplete = true;
      return;
    }
    const search = (this.#search ??= this.#begin());
    try {
      for (let looked = 1; this.#found < rows; looked++) {
        const next = await search.next();
        if (next.done === true) {
          this.#isComplete = true;
          break;
        }
        this.#take(next.value);
        if (looked % ROWS_A_LOOK !== 0) continue;
        await turn();
        throwIfCancelled(this.#task);
        if (Date.now() >= deadline) break;
      }
    } catch (error) {
      // It has ended; the next request begins where this one came to.
      this.#search = undefined;
      throw error;
    }
    if (this.#isComplete) this.#search = undefined;
  }

  /** Begins the search, or takes it up again; whoever is answered at a time may cancel it. */
  #begin(): AsyncGenerator<RowChange> {
    const answered = (): Task => this.#task;
    const task: Task = {
      get signal() {
        return answered().signal;
      },
    };
    return this.#comparison.changes(this.#latest?.next(), task);
  }

  #take(change: RowChange): void {
    if (this.#isMentioned(change)) {
      this.#counts[change.change]++;
      if (this.#isWanted(change)) {
        this.#found++;
        this.#keep(change);
        if (this.#found % ROWS_A_PLACE === 0) this.#places.push(change.next());
      }
    }
    this.#latest = change;
  }

  #keep(change: RowChange): void {
    // They are numbered: none may be left out.
    if (!this.#keeps || this.#keptBytes > MOST_KEPT_BYTES) return;
    this.#kept.push(change);
    for (const field of [...(change.before ?? []), ...(change.after ?? [])])
      this.#keptBytes += FIELD_BYTES + (field?.length ?? 0);
  }

  #isWanted({ change }: RowChange): boolean {
    return this.#changes?.includes(change) !== false;
  }

  #isMentioned(change: RowChange): boolean {
    return this.#mentions?.(change) !== false;
  }
}
