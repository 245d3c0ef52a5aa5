/** Browsers lay out nothing that is higher than about 33 million pixels. */
const MOST_PIXELS = 24_000_000;

/**
 * Where in a long list of rows of one height the window stands. A list that is too high for a browser scrolls on a
 * shorter canvas: its scroll bar goes from the first row to the last, and a turn of the wheel still is a few rows.
 */
export class Viewport {
  readonly rowHeight: number;
  rows = 0;
  /** Of what is seen, without the head. */
  height = 0;
  /** How many pixels of rows are above what is seen, as if there were no limit. */
  #top = 0;

  constructor(rowHeight: number) {
    this.rowHeight = rowHeight;
  }

  get top(): number {
    return this.#top;
  }

  /** Height of the canvas that is scrolled. */
  get canvasHeight(): number {
    return Math.min(this.#rowsHeight, MOST_PIXELS);
  }

  get isScaled(): boolean {
    return this.#rowsHeight > MOST_PIXELS;
  }

  /** Where the canvas has to be scrolled to. */
  get scrollTop(): number {
    return this.isScaled ? this.#top / this.#ratio : this.#top;
  }

  /** The scroll bar was moved. */
  scrolledTo(scrollTop: number): void {
    // What this has moved the bar to is not a move of the bar.
    if (Math.abs(scrollTop - this.scrollTop) < 1) return;
    this.#goTo(this.isScaled ? scrollTop * this.#ratio : scrollTop);
  }

  /** The wheel was turned. */
  scrollBy(pixels: number): void {
    this.#goTo(this.#top + pixels);
  }

  /** Goes no further than it takes to see a row as a whole. */
  reveal(row: number): void {
    const above = row * this.rowHeight;
    if (above < this.#top) this.#goTo(above);
    else if (above + this.rowHeight > this.#top + this.height)
      this.#goTo(above + this.rowHeight - this.height);
  }

  /** The rows that are seen, and some more on both sides. */
  visible(more: number): { readonly first: number; readonly end: number } {
    const first = Math.max(0, Math.floor(this.#top / this.rowHeight) - more);
    const end = Math.min(this.rows, Math.ceil((this.#top + this.height) / this.rowHeight) + more);
    return { first: Math.min(first, end), end };
  }

  /** Where on the canvas a row stands. */
  place(row: number): number {
    return row * this.rowHeight - this.#top + this.scrollTop;
  }

  /** Rows that fit in a page. */
  get page(): number {
    return Math.max(1, Math.floor(this.height / this.rowHeight) - 1);
  }

  get #rowsHeight(): number {
    return this.rows * this.rowHeight;
  }

  get #ratio(): number {
    return (this.#rowsHeight - this.height) / Math.max(1, MOST_PIXELS - this.height);
  }

  #goTo(top: number): void {
    this.#top = Math.max(0, Math.min(top, this.#rowsHeight - this.height));
  }
}
