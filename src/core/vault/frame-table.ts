import type { FrameEntry } from './pack.ts';

/** The pack of a frame that is still being filled or waits for its pack to be finished. */
export const UNFINISHED = 0xffffffff;

/** The frames of an index, column by column. */
export class FrameTable {
  count = 0;
  packs: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  offsets: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  sealedBytes: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  plainBytes: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  dictionaries: Uint32Array<ArrayBuffer> = new Uint32Array(64);
  methods: Uint8Array<ArrayBuffer> = new Uint8Array(64);

  get memoryBytes(): number {
    return this.packs.byteLength * 5 + this.methods.byteLength;
  }

  add(): number {
    if (this.count === this.packs.length) this.#grow(Math.ceil(this.count * 1.25));
    this.packs[this.count] = UNFINISHED;
    return this.count++;
  }

  set(frame: number, pack: number, entry: Omit<FrameEntry, 'chunks'>, dictionary: number): void {
    this.packs[frame] = pack;
    this.offsets[frame] = entry.offset;
    this.sealedBytes[frame] = entry.sealedBytes;
    this.plainBytes[frame] = entry.plainBytes;
    this.methods[frame] = entry.method;
    this.dictionaries[frame] = dictionary;
  }

  #grow(capacity: number): void {
    this.packs = grown(this.packs, capacity);
    this.offsets = grown(this.offsets, capacity);
    this.sealedBytes = grown(this.sealedBytes, capacity);
    this.plainBytes = grown(this.plainBytes, capacity);
    this.dictionaries = grown(this.dictionaries, capacity);
    const methods = new Uint8Array(capacity);
    methods.set(this.methods);
    this.methods = methods;
  }
}

/** A copy with room for more. */
export function grown(from: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(capacity);
  to.set(from);
  return to;
}
