import { type Stats } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { decodeName, systemPath } from '../source/name.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import type { EntryView } from '../vault/manifest-entry.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import type { Differences } from './difference.ts';
import { TooLong } from './too-long.ts';

/** Some file systems keep times no finer. */
const TIME_TOLERANCE_MS = 2_000;

/**
 * Compares what was restored to `<scratch>/files/…` with the backup: every entry's type, size, mode, time, where links
 * point, and every byte. What the backup does not have is a difference, too. What was too long is passed over and noted.
 */
export async function compareFiles(
  vault: Vault,
  record: BackupRecord,
  scratch: string,
  differences: Differences,
  task: Task,
  tooLong = new TooLong(scratch),
): Promise<{ readonly entries: number; readonly bytes: number }> {
  let entries = 0;
  let bytes = 0;
  const seen = new Set<string>();
  for await (const entry of vault.entries(record)) {
    if (!entry.path.startsWith('files/')) continue;
    throwIfCancelled(task);
    if (tooLong.has(entry.path)) {
      tooLong.add(entry.path);
      continue;
    }
    if (++entries % 64 === 0) task.progress?.({ phase: 'compare', done: entries, unit: 'files' });
    seen.add(entry.path);
    const message = await differenceOf(vault, entry, `${scratch}/${entry.path}`);
    if (message !== undefined) differences.add(entry.path, message);
    else if (entry.type === 'file') bytes += entry.size;
  }
  for await (const path of pathsIn(`${scratch}/files`, 'files')) {
    const isRoot = path.split('/').length <= 2;
    if (!isRoot && !seen.has(path)) differences.add(path, 'It came back though the backup does not have it.');
  }
  return { entries, bytes };
}

async function differenceOf(vault: Vault, entry: EntryView, file: string): Promise<string | undefined> {
  let stats: Stats;
  try {
    stats = await lstat(systemPath(file));
  } catch {
    return 'It did not come back.';
  }
  const type = stats.isSymbolicLink() ? 'link' : stats.isDirectory() ? 'directory' : 'file';
  if (type !== entry.type) return `It came back as a ${type} instead of a ${entry.type}.`;
  if (type === 'link') {
    const target = decodeName(await readlink(systemPath(file), 'buffer'));
    return target === entry.target ? undefined : 'It points elsewhere.';
  }
  if (process.platform !== 'win32' && (stats.mode & 0o777) !== (entry.mode & 0o777))
    return 'Its mode differs.';
  if (Math.abs(stats.mtimeMs - Number(entry.mtimeNs / 1_000_000n)) > TIME_TOLERANCE_MS)
    return 'Its time differs.';
  if (type === 'directory') return undefined;
  if (stats.size !== entry.size) return `It has ${stats.size} bytes instead of ${entry.size}.`;
  return (await hasContent(vault, entry, file)) ? undefined : 'Its content differs.';
}

async function hasContent(vault: Vault, entry: EntryView, file: string): Promise<boolean> {
  const index = await vault.index();
  const handle = await open(systemPath(file));
  try {
    let at = 0;
    for await (const part of vault.reader.readContent(entry, index)) {
      const restored = Buffer.allocUnsafe(part.length);
      const { bytesRead } = await handle.read(restored, 0, part.length, at);
      if (bytesRead !== part.length || !restored.equals(part)) return false;
      at += part.length;
    }
    return at === entry.size;
  } finally {
    await handle.close();
  }
}

async function* pathsIn(folder: string, path: string): AsyncGenerator<string> {
  const items = await readdir(systemPath(folder), { withFileTypes: true, encoding: 'buffer' });
  for (const item of items) {
    const name = decodeName(item.name);
    yield `${path}/${name}`;
    if (item.isDirectory()) yield* pathsIn(`${folder}/${name}`, `${path}/${name}`);
  }
}
