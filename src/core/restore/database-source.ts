import type { DatabaseInfo, DumpedTable, DumpSource, TableExtra } from '../database/engine.ts';
import { VaultError } from '../vault/error.ts';
import type { EntryView } from '../vault/manifest-entry.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import { INFO, ROW_CHUNKS } from '../backup/database-paths.ts';

/**
 * A database of a backup, to be read from the vault.
 * @throws {VaultError} `unknown-entry` when the backup has no such database, `damaged`, `missing-chunk`.
 */
export async function openDumpSource(vault: Vault, record: BackupRecord, name: string): Promise<DumpSource> {
  const root = `databases/${name}`;
  const entries = new Map<string, EntryView>();
  for await (const entry of vault.entries(record, root))
    entries.set(entry.path.slice(root.length + 1), entry);
  const index = await vault.index();
  const read = (path: string): AsyncIterable<Buffer> => {
    const entry = entries.get(path);
    if (entry === undefined) throw unknown(record, `${root}/${path}`);
    return vault.reader.readContent(entry, index);
  };
  const tables: DumpedTable[] = [];
  const objects: { path: string; bytes: number }[] = [];
  for (const [path, { type, size, extra }] of entries) {
    if (type === 'table') tables.push({ ...(extra as unknown as TableExtra), path, bytes: size });
    else if (type !== 'directory' && path !== INFO && path !== ROW_CHUNKS)
      objects.push({ path, bytes: size });
  }
  return { name, info: parseInfo(await wholeOf(read(INFO)), root), tables, objects, read };
}

async function wholeOf(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts);
}

function parseInfo(bytes: Buffer, root: string): DatabaseInfo {
  let info: Partial<DatabaseInfo> | null;
  try {
    info = JSON.parse(bytes.toString()) as Partial<DatabaseInfo> | null;
  } catch (error) {
    throw damaged(root, error);
  }
  const isWhole =
    typeof info?.engine === 'string' &&
    typeof info.product === 'string' &&
    typeof info.database === 'string' &&
    typeof info.objects === 'object' &&
    typeof info.details === 'object';
  if (!isWhole) throw damaged(root, undefined);
  const whole = info as DatabaseInfo;
  // What is undefined does not stand in JSON.
  return { ...whole, charset: whole.charset, collation: whole.collation };
}

function damaged(root: string, cause: unknown): VaultError {
  return new VaultError('damaged', `${root}/${INFO} of the backup is damaged: it is not what it should be.`, {
    cause,
    hint: 'Nothing was changed. Another backup may have the database whole.',
  });
}

function unknown(record: BackupRecord, path: string): VaultError {
  return new VaultError('unknown-entry', `Backup ${record.id.slice(0, 8)} has no ${path}.`, {
    hint: '“crm-backup ls BACKUP” lists what it has.',
  });
}
