import type { Redactor } from '../redact.ts';

const MOST_BYTES = 16 * 1024;

/** Keeps the end of what a tool says, without its secrets. */
export class OutputTail {
  readonly #redact: Redactor;
  #blocks: Buffer[] = [];
  #bytes = 0;
  #cut: boolean;

  /** @param cut whether something was said before that it does not get */
  constructor(redact: Redactor, cut = false) {
    this.#redact = redact;
    this.#cut = cut;
  }

  add(block: Buffer): void {
    this.#blocks.push(block);
    this.#bytes += block.length;
    if (this.#bytes < 4 * MOST_BYTES) return;
    const end = Buffer.concat(this.#blocks).subarray(-MOST_BYTES);
    this.#blocks = [Buffer.from(end)];
    this.#bytes = end.length;
    this.#cut = true;
  }

  get text(): string {
    const text = this.#redact(Buffer.concat(this.#blocks).toString('utf8'));
    // A secret that was cut in two is not recognised, nor is a character, of which up to three bytes are left.
    return this.#cut ? text.slice(this.#redact.longest + 3) : text;
  }
}
