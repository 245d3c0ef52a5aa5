import type { Storage } from '../storage/storage.ts';
import { CONFIG_NAME } from '../vault/config.ts';

/** Bytes a vault takes on disk, every one of them, by what they are for. */
export interface VaultUsage {
  readonly total: number;
  readonly packs: number;
  readonly index: number;
  /** Records, also of forgotten backups that can still be taken back. */
  readonly records: number;
  /** Keys, notes, locks, unfinished writes, what a repair has set aside. */
  readonly other: number;
  /** Bytes of each backup's record, by its id. */
  readonly recordBytes: ReadonlyMap<string, number>;
}

const FOLDERS = [
  'packs',
  'index',
  'backups',
  'forgotten',
  'keys',
  'notes',
  'past',
  'locks',
  'tmp',
  'damaged',
] as const;

/** Adds up what a vault takes on disk. @throws {StorageError} */
export async function usageOf(storage: Storage): Promise<VaultUsage> {
  const recordBytes = new Map<string, number>();
  const sums = new Map<string, number>();
  for (const folder of FOLDERS) {
    const objects = await storage.list(folder);
    sums.set(
      folder,
      objects.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    if (folder !== 'backups') continue;
    for (const { name, bytes } of objects) recordBytes.set(name.slice(folder.length + 1), bytes);
  }
  const total = [...sums.values()].reduce(
    (sum, bytes) => sum + bytes,
    (await storage.size(CONFIG_NAME)) ?? 0,
  );
  const packs = sums.get('packs')!;
  const index = sums.get('index')!;
  const records = sums.get('backups')! + sums.get('forgotten')!;
  return { total, packs, index, records, other: total - packs - index - records, recordBytes };
}
