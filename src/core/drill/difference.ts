/** Something that did not come back as it was backed up. */
export interface Difference {
  /** In the backup: `files/…`, `databases/…`. */
  readonly path: string;
  /** One sentence. */
  readonly message: string;
}

const MOST_NAMED = 1000;

/** Gathers what differs. */
export class Differences {
  readonly first: Difference[] = [];
  count = 0;

  add(path: string, message: string): void {
    this.count++;
    if (this.first.length < MOST_NAMED) this.first.push({ path, message });
  }

  /** Adds what others have gathered. */
  addAll({ first, count }: Differences): void {
    this.count += count;
    this.first.push(...first.slice(0, MOST_NAMED - this.first.length));
  }
}
