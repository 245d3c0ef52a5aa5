import { join } from 'node:path';
import { HistoryRepository } from '../../src/core/history/repository.ts';
import type { BackupRecord } from '../../src/core/vault/record.ts';
import { type BuiltVault, buildVault, type Content, storeBackup } from './vault.ts';

/** The path in a backup of a path below the workspace. */
export const at = (path: string): string => `files/workspace/${path}`;

/** A vault with one backup for each content, and the place for its history. */
export async function buildHistory(
  ...contents: readonly Content[]
): Promise<{ built: BuiltVault; records: BackupRecord[]; repository: HistoryRepository }> {
  const built = await buildVault();
  const records: BackupRecord[] = [];
  for (const content of contents) await add(built, records, content);
  return { built, records, repository: new HistoryRepository(join(built.directory, '../history')) };
}

/** Takes one more backup; `records` is newest first. */
export async function add(
  built: BuiltVault,
  records: BackupRecord[],
  content: Content,
  label?: string,
): Promise<void> {
  const createdAt = new Date(Date.UTC(2026, 0, 1, 12, records.length)).toISOString();
  const base = records[0];
  const options = { base, createdAt, ...(label === undefined ? {} : { label }) };
  records.unshift(await storeBackup(built.vault, content, options));
}

/** What git has for each backup, oldest first: its files with their text. */
export async function mirrored(
  repository: HistoryRepository,
  records: readonly BackupRecord[],
): Promise<unknown[]> {
  const trees = records.toReversed().map(async ({ id }) => {
    const told = await repository.run(['ls-tree', '-r', '-z', `refs/tags/${id}`]);
    const lines = told.split('\0').filter((line) => line !== '');
    const files = lines.map(async (line) => {
      const [, blob = '', path = ''] = /^\d+ blob (\w+)\t(.*)$/s.exec(line) ?? [];
      const text = await repository.run(['cat-file', 'blob', blob]);
      return [path, text.startsWith('\0') ? 'no text' : text] as const;
    });
    return Object.fromEntries(await Promise.all(files));
  });
  return Promise.all(trees);
}
