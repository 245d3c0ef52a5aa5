import { RACY_NS } from '../source/change.ts';
import { EntryView, isAtRest, isSameButChunks, splitTime } from '../vault/manifest-entry.ts';
import type { ManifestCursor, ManifestWriter } from '../vault/manifest.ts';

/**
 * Entries that are as the base has them, recognised and taken over as bytes: where little has changed these are nearly
 * all. A chunk of the base's manifest that is unchanged from its first entry to its last is taken over by its id.
 */
export class UnchangedRun {
  readonly #cursor: ManifestCursor;
  readonly #manifest: ManifestWriter;
  readonly #restedSince: ReturnType<typeof splitTime>;
  readonly #holds: (chunks: Buffer) => boolean;
  /** Where the run begins in the cursor's chunk. */
  #start = 0;
  #entries = 0;
  #last: EntryView | undefined;
  #coversChunk = false;

  /** @param baseStartedAtNs When the base began, nanoseconds since 1970. */
  constructor(
    cursor: ManifestCursor,
    manifest: ManifestWriter,
    baseStartedAtNs: bigint,
    holds: (chunks: Buffer) => boolean,
  ) {
    this.#cursor = cursor;
    this.#manifest = manifest;
    this.#restedSince = splitTime(baseStartedAtNs - RACY_NS);
    this.#holds = holds;
  }

  /**
   * Takes entries from `bytes` at `at` while they are the base's next ones, to the end of the base's chunk at most.
   * @param took Told of every one.
   * @returns where the first begins that was not taken
   */
  take(bytes: Buffer, at: number, took: (entry: EntryView) => void): number {
    const base = this.#cursor.bytes;
    let baseAt = this.#cursor.at;
    if (this.#entries === 0) {
      this.#start = baseAt;
      this.#coversChunk = baseAt === 0 && this.#manifest.isBetweenChunks;
    }
    while (at < bytes.length && baseAt < base.length && isSameButChunks(bytes, at, base, baseAt)) {
      const entry = new EntryView(base, baseAt);
      if (entry.type === 'file') {
        // What the vault has lost meanwhile is read again.
        if (!isAtRest(base, baseAt, this.#restedSince) || !this.#holds(entry.chunks)) break;
      }
      took(entry);
      this.#entries++;
      this.#last = entry;
      baseAt = entry.end;
      at += bytes.readUInt32LE(at);
    }
    if (baseAt !== this.#cursor.at) this.#cursor.goTo(baseAt);
    if (baseAt === base.length) this.end();
    return at;
  }

  /** Ends the run: its entries go into the manifest. */
  end(): void {
    if (this.#entries === 0) return;
    const { bytes, at, idIfCut } = this.#cursor;
    const isWhole = this.#coversChunk && at === bytes.length;
    if (isWhole && idIfCut !== undefined && this.#holds(idIfCut)) {
      const first = new EntryView(bytes, 0).path;
      this.#manifest.addChunk(idIfCut, first, this.#last!.path, this.#entries);
    } else {
      for (let next = this.#start; next < at;) {
        const entry = new EntryView(bytes, next);
        this.#manifest.addEncoded(entry.path, entry.encoded);
        next = entry.end;
      }
    }
    this.#entries = 0;
  }
}
