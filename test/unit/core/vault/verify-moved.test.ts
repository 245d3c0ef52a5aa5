import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrames, readFooter } from '../../../../src/core/vault/pack.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { verify, type Verification } from '../../../../src/core/vault/verify.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { buildVault, type BuiltVault, edited, objectsIn, storeBackup } from '../../../build/vault.ts';

const FIRST = { 'a.bin': noiseOf(2, 300_000), 'b.txt': noiseOf(1, 30_000).toString('hex'), 'c.txt': 'short' };
const SECOND = { ...FIRST, 'a.bin': edited(FIRST['a.bin'], 100_000), 'd.bin': noiseOf(3, 50_000) };

function damagedObjects({ damage }: Verification): string[] {
  return damage.map(({ object }) => object);
}

describe('verify does not let objects be moved or swapped:', () => {
  let built: BuiltVault;
  let first: BackupRecord;
  let other: BuiltVault;
  beforeAll(async () => {
    built = await buildVault();
    first = await storeBackup(built.vault, FIRST);
    await storeBackup(built.vault, SECOND, { base: first });
    await built.vault.note({ backup: first.id, label: 'a label' });
    other = await buildVault();
    const base = await storeBackup(other.vault, FIRST);
    await storeBackup(other.vault, SECOND, { base });
  });
  afterAll(async () => {
    await built[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  async function withChange(change: () => () => void): Promise<Verification> {
    const undo = change();
    try {
      return await verify(await built.reopen(), { level: 'data' });
    } finally {
      undo();
    }
  }

  function moved(from: string, to: string): () => () => void {
    return () => {
      const [source, target] = [join(built.directory, from), join(built.directory, to)];
      mkdirSync(dirname(target), { recursive: true });
      renameSync(source, target);
      return () => renameSync(target, source);
    };
  }

  function planted(from: string, name: string): () => () => void {
    return () => {
      const target = join(built.directory, name);
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(join(other.directory, from), target);
      return () => rmSync(target);
    };
  }

  it('two frames of one pack', async () => {
    for (const name of objectsIn(built, 'packs')) {
      const file = join(built.directory, name);
      const before = readFileSync(file);
      const pack = await readFooter(built.storage, built.vault.keys, name.slice(9, -5), before.length);
      const [one, two] = decodeFrames(pack.listing);
      const length = Math.min(one!.sealedBytes, two!.sealedBytes);
      const result = await withChange(() => {
        const bytes = Buffer.from(before);
        before.copy(bytes, one!.offset, two!.offset, two!.offset + length);
        before.copy(bytes, two!.offset, one!.offset, one!.offset + length);
        writeFileSync(file, bytes);
        return () => writeFileSync(file, before);
      });
      expect(damagedObjects(result)).toEqual([name]);
      expect(result.damage[0]!.problems[0]).toMatch(/2 of its/);
    }
  });

  it('a pack under another name', async () => {
    const [name] = objectsIn(built, 'packs');
    const renamed = `packs/ab/${'ab'.repeat(32)}.pack`;
    const result = await withChange(moved(name!, renamed));
    expect(damagedObjects(result).sort()).toEqual([name, renamed].sort());
    expect(result.damage.find(({ object }) => object === renamed)!.problems).toEqual([
      'Its name is not that of its content.',
    ]);
  });

  it('a pack in another folder', async () => {
    const [name] = objectsIn(built, 'packs');
    const result = await withChange(moved(name!, `packs/zz/${name!.slice(9)}`));
    expect(damagedObjects(result)).toContain(name);
    expect(damagedObjects(result)).toContain(`packs/zz/${name!.slice(9)}`);
  });

  it('two packs', async () => {
    const [one, two] = objectsIn(built, 'packs');
    const result = await withChange(() => {
      const [a, b] = [one!, two!].map((name) => readFileSync(join(built.directory, name)));
      writeFileSync(join(built.directory, one!), b!);
      writeFileSync(join(built.directory, two!), a!);
      return () => {
        writeFileSync(join(built.directory, one!), a!);
        writeFileSync(join(built.directory, two!), b!);
      };
    });
    expect(damagedObjects(result).sort()).toEqual([one, two]);
  });

  it('a record under another name', async () => {
    const [name] = objectsIn(built, 'backups');
    const renamed = `backups/${'cd'.repeat(32)}`;
    for (const other of [renamed, 'backups/something']) {
      const found = damagedObjects(await withChange(moved(name!, other)));
      // Where another backup is told against it, its own name is missed too.
      expect(found.filter((object) => object !== name)).toEqual([other]);
    }
  });

  it('a record, note, index file or pack of another vault', async () => {
    await other.vault.note({ backup: first.id, label: 'planted' });
    for (const folder of ['backups', 'notes', 'index', 'packs']) {
      const [name] = objectsIn(other, folder);
      expect(damagedObjects(await withChange(planted(name!, name!)))).toEqual([name]);
    }
  });

  it('an index file as a note, a note as a record', async () => {
    const [index] = objectsIn(built, 'index');
    const hash = index!.slice('index/'.length, -'.idx'.length);
    const inPlace = (from: string, to: string) => () => {
      copyFileSync(join(built.directory, from), join(built.directory, to));
      return () => rmSync(join(built.directory, to));
    };
    expect(damagedObjects(await withChange(inPlace(index!, `notes/${hash}`)))).toEqual([`notes/${hash}`]);
    expect(damagedObjects(await withChange(inPlace(index!, `backups/${hash}`)))).toEqual([`backups/${hash}`]);
  });

  it('and finds the vault whole again afterwards', async () => {
    expect((await verify(await built.reopen(), { level: 'data' })).damage).toEqual([]);
  });
});
