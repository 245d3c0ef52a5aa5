import { StorageError } from '../storage/storage.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { BitSet } from './bit-set.ts';
import type { DamageReport } from './damage.ts';
import { VaultError } from './error.ts';
import { ChunkIndex } from './index.ts';
import { type PackSurvey, surveyPacks } from './index-file.ts';
import { type ListedPack, packName, readFooter } from './pack.ts';
import type { Vault } from './vault.ts';

/** How the packs of a vault stand, as far as they were looked at. */
export interface PackInspection {
  readonly survey: PackSurvey;
  /** Packs of which it is known what they should hold and that stand in their place, by id. */
  readonly packs: ReadonlyMap<string, ListedPack>;
  /** Everything these packs should hold. */
  readonly index: ChunkIndex;
  /** What packs that are gone or cut short should hold. */
  readonly lost: ChunkIndex;
  /** Frames that are damaged, by number in the index. */
  readonly badFrames: BitSet;
  /** Delta frames that open but could not be decoded, because what they rest on is damaged. */
  readonly uncheckedFrames: BitSet;
}

const PARALLEL_FOOTERS = 16;

/** Reads index files and footers and holds them against each other. */
export async function inspectFooters(
  vault: Vault,
  report: DamageReport,
  /** Packs whose every byte will be looked at need not be looked at here. */
  isLeftOut: (id: string) => boolean,
  task: Task,
): Promise<PackInspection> {
  const { storage, keys } = vault;
  const survey = await surveyPacks(storage, keys);
  for (const name of survey.damagedIndexes)
    report.add(name, 'It is damaged; the packs’ own footers stand in for it.');
  for (const { name, isMisnamed } of survey.indexes) {
    if (isMisnamed) report.add(name, 'Its name is not that of its content.');
  }
  const packs = new Map<string, ListedPack>();
  for (const pack of survey.present) packs.set(pack.id, pack);
  const lost = new ChunkIndex();
  for (const pack of survey.lost) {
    const bytes = await storage.size(packName(pack.id));
    report.add(
      packName(pack.id),
      bytes === undefined ? 'It is missing.' : `It has ${bytes} bytes instead of ${pack.bytes}.`,
    );
    lost.addPack(pack);
  }
  const waiting = [
    ...survey.present.map((pack) => ({ ...pack, listed: pack })),
    ...survey.unlisted.map((pack) => ({ ...pack, listed: undefined })),
  ];
  let done = 0;
  const look = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      throwIfCancelled(task);
      task.progress?.({ phase: 'packs', done: done++, total: done + waiting.length, unit: 'packs' });
      const { id, bytes, listed } = next;
      if (listed !== undefined && isLeftOut(id)) continue;
      const footer = await footerOf(vault, id, bytes, report);
      if (listed === undefined) {
        if (footer !== undefined) packs.set(id, footer);
      } else if (
        footer !== undefined &&
        !(footer.salt.equals(listed.salt) && footer.listing.equals(listed.listing))
      ) {
        report.add(packName(id), 'Its footer is not the one the index knows.');
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FOOTERS }, look));
  const index = new ChunkIndex();
  for (const pack of packs.values()) index.addPack(pack);
  const frames = index.frameCount;
  return { survey, packs, index, lost, badFrames: new BitSet(frames), uncheckedFrames: new BitSet(frames) };
}

async function footerOf(
  vault: Vault,
  id: string,
  bytes: number,
  report: DamageReport,
): Promise<ListedPack | undefined> {
  try {
    return await readFooter(vault.storage, vault.keys, id, bytes);
  } catch (error) {
    await assertDamageOfOne(vault, error);
    report.add(packName(id), 'Its header or footer is damaged.');
    return undefined;
  }
}

/** A part of a disk that cannot be read any more is damage like any other; a whole disk is not. */
export async function assertDamageOfOne(vault: Vault, error: unknown): Promise<void> {
  if (error instanceof VaultError) return;
  if (!(error instanceof StorageError) || error.code === 'permission') throw error;
  await vault.storage.list('keys');
}

/** The number of each pack's first frame in an index. */
export function firstFramesOf(index: ChunkIndex): Map<string, number> {
  const first = new Map<string, number>();
  for (let frame = index.frameCount - 1; frame >= 0; frame--) {
    const pack = index.packs[index.packOf(frame)];
    if (pack !== undefined) first.set(pack.id, frame);
  }
  return first;
}
