/** Work under way, of which the first failure is kept until somebody asks. */
export class Jobs {
  readonly #running = new Set<Promise<void>>();
  #failure: Error | undefined;

  get size(): number {
    return this.#running.size;
  }

  /** The pieces under way; none of them fails. */
  get running(): Iterable<Promise<void>> {
    return this.#running;
  }

  /** Follows a piece of work to its end. */
  follow(work: Promise<void>): void {
    const followed = work
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => this.#running.delete(followed));
    this.#running.add(followed);
  }

  /** Waits for all that is under way, and what follows from it, whatever becomes of it. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** @throws what the first piece that failed has thrown. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
