import type { DumpSource } from '../database/engine.ts';
import { isDamage, VaultError } from '../vault/error.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { openDumpSource } from './database-source.ts';

/**
 * A database of a backup that is to be restored: damage that its reading meets names what cannot be restored.
 * @param hint what to do about damage
 * @throws as {@link openDumpSource}
 */
export async function openRestoreSource(
  vault: Vault,
  record: BackupRecord,
  name: string,
  hint: string,
): Promise<DumpSource> {
  const root = `databases/${name}`;
  const named = (path: string, error: unknown): unknown =>
    isDamage(error) ? cannotBeRestored(path, error as VaultError, hint) : error;
  let source: DumpSource;
  try {
    source = await openDumpSource(vault, record, name);
  } catch (error) {
    throw named(root, error);
  }
  return {
    ...source,
    async *read(path) {
      try {
        yield* source.read(path);
      } catch (error) {
        throw named(`${root}/${path}`, error);
      }
    },
  };
}

function cannotBeRestored(path: string, cause: VaultError, hint: string): VaultError {
  const message = `${path} cannot be restored: ${cause.message}`;
  return new VaultError(cause.code, message, { cause, hint });
}
