import fc from 'fast-check';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packName } from '../../../../src/core/vault/pack.ts';
import { CHUNK_ID_BYTES } from '../../../../src/core/vault/chunk-id.ts';
import { restore } from '../../../../src/core/restore/restore.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import type { Vault } from '../../../../src/core/vault/vault.ts';
import { chunksIn, damageFrameOf } from '../../../build/damage.ts';
import { editTree, randomEdits } from '../../../build/edit-tree.ts';
import { noiseOf, randomTree } from '../../../build/random-tree.ts';
import { restorable } from '../../../build/restorable.ts';
import { snapshotTree, type TreeSnapshot } from '../../../build/snapshot-tree.ts';
import { treeOf } from '../../../build/tree.ts';

/** The first chunk of every file that has content, by path. */
async function contentOf(vault: Vault, record: BackupRecord, root: string): Promise<Map<string, Buffer>> {
  const chunks = new Map<string, Buffer>();
  for await (const { path, type, chunks: ids } of vault.entries(record, root)) {
    if (type !== 'directory' && ids.length > 0) chunks.set(path, ids.subarray(0, CHUNK_ID_BYTES));
  }
  return chunks;
}

const filesIn = (tree: TreeSnapshot): string[] =>
  Object.keys(tree).filter((path) => tree[path]!.startsWith('file'));
const inBackup = (path: string): string => `files/workspace/${path}`;

describe('a restore that leaves out what is damaged', () => {
  it('brings back everything else, names each file it leaves out, and leaves what stands there', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomTree().filter((tree) => tree.some(({ type }) => type === 'file')),
        randomEdits(),
        fc.nat(),
        async (tree, edits, pick) => {
          await using place = await restorable(tree);
          const before = snapshotTree(place.root);
          const record = await place.backUp();
          const content = [...(await contentOf(place.vault, record, 'files/workspace')).values()];
          fc.pre(content.length > 0);
          await damageFrameOf(place.vault, content[pick % content.length]!);

          const to = join(place.scratch, 'to');
          const laid = await place.restore(record, { to, set: undefined, skipDamaged: true });
          const there = snapshotTree(join(to, 'files/workspace'));
          const skipped = laid.problems.map(({ path }) => path);
          expect(skipped.length).toBeGreaterThan(0);
          expect(laid.skipped).toBe(skipped.length);
          const found = filesIn(there).map(inBackup);
          expect([...found, ...skipped].sort()).toEqual(filesIn(before).map(inBackup).sort());
          for (const path of Object.keys(there)) expect(there[path]).toBe(before[path]);

          editTree(place.root, edits);
          const edited = snapshotTree(place.root);
          const inPlace = await place.restore(record, { delete: true, skipDamaged: true });
          const after = snapshotTree(place.root);
          const left = new Set(inPlace.problems.map(({ path }) => path));
          for (const path of filesIn(before)) {
            if (left.has(inBackup(path))) expect(after[path]).toBe(edited[path]);
            else expect(after[path]).toBe(before[path]);
          }
          const isLeft = (path: string): boolean =>
            [...left].some((one) => inBackup(path) === one || inBackup(path).startsWith(`${one}/`));
          for (const path of filesIn(after)) expect(before[path] !== undefined || isLeft(path)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('does the same where a part of the list is lost, and then deletes nothing', async () => {
    const content: Record<string, string> = {};
    for (let at = 0; at < 3000; at++)
      content[`folder-${String(at % 30)}/below/${'long-'.repeat(30)}${String(at)}`] = String(at);
    await using place = await restorable(treeOf(content));
    await place.backUp();
    writeFileSync(join(place.root, 'folder-12/below/new'), 'new');
    const before = snapshotTree(place.root);
    const old = new Set((await place.vault.storage.list('packs')).map(({ name }) => name));
    const record = await place.backUp({ kind: 'incremental' });
    const [added] = (await place.vault.storage.list('packs')).filter(({ name }) => !old.has(name));
    const index = await place.vault.index();
    const lost = record.manifest
      .flatMap(({ chunks }) => chunksIn(chunks))
      .filter((id) => packName(index.frame(index.place(index.find(id, 0)).frame).pack) === added!.name);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(record.manifest[0]!.firstPaths.length / 2);
    await place.vault.storage.remove(added!.name);
    place.vault.forgetIndex();
    await expect(place.restore(record)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('list of files is damaged from files/workspace') as string,
    });

    const to = join(place.scratch, 'to');
    const laid = await place.restore(record, { to, set: undefined, skipDamaged: true });
    expect(laid.problems.map(({ code }) => code)).toEqual(lost.map(() => 'list-damaged'));
    const there = snapshotTree(join(to, 'files/workspace'), { times: false });
    const all = snapshotTree(place.root, { times: false });
    expect(filesIn(there).length).toBeGreaterThan(filesIn(all).length / 2);
    for (const path of filesIn(there)) expect(there[path]).toBe(all[path]);

    writeFileSync(join(place.root, 'extra'), 'extra');
    rmSync(join(place.root, 'folder-3'), { recursive: true });
    const inPlace = await place.restore(record, { delete: true, skipDamaged: true });
    expect(inPlace.plan.delete).toBe(0);
    expect(inPlace.notDeleted).toEqual(['files/workspace']);
    const after = snapshotTree(place.root, { times: false });
    expect(after['extra']).toBeDefined();
    for (const path of filesIn(there)) expect(after[path]).toBe(all[path]);

    // What is asked for and stands in another part of the list is whole.
    const elsewhere = filesIn(there)[0]!;
    const one = await place.restore(record, { paths: [inBackup(elsewhere)], skipDamaged: true });
    expect(one.problems).toEqual([]);
    expect(one.notDeleted).toEqual([]);
    // What is asked for and may stand in the lost part is told by its name, and what cannot is not there.
    const asked = filesIn(all).find((path) => !filesIn(there).includes(path))!;
    for (const path of [asked, `${asked}-not`].map(inBackup)) {
      const missed = await place.restore(record, { paths: [path], skipDamaged: true });
      expect(missed.problems).toMatchObject([{ code: 'list-damaged', path }]);
    }
    const none = { paths: [inBackup(`${elsewhere}-not`)], skipDamaged: true };
    await expect(place.restore(record, none)).rejects.toMatchObject({ code: 'not-in-backup' });
    expect(Object.keys(before)).toContain(elsewhere);
  });

  it('has a safety backup that does not rest on what it has just found damaged', async () => {
    await using place = await restorable(treeOf({ 'lost/file': noiseOf(7, 100_000) }));
    await place.backUp();
    writeFileSync(join(place.root, 'edited'), 'before');
    const record = await place.backUp({ kind: 'incremental' });
    const content = await contentOf(place.vault, record, 'files/workspace');
    await damageFrameOf(place.vault, content.get(inBackup('lost/file'))!);
    writeFileSync(join(place.root, 'edited'), 'after');
    const before = snapshotTree(place.root);
    const vault = await place.reopen();
    const options = { home: place.home, set: place.set, safetyBackup: true, skipDamaged: true };
    const { safetyBackup, plan } = await restore(vault, record, options);
    expect(plan).toMatchObject({ replace: 1, unchanged: 1 });
    const { records } = await vault.records();
    const safety = records.find(({ id }) => id === safetyBackup)!;
    const to = join(place.scratch, 'to');
    await restore(vault, safety, { home: place.home, to });
    expect(snapshotTree(join(to, 'files/workspace'))).toEqual(before);
  });
});
