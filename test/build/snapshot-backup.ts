import { createHash } from 'node:crypto';
import type { BackupRecord } from '../../src/core/vault/record.ts';
import type { Vault } from '../../src/core/vault/vault.ts';
import { bareRecord } from './bare-record.ts';
import type { TreeSnapshot } from './snapshot-tree.ts';

/** What a backup holds of one root, in the words of `snapshotTree`, so that both can be compared with `toEqual`. */
export async function snapshotBackup(
  vault: Vault,
  record: BackupRecord,
  root = 'workspace',
): Promise<TreeSnapshot> {
  const top = `files/${root}`;
  const index = await vault.index();
  const snapshot = bareRecord<string>();
  for await (const entry of vault.entries(record, top)) {
    const path = entry.path === top ? '.' : entry.path.slice(top.length + 1);
    const mode = entry.mode.toString(8).padStart(4, '0');
    const time = ` at ${entry.mtimeNs}`;
    if (entry.type === 'directory') snapshot[path] = `directory ${mode}${time}`;
    else if (entry.type === 'link') snapshot[path] = `link${time} to ${entry.target}`;
    else {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of vault.reader.readContent(entry, index)) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      if (bytes !== entry.size)
        throw new Error(`an entry of ${entry.size} bytes has ${bytes} bytes of content`);
      snapshot[path] = `file ${mode}${time} ${bytes} bytes ${hash.digest('base64url').slice(0, 16)}`;
    }
  }
  return snapshot;
}
