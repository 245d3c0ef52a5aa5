import { CrmBackupError } from '../errors.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { CHUNK_ID_BYTES } from './chunk-id.ts';
import type { ChunkFacts } from './chunk-facts.ts';
import type { DamageReport } from './damage.ts';
import type { EntryView } from './manifest-entry.ts';
import { type ManifestSegment, viewsIn } from './manifest.ts';
import { type BackupRecord, recordName } from './record.ts';

/** A path that has lost content, and by which objects; by none when it only does not add up. */
interface Loss {
  readonly path: string;
  readonly objects: readonly string[];
}

/** A chunk of a manifest. */
interface Part {
  /** By which objects it is lost itself; undefined when it can be read. */
  readonly lostBy?: readonly string[];
  /** How many entries were read in it. */
  readonly entries: number;
  /** What its entries have lost. */
  readonly losses: readonly Loss[];
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
  const seen = new Map<string, Part>();
  for (const [number, record] of records.entries()) {
    task.progress?.({ phase: 'check', done: number, total: records.length, unit: 'backups' });
    for (const segment of record.manifest) {
      const { chunks } = segment;
      const parts: Part[] = [];
      for (let at = 0; at < chunks.length; at += CHUNK_ID_BYTES) {
        throwIfCancelled(task);
        const key = chunks.toString('latin1', at, at + CHUNK_ID_BYTES);
        let part = seen.get(key);
        if (part === undefined) {
          part = await partOf(chunks.subarray(at, at + CHUNK_ID_BYTES), facts, report);
          seen.set(key, part);
        }
        parts.push(part);
        for (const loss of part.losses) affect(record, loss, report);
      }
      affectList(record, segment, parts, report);
    }
  }
}

/** What lost parts of a list have named is what it has more than can be read. */
function affectList(
  { id }: BackupRecord,
  { root, chunks, firstPaths, entries }: ManifestSegment,
  parts: readonly Part[],
  report: DamageReport,
): void {
  const lost = [...parts.entries()].filter(([, { lostBy }]) => lostBy !== undefined);
  const [first] = lost;
  if (first === undefined) return;
  const found = parts.reduce((sum, part) => sum + part.entries, 0);
  const list = {
    root,
    path: firstPaths[first[0]] ?? root,
    parts: lost.length,
    entries: Math.max(lost.length, entries - found),
  };
  const objects = new Set(lost.flatMap(([, { lostBy }]) => lostBy ?? []));
  const key = lost.map(([at]) => chunks.toString('latin1', at * CHUNK_ID_BYTES, (at + 1) * CHUNK_ID_BYTES));
  report.affectList(objects, id, list, key.join(''));
}

function affect(record: BackupRecord, { path, objects }: Loss, report: DamageReport): void {
  if (objects.length > 0) {
    report.affect(objects, record.id, path);
    return;
  }
  report.add(recordName(record.id), 'The content of some of its files does not add up to their size.');
  report.affect([recordName(record.id)], record.id, path);
}

async function partOf(id: Buffer, facts: ChunkFacts, report: DamageReport): Promise<Part> {
  const lostBy = facts.lostBy(id, 0);
  if (lostBy !== undefined) return { lostBy, entries: 0, losses: NO_LOSS };
  const losses: Loss[] = [];
  let entries = 0;
  try {
    for (const view of viewsIn(await facts.read(id))) {
      entries++;
      const loss = lossOf(view, facts);
      if (loss !== undefined) losses.push(loss);
    }
  } catch (error) {
    if (!(error instanceof CrmBackupError)) throw error;
    const object = facts.objectOf(id);
    report.add(object, 'A part of a manifest in it cannot be read.');
    return { lostBy: [object], entries: 0, losses: NO_LOSS };
  }
  return { entries, losses: losses.length === 0 ? NO_LOSS : losses };
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
