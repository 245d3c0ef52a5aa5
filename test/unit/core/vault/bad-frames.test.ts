import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backUp } from '../../../../src/core/backup.ts';
import { restore } from '../../../../src/core/restore/restore.ts';
import { prune } from '../../../../src/core/vault/prune.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { repair } from '../../../../src/core/vault/repair.ts';
import { verify } from '../../../../src/core/vault/verify.ts';
import { chunksIn, damageFrame } from '../../../build/damage.ts';
import { editTree, randomEdits } from '../../../build/edit-tree.ts';
import { noiseOf, randomTree } from '../../../build/random-tree.ts';
import { type Restorable, restorable } from '../../../build/restorable.ts';
import { snapshotTree, type TreeSnapshot } from '../../../build/snapshot-tree.ts';
import { treeOf } from '../../../build/tree.ts';

const KINDS = ['auto', 'incremental', 'differential', 'full'] as const;

/** A backup, restored to a new folder. */
async function restored(place: Restorable, record: BackupRecord, folder = ''): Promise<TreeSnapshot> {
  const to = join(place.scratch, folder, record.id);
  await restore(await place.reopen(), record, { home: place.home, to });
  return snapshotTree(join(to, 'files/workspace'));
}

async function damageIn(place: Restorable, record?: BackupRecord): Promise<string[]> {
  const { damage } = await verify(await place.reopen(), { level: 'data', record });
  return damage.flatMap(({ object, problems }) => problems.map((problem) => `${object}: ${problem}`));
}

async function notedIn(place: Restorable): Promise<number> {
  return (await (await place.reopen()).badFrames()).size;
}

describe('After a verification has found damage', () => {
  it.each(KINDS)('a backup (%s) stores anew what it rests on, and older ones get it back', async (kind) => {
    await fc.assert(
      fc.asyncProperty(
        randomTree(),
        randomEdits(),
        fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('repaired', 'forgotten', 'kept'),
        async (tree, edits, picks, older) => {
          await using place = await restorable([...tree, ...treeOf({ 'one to begin with': 'text' })]);
          const first = await place.backUp();
          editTree(place.root, edits);
          writeFileSync(join(place.root, 'one more'), noiseOf(1, 5000));
          const second = await place.backUp({ kind: 'incremental' });
          const before = snapshotTree(place.root);
          const vault = await place.reopen();
          const { frameCount } = await vault.index();
          for (const frame of new Set(picks.map((pick) => pick % frameCount)))
            await damageFrame(vault, frame);

          expect(await damageIn(place)).not.toEqual([]);
          expect(await notedIn(place)).toBeGreaterThan(0);
          const third = await backUp(await place.reopen(), place.set, { kind });
          expect(await damageIn(place, third)).toEqual([]);
          expect(await restored(place, third)).toEqual(before);
          // Nothing was changed in between: what it stored anew is all that the one before needs.
          expect(await restored(place, second)).toEqual(before);

          if (older === 'repaired') await repair(await place.reopen());
          else {
            if (older === 'forgotten') for (const { id } of [first, second]) await vault.forget(id);
            const pruned = await prune(await place.reopen()).catch((error: unknown) => error);
            // What the list of the first one says may be lost, and with it what may go.
            if (pruned instanceof Error) expect([older, pruned]).toMatchObject(['kept', { code: 'damaged' }]);
          }
          // What older backups have lost for good they have lost.
          expect(await damageIn(place, older === 'forgotten' ? undefined : third)).toEqual([]);
          if (older !== 'kept') expect(await notedIn(place)).toBe(0);
          expect(await restored(place, third, 'again')).toEqual(before);
        },
      ),
      { numRuns: 4 },
    );
  });
});

describe('Damage that was met is known to the next backup', () => {
  /** A folder with a backup; every frame that holds content, or that holds its list, is damaged. */
  async function damaged(part: 'content' | 'list') {
    const place = await restorable(treeOf({ 'a/b.bin': noiseOf(1, 80_000) }));
    const first = await place.backUp();
    const vault = await place.reopen();
    const index = await vault.index();
    const lists = new Set(
      first.manifest.flatMap(({ chunks }) =>
        chunksIn(chunks).map((id) => index.place(index.find(id, 0)).frame),
      ),
    );
    for (let frame = 0; frame < index.frameCount; frame++)
      if (lists.has(frame) === (part === 'list')) await damageFrame(vault, frame);
    return { place, first };
  }

  it.each([true, false])('by a restore (of a drill: %s)', async (isDrill) => {
    const { place, first } = await damaged('content');
    await using _place = place;
    const before = snapshotTree(place.root);
    const to = join(place.scratch, 'to');
    const restoring = restore(await place.reopen(), first, { home: place.home, to, isDrill });
    await expect(restoring).rejects.toMatchObject({ code: 'damaged' });
    expect(await notedIn(place)).toBe(1);
    const second = await backUp(await place.reopen(), place.set, { kind: 'incremental' });
    expect(await damageIn(place, second)).toEqual([]);
    expect(await restored(place, second)).toEqual(before);
  });

  it('by a backup that it was to be told against', async () => {
    const { place, first } = await damaged('list');
    await using _place = place;
    const before = snapshotTree(place.root);
    const second = await backUp(await place.reopen(), place.set, { kind: 'incremental' });
    expect(second.problems.map(({ code }) => code)).toEqual(['base-damaged']);
    expect(await damageIn(place, second)).toEqual([]);
    expect(await restored(place, second)).toEqual(before);
    expect(await restored(place, first)).toEqual(before);
    expect(await notedIn(place)).toBe(1);
  });

  it('until it is found right', async () => {
    const { place } = await damaged('list');
    await using _place = place;
    await damageIn(place);
    expect(await notedIn(place)).toBe(1);
    // The same bits once more.
    const vault = await place.reopen();
    const index = await vault.index();
    for (let frame = 0; frame < index.frameCount; frame++)
      if (index.isBad(frame)) await damageFrame(vault, frame);
    expect(await damageIn(place)).toEqual([]);
    expect(await notedIn(place)).toBe(0);
  });
});
