import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeRecord, recordName } from '../../src/core/vault/record.ts';
import type { Vault } from '../../src/core/vault/vault.ts';

/** As many files are written at once. */
const AT_ONCE = 64;

/**
 * Adds records to a vault as if the newest backup of a set had been taken again and again before: so many, one every so
 * many minutes, all of the same content. They are as real as any: each can be read, compared and restored.
 */
export async function addBackups(vault: Vault, set: string, count: number, everyMs: number): Promise<void> {
  const { records } = await vault.records();
  const newest = records.find((record) => record.set === set);
  if (newest === undefined) throw new Error(`Set ${set} has no backup.`);
  const start = Date.parse(newest.createdAt);
  const content = { ...newest, kind: 'incremental' as const, base: newest.base };
  for (let at = 0; at < count; at += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - at) }, async (_, place) => {
      const createdAt = new Date(start - (at + place + 1) * everyMs).toISOString();
      const { id, bytes } = encodeRecord(vault.keys, { ...content, createdAt });
      await writeFile(path.join(vault.storage.location, recordName(id)), bytes);
    });
    await Promise.all(batch);
  }
}
