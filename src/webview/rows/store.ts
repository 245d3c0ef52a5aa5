import type { ChangeKind, Filter, Found, FromPage, Numbered, Row, ToPage } from './messages.ts';

/** Rows that are asked for at once. */
const PAGE_ROWS = 100;
/** Pages that are kept; the others are asked for again. */
const MOST_PAGES = 30;
/** Who scrolls fast sees a few of the pages passed by; what is seen at the end is asked for when these are answered. */
const MOST_ASKED = 3;

const NOTHING: Found = { counts: { added: 0, changed: 0, deleted: 0 }, found: 0, isComplete: false };

/** The latest query of all stores of this page: an answer to an older one is not taken for one to a newer. */
let queries = 0;

/** The rows the page knows: a few of those that are seen, never all. */
export class RowStore {
  readonly #post: (message: FromPage) => void;
  readonly #pages = new Map<number, readonly Row[]>();
  readonly #asked = new Set<number>();
  #query = 0;
  #filter: Filter = {};
  /** What the numbers of rows belong to, once some are known. */
  #comparison: string | undefined;
  #found = NOTHING;
  #isCounting = false;

  constructor(post: (message: FromPage) => void) {
    this.#post = post;
  }

  get query(): number {
    return this.#query;
  }

  get filter(): Filter {
    return this.#filter;
  }

  /** What tells which rows numbers mean. */
  get numbered(): Numbered {
    return { filter: this.#filter, comparison: this.#comparison };
  }

  get found(): Found {
    return this.#found;
  }

  /** Begins anew, with another filter or because rows may have changed. */
  restart(filter: Filter = this.#filter): void {
    this.#query = ++queries;
    this.#filter = filter;
    this.#comparison = undefined;
    this.#found = NOTHING;
    this.#isCounting = false;
    this.#pages.clear();
    this.#asked.clear();
    this.#ask(0);
  }

  /** A row, if it is known. */
  row(number: number): Row | undefined {
    return this.#pages.get(Math.floor(number / PAGE_ROWS))?.[number % PAGE_ROWS];
  }

  /** Asks for the rows that are seen, as far as they are not known. */
  want(first: number, end: number): void {
    for (let page = Math.floor(first / PAGE_ROWS); page * PAGE_ROWS < end; page++) {
      const known = this.#pages.get(page);
      if (known === undefined) {
        this.#ask(page);
        continue;
      }
      // Those that were seen last stay longest.
      this.#pages.delete(page);
      this.#pages.set(page, known);
      const isWhole = known.length === PAGE_ROWS || page * PAGE_ROWS + known.length >= this.#found.found;
      if (!isWhole) this.#ask(page);
    }
  }

  /** Takes an answer; false when it is one to an older question. */
  take(message: Extract<ToPage, { type: 'rows' | 'counts' }>): boolean {
    if (message.query !== this.#query) return false;
    const { counts, found, isComplete } = message;
    // An engine that begins anew knows less for a while.
    if (isComplete || found >= this.#found.found) this.#found = { counts, found, isComplete };
    if (message.type === 'rows') {
      this.#comparison = message.comparison;
      const page = message.start / PAGE_ROWS;
      this.#asked.delete(page);
      this.#pages.set(page, message.rows);
      const [oldest] = this.#pages.keys();
      if (this.#pages.size > MOST_PAGES && oldest !== undefined) this.#pages.delete(oldest);
    }
    if (isComplete) this.#isCounting = false;
    else if (!this.#isCounting) {
      this.#isCounting = true;
      this.#post({ type: 'count', query: this.#query, ...this.numbered });
    }
    return true;
  }

  /** What was asked for failed: it may be asked for again. */
  fail(): void {
    this.#asked.clear();
    this.#isCounting = false;
  }

  #ask(page: number): void {
    if (this.#asked.has(page) || this.#asked.size >= MOST_ASKED) return;
    this.#asked.add(page);
    const start = page * PAGE_ROWS;
    this.#post({ type: 'rows', query: this.#query, ...this.numbered, start, limit: PAGE_ROWS });
  }
}

/** A filter without what lets everything through. */
export function filterOf(changes: ReadonlySet<ChangeKind>, contains: string): Filter {
  return {
    ...(changes.size === 0 ? {} : { changes: [...changes].sort() }),
    ...(contains === '' ? {} : { contains }),
  };
}
