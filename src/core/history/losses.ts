import { StorageError } from '../storage/storage.ts';
import { CHUNK_ID_BYTES } from '../vault/chunk-id.ts';
import { isDamage } from '../vault/error.ts';
import type { ChunkIndex } from '../vault/index.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';

/** Something that was lost when a backup came into the history. */
export interface Loss {
  /** The chunk that could not be read, in hexadecimal digits. */
  readonly chunk: string;
  /** The entry whose content it is of; undefined for a part of the list of entries. */
  readonly path: string | undefined;
}

/** Reads a vault's chunks for the history: only what is damaged or gone counts as lost, anything else is thrown. */
export class ChunkSource {
  readonly #vault: Vault;
  /** The index as it was read last because something was not found. */
  #fresh: ChunkIndex | undefined;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** A chunk’s bytes; undefined when it is lost. */
  async read(id: Buffer): Promise<Buffer | undefined> {
    const index = await this.#vault.index();
    try {
      return await this.#vault.reader.readChunk(id, index);
    } catch (error) {
      const isMoved = error instanceof StorageError && error.code === 'missing';
      if (!isMoved && !isDamage(error)) throw error;
      if (!isMoved && index === this.#fresh) return undefined;
    }
    // Another process may have moved it: once more, where it is now.
    this.#vault.forgetIndex();
    this.#fresh = await this.#vault.index();
    try {
      return await this.#vault.reader.readChunk(id, this.#fresh);
    } catch (error) {
      if (isDamage(error)) return undefined;
      throw error;
    }
  }

  /** What is lost of a backup's list of entries. */
  async lostOfList({ manifest }: BackupRecord): Promise<Loss[]> {
    const losses: Loss[] = [];
    for (const { chunks } of manifest) {
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
        const id = chunks.subarray(at, at + CHUNK_ID_BYTES);
        if ((await this.read(id)) === undefined) losses.push({ chunk: id.toString('hex'), path: undefined });
      }
    }
    return losses;
  }

  /** Whether something of what was lost can be read again. */
  async isBack(losses: readonly Loss[]): Promise<boolean> {
    for (const chunk of new Set(losses.map((loss) => loss.chunk))) {
      if ((await this.read(Buffer.from(chunk, 'hex'))) !== undefined) return true;
    }
    return false;
  }
}

/** Losses as the end of a commit's message. */
export function lossLines(losses: readonly Loss[]): string {
  return losses
    .map(({ chunk, path }) => `Lost: ${chunk}${path === undefined ? '' : ` ${JSON.stringify(path)}`}\n`)
    .join('');
}

/** What {@link lossLines} says. */
export function parseLosses(message: string): Loss[] {
  return [...message.matchAll(/^Lost: ([0-9a-f]{64})(?: (".*"))?$/gm)].map(([, chunk = '', path]) => ({
    chunk,
    path: path === undefined ? undefined : (JSON.parse(path) as string),
  }));
}

/**
 * Tells the backups whose loss bears upon an answer: a part of their list of entries, or the content of an entry that it is
 * about.
 */
export function tellLosses(
  history: {
    readonly records: readonly BackupRecord[];
    readonly losses: ReadonlyMap<string, readonly Loss[]>;
  },
  isAbout: (path: string) => boolean,
  unread: (record: BackupRecord) => void,
): void {
  for (const record of history.records) {
    const losses = history.losses.get(record.id) ?? [];
    if (losses.some(({ path }) => path === undefined || isAbout(path))) unread(record);
  }
}
