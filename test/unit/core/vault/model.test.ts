import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prune } from '../../../../src/core/vault/prune.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { verify } from '../../../../src/core/vault/verify.ts';
import { FaultyStorage } from '../../../build/faulty-storage.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { buildVault, readBackup, removeLocks, storeBackup } from '../../../build/vault.ts';

type Files = Record<string, Buffer>;

/** A change of the live files. */
const edit = fc.oneof(
  fc.record({
    type: fc.constant('write' as const),
    name: fc.nat(7),
    seed: fc.nat(20),
    bytes: fc.integer({ min: 0, max: 40_000 }),
  }),
  fc.record({ type: fc.constant('patch' as const), name: fc.nat(7), at: fc.nat(40_000), seed: fc.nat() }),
  fc.record({ type: fc.constant('delete' as const), name: fc.nat(7) }),
);

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('backup' as const),
      edits: fc.array(edit, { maxLength: 5 }),
      isFull: fc.boolean(),
      isUnfinished: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('forget' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('unforget' as const), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('prune' as const),
      killAt: fc.option(fc.integer({ min: 2, max: 12 })),
    }),
  },
);

function apply(files: Files, one: typeof edit extends fc.Arbitrary<infer T> ? T : never): void {
  const name = `file-${one.name}.bin`;
  if (one.type === 'write') files[name] = noiseOf(one.seed, one.bytes);
  else if (one.type === 'delete') Reflect.deleteProperty(files, name);
  else if (files[name] !== undefined && files[name].length > 0) {
    const bytes = Buffer.from(files[name]);
    bytes.writeUInt8(one.seed & 0xff, one.at % bytes.length);
    files[name] = bytes;
  }
}

describe('a vault', () => {
  it('always has the backups it should, whatever is stored, forgotten, pruned and killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 14, size: 'max' }), async (steps) => {
        await using built = await buildVault();
        let vault = await built.reopen();
        const files: Files = { 'file-0.bin': noiseOf(1, 30_000), 'file-1.bin': noiseOf(2, 20_000) };
        const backups = new Map<string, { record: BackupRecord; files: Files }>();
        const forgotten = new Map<string, { record: BackupRecord; files: Files }>();
        for (const one of steps) {
          if (one.type === 'backup') {
            for (const change of one.edits) apply(files, change);
            const base = one.isFull ? undefined : [...backups.values()].at(-1)?.record;
            const options = { base, unfinished: one.isUnfinished, pieceBytes: 8000 };
            const record = await storeBackup(vault, files, options);
            if (!one.isUnfinished) backups.set(record.id, { record, files: { ...files } });
          } else if (one.type === 'prune') {
            if (one.killAt === null) await prune(vault);
            else {
              const dying = await built.reopen(new FaultyStorage(built.storage, one.killAt, 'half-way'));
              await prune(dying).catch(() => undefined);
              removeLocks(built);
            }
            vault = await built.reopen();
            const left = new Set((await vault.storage.list('forgotten')).map(({ name }) => name.slice(10)));
            for (const id of forgotten.keys()) if (!left.has(id)) forgotten.delete(id);
          } else {
            const [from, to] = one.type === 'forget' ? [backups, forgotten] : [forgotten, backups];
            const id = [...from.keys()][one.pick % Math.max(1, from.size)];
            if (id === undefined) continue;
            await vault[one.type](id);
            to.set(id, from.get(id)!);
            from.delete(id);
          }
        }
        const { records } = await vault.records();
        expect(records.map(({ id }) => id).sort()).toEqual([...backups.keys()].sort());
        for (const { record, files: content } of backups.values()) {
          const found = await readBackup(vault, record);
          expect(Object.keys(found).sort()).toEqual(Object.keys(content).sort());
          for (const [path, bytes] of Object.entries(content))
            expect(found[path]!.equals(bytes), path).toBe(true);
        }
        expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
      }),
      { numRuns: 12 },
    );
  }, 300_000);
});
