import { CrmBackupError } from '../errors.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from './chunk-id.ts';
import type { ChunkFacts } from './chunk-facts.ts';
import type { DamageReport } from './damage.ts';
import type { EntryView } from './manifest-entry.ts';
import { viewsIn } from './manifest.ts';
import { type BackupRecord, recordName } from './record.ts';

/** A path that has lost content, and by which objects; by none when it only does not add up. */
interface Loss {
  readonly path: string;
  readonly objects: readonly string[];
}

const NO_LOSS: readonly Loss[] = [];

/**
 * Goes through the manifests of backups and reports which of their paths have lost content. A chunk of a manifest that
 * several backups share is read once.
 */
export async function findAffected(
  records: readonly BackupRecord[],
  facts: ChunkFacts,
  report: DamageReport,
  task: Task,
): Promise<void> {
  const seen = new Map<string, readonly Loss[]>();
  for (const [number, record] of records.entries()) {
    task.progress?.({ phase: 'check', done: number, total: records.length, unit: 'backups' });
    for (const { root, chunks, firstPaths } of record.manifest) {
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
        throwIfCancelled(task);
        const key = chunks.toString('latin1', at, at + CHUNK_ID_BYTES);
        let losses = seen.get(key);
        if (losses === undefined) {
          const first = firstPaths[at / CHUNK_ID_BYTES] ?? root;
          losses = await lossesIn(chunks.subarray(at, at + CHUNK_ID_BYTES), first, facts, report);
          seen.set(key, losses);
        }
        for (const loss of losses) affect(record, loss, report);
      }
    }
  }
}

function affect(record: BackupRecord, { path, objects }: Loss, report: DamageReport): void {
  if (objects.length > 0) {
    report.affect(objects, record.id, path);
    return;
  }
  report.add(recordName(record.id), 'The content of some of its files does not add up to their size.');
  report.affect([recordName(record.id)], record.id, path);
}

async function lossesIn(
  id: Buffer,
  first: string,
  facts: ChunkFacts,
  report: DamageReport,
): Promise<readonly Loss[]> {
  // Which paths a lost part of a manifest has listed nobody knows, but for the first.
  const objects = facts.lostBy(id, 0);
  if (objects !== undefined) return [{ path: first, objects }];
  const losses: Loss[] = [];
  try {
    for (const view of viewsIn(await facts.read(id))) {
      const loss = lossOf(view, facts);
      if (loss !== undefined) losses.push(loss);
    }
  } catch (error) {
    if (!(error instanceof CrmBackupError)) throw error;
    report.add(facts.objectOf(id), 'A part of a manifest in it cannot be read.');
    losses.push({ path: first, objects: [facts.objectOf(id)] });
  }
  return losses.length === 0 ? NO_LOSS : losses;
}

function lossOf(view: EntryView, facts: ChunkFacts): Loss | undefined {
  const { chunks } = view;
  let objects: Set<string> | undefined;
  let bytes = 0;
  for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
    bytes += facts.bytesOf(chunks, at);
    for (const object of facts.lostBy(chunks, at) ?? []) (objects ??= new Set()).add(object);
  }
  if (objects !== undefined) return { path: view.path, objects: [...objects] };
  return view.type === 'file' && bytes !== view.size ? { path: view.path, objects: [] } : undefined;
}
