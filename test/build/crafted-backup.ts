import type { Entry } from '../../src/core/vault/entry.ts';
import { encodeEntry } from '../../src/core/vault/manifest-entry.ts';
import type { BackupRecord } from '../../src/core/vault/record.ts';
import type { Vault } from '../../src/core/vault/vault.ts';
import { ChunkWriter } from '../../src/core/vault/writer.ts';
import { WorkerPool } from '../../src/core/worker/pool.ts';

/** An entry as somebody with bad intentions may write it; what is left out is harmless. */
export type CraftedEntry = Pick<Entry, 'path' | 'type'> & Partial<Entry> & { readonly content?: string };

/**
 * Commits a backup whose manifest holds exactly these entries, in this order, whatever they are: what no backup of ours
 * would hold, but somebody who has the key could write.
 */
export async function craftBackup(
  vault: Vault,
  entries: readonly CraftedEntry[],
  changes: Partial<BackupRecord> & { readonly root?: string } = {},
): Promise<BackupRecord> {
  const { root = 'files/workspace', ...others } = changes;
  const { index } = await vault.writableIndex();
  await using pool = new WorkerPool(1);
  const writer = new ChunkWriter(vault, index, pool, { selfContained: true, dryRun: false });
  const encoded: Buffer[] = [];
  for (const { content = '', ...entry } of entries) {
    const isFile = entry.type === 'file' && content !== '';
    const chunks = isFile ? writer.put('text', Buffer.from(content)) : Buffer.alloc(0);
    encoded.push(
      encodeEntry({
        size: content.length,
        mode: entry.type === 'directory' ? 0o755 : 0o644,
        mtimeNs: 1_500_000_000_000_000_000n,
        ctimeNs: 0n,
        inode: 0n,
        chunks,
        ...entry,
      }),
    );
  }
  const manifestChunk = writer.put('manifest', Buffer.concat(encoded));
  await writer.finish();
  const name = root.slice('files/'.length);
  const source = { type: 'files', name, directory: '/nowhere/to/be/seen', include: [], exclude: [] } as const;
  const counts = { total: 0, added: 0, modified: 0, deleted: 0, unchanged: 0 };
  const record = await vault.commit({
    format: 1,
    set: 'test',
    kind: 'full',
    base: undefined,
    createdAt: new Date().toISOString(),
    durationMs: 1,
    status: 'complete',
    label: undefined,
    pinned: false,
    safety: false,
    sources: [{ ...source, entries: entries.length, bytes: 0 }],
    files: counts,
    tables: counts,
    bytes: { source: 0, read: 0, new: 0, stored: 0 },
    phases: {},
    problems: [],
    git: undefined,
    manifest: [
      { root, chunks: manifestChunk, firstPaths: [entries[0]?.path ?? root], entries: entries.length },
    ],
    ...others,
  });
  vault.forgetIndex();
  return record;
}
