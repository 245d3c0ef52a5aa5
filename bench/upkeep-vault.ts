import { openVault } from '../src/core/open.ts';
import type { Surroundings } from '../src/core/surroundings.ts';
import { ManifestWriter } from '../src/core/vault/manifest.ts';
import { prune } from '../src/core/vault/prune.ts';
import { ChunkWriter } from '../src/core/vault/writer.ts';
import { WorkerPool } from '../src/core/worker/pool.ts';
import { noiseOf } from '../test/build/random-tree.ts';

const HOUR_MS = 3_600_000;
const FILES = 200;
const FILE_BYTES = 1_000_000;

/**
 * Fills a vault with backups an hour apart: 200 files of 1 MB of noise, of which each backup changes a small one. Each
 * has its own pack and record, as the real ones; a real backup of each would take hours.
 */
export async function fillVault(
  directory: string,
  surroundings: Surroundings,
  backups: number,
): Promise<void> {
  const vault = await openVault(directory, undefined, surroundings);
  await using pool = new WorkerPool();
  const { index } = await vault.writableIndex();
  const metadata = { mode: 0o644, mtimeNs: 0n, ctimeNs: 0n, inode: 0n };
  const start = Date.now() - backups * HOUR_MS;
  const large: Buffer[] = [];
  for (let number = 0; number < backups; number++) {
    const writer = new ChunkWriter(vault, index, pool, { selfContained: false, dryRun: false });
    while (large.length < FILES) {
      large.push(Buffer.from(writer.put('binary', noiseOf(large.length, FILE_BYTES))));
      if (writer.isBusy) await writer.drain();
    }
    const manifest = new ManifestWriter(writer, 'files/workspace', undefined);
    manifest.add({
      path: 'files/workspace',
      type: 'directory',
      size: 0,
      chunks: Buffer.alloc(0),
      ...metadata,
    });
    const text = Buffer.from(`backup ${String(number).padStart(6, '0')} has changed this`);
    const changed = Buffer.from(writer.put('text', text));
    manifest.add({
      path: 'files/workspace/changed.txt',
      type: 'file',
      size: text.length,
      chunks: changed,
      ...metadata,
    });
    for (const [at, chunks] of large.entries()) {
      const path = `files/workspace/data-${String(at).padStart(3, '0')}.bin`;
      manifest.add({ path, type: 'file', size: FILE_BYTES, chunks, ...metadata });
    }
    const segment = manifest.finish();
    await writer.finish();
    const source = FILES * FILE_BYTES + text.length;
    const unchanged = { total: FILES + 1, added: 0, modified: 1, deleted: 0, unchanged: FILES };
    await vault.commit({
      format: 1,
      set: 'bench',
      kind: number === 0 ? 'full' : 'incremental',
      base: undefined,
      createdAt: new Date(start + number * HOUR_MS).toISOString(),
      durationMs: 1,
      status: 'complete',
      label: undefined,
      pinned: false,
      safety: false,
      sources: [
        {
          type: 'files',
          name: 'workspace',
          directory: '/',
          include: [],
          exclude: [],
          entries: FILES + 1,
          bytes: source,
        },
      ],
      files: unchanged,
      tables: { total: 0, added: 0, modified: 0, deleted: 0, unchanged: 0 },
      bytes: { source, read: source, new: writer.written.new, stored: writer.written.stored },
      phases: {},
      problems: [],
      git: undefined,
      manifest: [segment],
    });
  }
  vault.forgetIndex();
  // Puts the index files together, as any prune does.
  await prune(vault);
}
