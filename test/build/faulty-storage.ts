import { randomBytes } from 'node:crypto';
import type { ByteRange, Storage, StoredObject } from '../../src/core/storage/storage.ts';

/**
 * How a process dies at a call that changes the storage: before it does anything, half-way (a write leaves a part of
 * its bytes in `tmp/`), or when all is done but nobody has been told.
 */
export type Death = 'before' | 'half-way' | 'after';

export const DEATHS: readonly Death[] = ['before', 'half-way', 'after'];

/** The process is dead. */
export class Killed extends Error {}

/** A storage whose process is killed at its n-th change; from then on nothing more is done. */
export class FaultyStorage implements Storage {
  readonly location: string;
  /** Changes so far. */
  changes = 0;
  readonly #inner: Storage;
  readonly #killAt: number;
  readonly #death: Death;

  /** @param killAt The number of the deadly change, from 1; Infinity for none. */
  constructor(inner: Storage, killAt = Infinity, death: Death = 'before') {
    this.location = inner.location;
    this.#inner = inner;
    this.#killAt = killAt;
    this.#death = death;
  }

  get isDead(): boolean {
    return this.changes >= this.#killAt;
  }

  async list(folder: string): Promise<StoredObject[]> {
    this.#assertAlive();
    return this.#inner.list(folder);
  }

  async read(name: string, range?: ByteRange): Promise<Buffer> {
    this.#assertAlive();
    return this.#inner.read(name, range);
  }

  async size(name: string): Promise<number | undefined> {
    this.#assertAlive();
    return this.#inner.size(name);
  }

  async write(name: string, parts: readonly Uint8Array[]): Promise<void> {
    return this.#change(
      async () => this.#inner.write(name, parts),
      async () => this.#leave(Buffer.concat(parts)),
    );
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#change(
      async () => this.#inner.create(name, bytes),
      async () => this.#leave(bytes),
    );
  }

  async remove(name: string): Promise<void> {
    return this.#change(
      async () => this.#inner.remove(name),
      async () => Promise.resolve(),
    );
  }

  async sweep(ageMs: number): Promise<void> {
    return this.#change(
      async () => this.#inner.sweep(ageMs),
      async () => Promise.resolve(),
    );
  }

  async #leave(bytes: Uint8Array): Promise<void> {
    await this.#inner.write(`tmp/${randomBytes(12).toString('hex')}`, [
      bytes.subarray(0, bytes.byteLength >> 1),
    ]);
  }

  async #change<T>(whole: () => Promise<T>, half: () => Promise<void>): Promise<T> {
    this.#assertAlive();
    this.changes++;
    if (!this.isDead) return whole();
    if (this.#death === 'half-way') await half();
    if (this.#death === 'after') await whole();
    throw new Killed(`killed at change ${this.changes}`);
  }

  #assertAlive(): void {
    if (this.isDead) throw new Killed('dead already');
  }
}
