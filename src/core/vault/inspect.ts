import { StorageError } from '../storage/storage.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { type BadFrames, indexOf } from './bad-frames.ts';
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
  /** Everything these packs should hold; what stands twice, where it can be read. */
  index: ChunkIndex;
  /** What packs that are gone or cut short should hold. */
  readonly lost: ChunkIndex;
  /** Frames found damaged now, by number in the index. */
  readonly badFrames: BitSet;
  /** Packs of which every byte was read now. */
  readonly read: Set<string>;
  /** Frames that were found damaged before. */
  readonly noted: BadFrames;
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
  const noted = await vault.badFrames();
  const index = indexOf([...packs.values()], noted);
  const frames = index.frameCount;
  const [badFrames, uncheckedFrames] = [new BitSet(frames), new BitSet(frames)];
  return { survey, packs, index, lost, badFrames, read: new Set(), noted, uncheckedFrames };
}

/** The damaged frames of packs that were read now, or in which some were found: all that are known in each. */
export function badFramesOf({ index, badFrames, read, noted }: PackInspection): BadFrames {
  const found = new Map<string, Set<number>>();
  for (const pack of read) found.set(pack, new Set());
  for (const number of badFrames.values()) {
    const { pack, offset } = index.frame(number);
    const known = found.get(pack) ?? new Set(noted.get(pack));
    found.set(pack, known.add(offset));
  }
  return found;
}

/** Looks for chunks where they can be read, as far as is known now. The numbers of frames stay. */
export function placeAnew(inspection: PackInspection): void {
  const { packs, noted, badFrames } = inspection;
  if (noted.size === 0 && badFrames.count === 0) return;
  inspection.index = indexOf([...packs.values()], new Map([...noted, ...badFramesOf(inspection)]));
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
