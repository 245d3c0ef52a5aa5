const MOST_BYTES = 16 * 1024;

/** Keeps the end of what a tool says, in whole lines: a secret that is cut in two would not be recognised. */
export class OutputTail {
  #blocks: Buffer[] = [];
  #bytes = 0;
  #cut = false;

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
    const all = Buffer.concat(this.#blocks);
    const cut = this.#cut || all.length > MOST_BYTES;
    const text = all.subarray(-MOST_BYTES).toString('utf8');
    return cut ? text.slice(text.indexOf('\n') + 1) : text;
  }
}
