import { createHmac } from 'node:crypto';
import { type Storage, StorageError } from '../storage/storage.ts';
import type { ChunkSizes } from './chunker.ts';
import { VaultError } from './error.ts';
import { type KeyFile, readKeyFiles } from './key-file.ts';
import type { VaultKeys } from './seal.ts';

/** The object that makes a directory a vault. */
export const CONFIG_NAME = 'vault.json';
export const FORMAT = 1;

const MOST_CHUNK_BYTES = 1024 * 1024;

/** What `vault.json` says of a vault, readable without a key. */
export interface VaultConfig {
  readonly format: number;
  /** 32 hex digits. */
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly chunkSizes: ChunkSizes;
}

/** A configuration as it stands in a vault. */
export interface FoundConfig {
  readonly config: VaultConfig;
  /** The exact text of `vault.json`, as it is or should be. */
  readonly text: string;
  /** True when `vault.json` is damaged or missing and a copy stands in for it. */
  readonly isCopy: boolean;
}

/** The text of `vault.json`: the configuration and an HMAC over it, so that nobody without a key can change it. */
export function encodeConfig(keys: VaultKeys, config: VaultConfig): string {
  return `${JSON.stringify({ ...config, seal: sealOf(keys, config) }, null, 2)}\n`;
}

/**
 * Checks with the vault's keys that a configuration is the one the vault was made with.
 * @throws {VaultError} `damaged`.
 */
export function checkConfig(keys: VaultKeys, found: FoundConfig, storage: Storage): void {
  if (encodeConfig(keys, found.config) !== found.text) throw damagedConfig(storage);
}

/**
 * The configurations that may be the vault's, likeliest first; none when there is no vault. Every file in `keys/` holds
 * a copy under its own checksum, which stands in for a `vault.json` that is damaged or lost.
 * @throws {VaultError} `newer-format`, or `damaged` when no copy is whole either.
 */
export async function findConfigs(storage: Storage): Promise<FoundConfig[]> {
  const text = await readText(storage);
  if (text === undefined && !(await hasContent(storage))) return [];
  const copies = copiesIn(await readKeyFiles(storage));
  if (text !== undefined && (copies.length === 0 || copies.some((copy) => copy.text === text))) {
    return [{ config: parseConfig(text, storage), text, isCopy: false }];
  }
  const found = copies.map((copy) => ({
    config: parseConfig(copy.text, storage),
    text: copy.text,
    isCopy: true,
  }));
  if (found.length === 0) throw damagedConfig(storage);
  return found;
}

async function readText(storage: Storage): Promise<string | undefined> {
  try {
    return (await storage.read(CONFIG_NAME)).toString();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A vault whose making was interrupted has keys, but nothing that they open. */
async function hasContent(storage: Storage): Promise<boolean> {
  try {
    return (await storage.list('backups')).length > 0;
  } catch (error) {
    // The vault is to be where a file is.
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'missing';
}

/** Copies of the configuration, those of the latest keys first. */
function copiesIn(files: readonly KeyFile[]): { text: string; at: string }[] {
  const copies = files.flatMap(({ envelope, isIntact }) =>
    !isIntact || envelope?.vault === undefined ? [] : [{ text: envelope.vault, at: envelope.createdAt }],
  );
  return copies.sort((a, b) => (a.at < b.at ? 1 : -1));
}

function parseConfig(text: string, storage: Storage): VaultConfig {
  let config: (Partial<VaultConfig> & { seal?: unknown }) | null;
  try {
    config = JSON.parse(text) as Partial<VaultConfig> | null;
  } catch (error) {
    throw damagedConfig(storage, error);
  }
  if (typeof config?.format === 'number' && config.format > FORMAT) {
    throw new VaultError(
      'newer-format',
      `The vault at ${storage.location} has format ${config.format}; this version reads format ${FORMAT}.`,
      { hint: 'Update CRM Backup to use this vault.' },
    );
  }
  const { format, id, createdAt, chunkSizes } = config ?? {};
  if (
    format !== FORMAT ||
    typeof id !== 'string' ||
    !/^[0-9a-f]{32}$/.test(id) ||
    typeof createdAt !== 'string' ||
    !areSizes(chunkSizes)
  ) {
    throw damagedConfig(storage);
  }
  const { min, average, max } = chunkSizes;
  return { format, id, createdAt, chunkSizes: { min, average, max } };
}

function areSizes(sizes: Partial<ChunkSizes> | undefined): sizes is ChunkSizes {
  const { min, average, max } = sizes ?? {};
  return (
    Number.isSafeInteger(min) &&
    Number.isSafeInteger(max) &&
    Number.isInteger(Math.log2(average ?? 0)) &&
    0 < min! &&
    min! < average! &&
    average! < max! &&
    max! <= MOST_CHUNK_BYTES
  );
}

function sealOf(keys: VaultKeys, { format, id, createdAt, chunkSizes }: VaultConfig): string {
  const text = JSON.stringify({ format, id, createdAt, chunkSizes });
  return createHmac('sha256', keys.config).update(text).digest('hex');
}

function damagedConfig(storage: Storage, cause?: unknown): VaultError {
  return new VaultError(
    'damaged',
    `The vault at ${storage.location} is damaged: its vault.json is not as it was written.`,
    { cause, hint: 'Copy vault.json back from a replica of the vault; it holds no secret.' },
  );
}
