import { entryAt, listEntries } from '../../core/entries.ts';
import { rowsOf } from '../../core/row-count.ts';
import { encodeName } from '../../core/source/name.ts';
import { type Task, throwIfCancelled } from '../../core/task.ts';
import type { EntryView } from '../../core/vault/manifest-entry.ts';
import type { Vault } from '../../core/vault/vault.ts';
import { EngineError } from '../error.ts';
import type { EntryInfo } from '../protocol.ts';
import type { Handler } from '../serve.ts';
import { reading, type Vaults } from '../vaults.ts';

/** A file above this is restored, not opened: an editor would hold it in memory several times. */
const LARGEST_READ_BYTES = 256 * 1024 * 1024;

/** What stands directly in a directory of a backup. */
export function list(vaults: Vaults): Handler<'list'> {
  return async (target, task) => {
    const { vault, record } = await vaults.backupToRead(target);
    return reading(vault, async () => {
      const entries: EntryInfo[] = [];
      for await (const entry of listEntries(vault, record, target.path, false, task))
        entries.push(infoOf(entry));
      return entries;
    });
  };
}

/** One entry of a backup. */
export function stat(vaults: Vaults): Handler<'stat'> {
  return async (target) => {
    const { vault, record } = await vaults.backupToRead(target);
    return reading(vault, async () => infoOf(await entryAt(vault, record, target.path)));
  };
}

/** The content of a file; of a link, where it points. */
export function read(vaults: Vaults): Handler<'read'> {
  return async (target, task) => {
    const { vault, record } = await vaults.backupToRead(target);
    return reading(vault, async () => contentOf(vault, await entryAt(vault, record, target.path), task));
  };
}

async function contentOf(vault: Vault, entry: EntryView, task: Task): Promise<Uint8Array> {
  if (entry.target !== undefined) return encodeName(entry.target);
  if (entry.size > LARGEST_READ_BYTES) {
    throw new EngineError(
      'too-large',
      'This file is too large to open here; restore it into a folder instead.',
    );
  }
  const parts: Buffer[] = [];
  for await (const part of vault.reader.readContent(entry, await vault.index())) {
    throwIfCancelled(task);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function infoOf(entry: EntryView): EntryInfo {
  const { path, type, size, mode, mtimeNs, target } = entry;
  return { path, type, size, mode, mtimeMs: Number(mtimeNs / 1_000_000n), target, rows: rowsOf(entry) };
}
