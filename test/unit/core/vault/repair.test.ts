import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ByteRange, type Storage, StorageError } from '../../../../src/core/storage/storage.ts';
import { entriesIn } from '../../../../src/core/vault/damage.ts';
import { FrameMethod } from '../../../../src/core/vault/frame.ts';
import { surveyPacks } from '../../../../src/core/vault/index-file.ts';
import { decodeFrames, type FrameEntry, readFooter } from '../../../../src/core/vault/pack.ts';
import { prune } from '../../../../src/core/vault/prune.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { repair } from '../../../../src/core/vault/repair.ts';
import type { Vault } from '../../../../src/core/vault/vault.ts';
import { verify } from '../../../../src/core/vault/verify.ts';
import { chunksIn, damageFrameOf } from '../../../build/damage.ts';
import { DEATHS, FaultyStorage } from '../../../build/faulty-storage.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import {
  buildVault,
  type BuiltVault,
  type Content,
  copyVault,
  edited,
  objectsIn,
  readBackup,
  removeLocks,
  storeBackup,
} from '../../../build/vault.ts';

const FIRST = {
  'a.bin': noiseOf(2, 300_000),
  'b.txt': noiseOf(1, 30_000).toString('hex'),
  'c.bin': noiseOf(7, 1_200_000),
};
const SECOND = { ...FIRST, 'a.bin': edited(FIRST['a.bin'], 100_000), 'd.bin': noiseOf(3, 50_000) };
const THIRD = { 'e.bin': noiseOf(4, 70_000), 'b.txt': FIRST['b.txt'] };

function change(built: BuiltVault, name: string, act: (bytes: Buffer) => void): void {
  const file = join(built.directory, name);
  const bytes = readFileSync(file);
  act(bytes);
  writeFileSync(file, bytes);
}

function flip(byte: number): (bytes: Buffer) => void {
  return (bytes) => {
    const at = byte < 0 ? bytes.length + byte : byte;
    bytes[at] = bytes[at]! ^ 1;
  };
}

async function framesOf(built: BuiltVault, name: string): Promise<FrameEntry[]> {
  const bytes = readFileSync(join(built.directory, name)).length;
  return decodeFrames((await readFooter(built.storage, built.vault.keys, name.slice(9, -5), bytes)).listing);
}

/** Which of a backup's files can be read, and that these are right. */
async function readable(vault: Vault, record: BackupRecord, content: Content): Promise<string[]> {
  vault.forgetIndex();
  const index = await vault.index();
  const names: string[] = [];
  try {
    for await (const entry of vault.entries(record)) {
      if (entry.type !== 'file') continue;
      const name = entry.path.slice('files/workspace/'.length);
      const parts: Buffer[] = [];
      try {
        for await (const part of vault.reader.readContent(entry, index)) parts.push(part);
      } catch {
        continue;
      }
      expect(Buffer.concat(parts).equals(Buffer.from(content[name]!)), name).toBe(true);
      names.push(name);
    }
  } catch {
    // A part of the manifest is lost.
  }
  return names;
}

describe('repair', () => {
  let template: BuiltVault;
  let backups: [BackupRecord, Content][];
  beforeAll(async () => {
    template = await buildVault();
    const first = await storeBackup(template.vault, FIRST);
    const second = await storeBackup(template.vault, SECOND, { base: first });
    const third = await storeBackup(template.vault, THIRD);
    await template.vault.note({ backup: first.id, label: 'a label' });
    backups = [
      [first, FIRST],
      [second, SECOND],
      [third, THIRD],
    ];
  });
  afterAll(async () => template[Symbol.asyncDispose]());

  /** After a repair that lost nothing: all is as it should be, and a second repair finds nothing to do. */
  async function expectWhole(built: BuiltVault): Promise<void> {
    const vault = await built.reopen();
    for (const [record, content] of backups) {
      const found = await readBackup(vault, record);
      for (const [name, bytes] of Object.entries(content))
        expect(found[name]!.equals(Buffer.from(bytes))).toBe(true);
    }
    expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
    expect(await repair(vault)).toMatchObject({
      damage: [],
      written: [],
      setAside: [],
      lostChunks: 0,
      backups: [],
    });
    await prune(vault);
  }

  it('finds nothing to do in a vault that is whole', async () => {
    await using built = await copyVault(template);
    const before = objectsIn(built, '');
    expect(await repair(built.vault)).toMatchObject({ damage: [], written: [], setAside: [], backups: [] });
    expect(objectsIn(built, '')).toEqual(before);
  });

  it('rebuilds the index from the packs’ footers', async () => {
    await using built = await copyVault(template);
    for (const name of objectsIn(built, 'index')) rmSync(join(built.directory, name));
    const result = await repair(await built.reopen());
    expect(result).toMatchObject({ lostChunks: 0, setAside: [], backups: [] });
    expect(result.written).toHaveLength(1);
    expect(objectsIn(built, 'index')).toEqual(result.written);
    await expectWhole(built);
  });

  it('replaces a damaged index file', async () => {
    await using built = await copyVault(template);
    const [name] = objectsIn(built, 'index');
    change(built, name!, flip(30));
    const result = await repair(await built.reopen());
    expect(result.damage.map(({ object }) => object)).toEqual([name]);
    expect(result.setAside).toEqual([name]);
    expect(objectsIn(built, 'damaged')).toEqual([`damaged/${name!}`]);
    await expectWhole(built);
  });

  it.each([
    ['footer', -40],
    ['trailer', -2],
    ['header', 3],
    ['salt', 12],
  ])('writes a pack anew whose %s is damaged, and keeps the old one aside', async (_, byte) => {
    await using built = await copyVault(template);
    for (const name of objectsIn(built, 'packs')) change(built, name, flip(byte));
    const packs = objectsIn(built, 'packs');
    const result = await repair(await built.reopen());
    expect(result).toMatchObject({ lostChunks: 0, backups: [] });
    expect([...result.setAside].sort()).toEqual(packs);
    expect(objectsIn(built, 'damaged')).toEqual(packs.map((name) => `damaged/${name}`));
    expect(result.damage.every(({ backups, paths }) => backups.length + paths.length === 0)).toBe(true);
    await expectWhole(built);
  });

  it('drops a damaged frame, keeps the rest of its pack, and names what is lost for good', async () => {
    for (const name of objectsIn(template, 'packs')) {
      for (const [number, frame] of (await framesOf(template, name)).entries()) {
        await using built = await copyVault(template);
        change(built, name, flip(frame.offset + 20));
        const before = await verify(await built.reopen(), { level: 'data' });
        const dry = await repair(await built.reopen(), { dryRun: true });
        expect(objectsIn(built, 'damaged')).toEqual([]);
        const result = await repair(await built.reopen());
        // With it goes what rests on it.
        expect(result.setAside, `frame ${number}`).toContain(name);
        expect(dry.backups).toEqual(result.backups);
        expect(dry.setAside).toEqual(result.setAside);
        expect(result.lostChunks).toBeGreaterThanOrEqual(frame.chunks.length);
        // What verify named is what is lost.
        expect(new Set(result.backups.flatMap(({ paths }) => paths))).toEqual(
          new Set(before.damage[0]!.paths),
        );
        expect(new Set(result.backups.flatMap(({ lists }) => lists))).toEqual(
          new Set(before.damage[0]!.lists),
        );
        expect(result.backups.map(({ id }) => id).sort()).toEqual([...before.damage[0]!.backups].sort());

        const vault = await built.reopen();
        const { records } = await vault.records();
        for (const [record, content] of backups) {
          const damaged = result.backups.find(({ id }) => id === record.id);
          const names = await readable(vault, record, content);
          expect(records.find(({ id }) => id === record.id)!.lostPaths ?? 0).toBe(damaged?.pathCount ?? 0);
          if (damaged === undefined) expect(names).toEqual(Object.keys(content).sort());
          else for (const one of names) expect(damaged.paths).not.toContain(`files/workspace/${one}`);
        }
        expect(await repair(vault)).toMatchObject({ written: [], setAside: [] });

        // The vault lives on: the same content is stored again, which heals what had lost it.
        const again = await storeBackup(vault, { ...FIRST, ...SECOND });
        await readable(vault, again, { ...FIRST, ...SECOND });
        await prune(vault);
        expect(Object.keys(await readBackup(vault, again)).sort()).toEqual(Object.keys(SECOND).sort());
      }
    }
  }, 120_000);

  it('counts a lost part of a list as what it has named, and less when some of it is there again', async () => {
    await using built = await buildVault();
    const named = (from: number): Record<string, string> =>
      Object.fromEntries(
        Array.from({ length: 6000 - from }, (_, at) => [
          `folder/a file with a number ${from + at + 1e4}`,
          'x',
        ]),
      );
    const record = await storeBackup(built.vault, named(0));
    const { chunks, firstPaths } = record.manifest[0]!;
    expect(firstPaths.length).toBeGreaterThan(3);
    for (const part of chunksIn(chunks)) await damageFrameOf(built.vault, part);

    const vault = await built.reopen();
    const all = { root: 'files/workspace', path: 'files/workspace', parts: firstPaths.length, entries: 6001 };
    const { damage } = await verify(vault, { level: 'data' });
    expect(damage).toMatchObject([{ backups: [record.id], paths: [], lists: [all], pathCount: 6001 }]);
    expect((await repair(vault)).backups).toMatchObject([{ paths: [], lists: [all], pathCount: 6001 }]);
    const lostPaths = async (): Promise<number | undefined> =>
      (await vault.records()).records.find(({ id }) => id === record.id)?.lostPaths;
    expect(await lostPaths()).toBe(6001);

    // The later parts are as they were, the first is not.
    await storeBackup(vault, named(5));
    const found = await verify(vault, { level: 'data' });
    const { lists, pathCount } = found.damage[0]!;
    const second = Number(firstPaths[1]!.slice(-5)) - 1e4;
    expect(lists).toEqual([{ ...all, parts: 1, entries: 1 + second }]);
    expect([pathCount, await lostPaths()]).toEqual([1 + second, 1 + second]);
  });

  it('heals backups whose lost content a new full backup stores again', async () => {
    await using built = await copyVault(template);
    const [first] = backups[0]!;
    const index = await built.vault.index();
    const { pack, offset } = index.frame(
      index.place(index.find(await chunksOf(built.vault, first, 'c.bin'), 0)).frame,
    );
    change(built, `packs/${pack.slice(0, 2)}/${pack}.pack`, flip(offset + 20));
    const vault = await built.reopen();
    const { backups: damaged } = await repair(vault);
    expect(damaged.length).toBeGreaterThan(0);
    const told = (await vault.records()).records.filter(({ damagedAt }) => damagedAt !== undefined);
    expect(told.map(({ id }) => id).sort()).toEqual(damaged.map(({ id }) => id).sort());
    await storeBackup(vault, { ...FIRST, 'second.bin': SECOND['a.bin'], 'd.bin': SECOND['d.bin'] });
    expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
    expect((await vault.records()).records.every(({ lostPaths }) => (lostPaths ?? 0) === 0)).toBe(true);
    await prune(vault);
  });

  it('says what is lost with a pack, and the vault lives on', async () => {
    for (const name of objectsIn(template, 'packs')) {
      await using built = await copyVault(template);
      rmSync(join(built.directory, name));
      await expect(prune(await built.reopen())).rejects.toMatchObject({ code: 'damaged' });
      const vault = await built.reopen();
      const result = await repair(vault);
      expect(result.backups.length).toBeGreaterThan(0);
      expect(result.damage.find(({ object }) => object === name)!.backups.length).toBeGreaterThan(0);
      for (const { paths, lists, pathCount } of result.backups)
        expect(paths.length + entriesIn(lists)).toBe(pathCount);
      expect(await repair(vault)).toMatchObject({ written: [], setAside: [] });
      const again = await storeBackup(vault, SECOND);
      await prune(vault);
      expect(Object.keys(await readBackup(vault, again)).sort()).toEqual(Object.keys(SECOND).sort());
      for (const { id } of result.backups) await vault.forget(id);
      await prune(vault);
      expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
    }
  });

  it('loses nothing with a pack whose chunks another has', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const first = await storeBackup(vault, FIRST);
    // Two writers at once do not know of each other: both store the same.
    const [one] = objectsIn(built, 'packs');
    const kept = readFileSync(join(built.directory, one!));
    rmSync(join(built.directory, one!));
    const second = await storeBackup(vault, FIRST);
    writeFileSync(join(built.directory, one!), kept);
    for (const isGone of [false, true]) {
      await using copy = await copyVault(built);
      if (isGone) rmSync(join(copy.directory, one!));
      else change(copy, one!, flip(5000));
      const fresh = await copy.reopen();
      expect((await verify(fresh, { level: 'data' })).damage.map(({ object }) => object)).toEqual([one]);
      expect(await repair(fresh)).toMatchObject({ lostChunks: 0, backups: [] });
      for (const record of [first, second]) {
        expect(await readable(fresh, record, FIRST)).toEqual(Object.keys(FIRST));
      }
      expect((await verify(fresh, { level: 'data' })).damage).toEqual([]);
    }
  });

  it('rescues what stands before the end of a pack that was cut short', async () => {
    const [name] = objectsIn(template, 'packs').toSorted(
      (a, b) =>
        readFileSync(join(template.directory, b)).length - readFileSync(join(template.directory, a)).length,
    );
    const frames = await framesOf(template, name!);
    await using built = await copyVault(template);
    truncateSync(join(built.directory, name!), frames[1]!.offset + 100);
    const result = await repair(await built.reopen());
    const after = frames.slice(1).reduce((sum, { chunks }) => sum + chunks.length, 0);
    expect(result.lostChunks).toBeGreaterThanOrEqual(after);
    const index = await (await built.reopen()).index();
    for (const { id } of frames[0]!.chunks) expect(index.find(id, 0)).toBeGreaterThanOrEqual(0);
    expect(result.setAside).toContain(name);
  });

  it('rescues what stands around blocks that the disk can no longer read', async () => {
    const [name] = objectsIn(template, 'packs').toSorted(
      (a, b) =>
        readFileSync(join(template.directory, b)).length - readFileSync(join(template.directory, a)).length,
    );
    const frames = await framesOf(template, name!);
    const bad = frames[0]!;
    await using built = await copyVault(template);
    const broken = withBadBlock(built.storage, name!, bad.offset + 10);
    const result = await repair(await built.reopen(broken));
    expect(result.lostChunks).toBeGreaterThan(0);
    expect(result.damage.find(({ object }) => object === name)!.problems.join(' ')).toMatch(
      /left where it is/,
    );
    const index = await (await built.reopen(broken)).index();
    const last = frames.at(-1)!;
    for (const { id } of last.chunks) expect(index.find(id, 0)).toBeGreaterThanOrEqual(0);
  });

  it('puts renamed records and misplaced packs back', async () => {
    await using built = await copyVault(template);
    const { directory } = built;
    const move = (from: string, to: string): void => {
      mkdirSync(dirname(join(directory, to)), { recursive: true });
      renameSync(join(directory, from), join(directory, to));
    };
    const [record, other] = objectsIn(built, 'backups');
    const [pack, second] = objectsIn(built, 'packs');
    move(record!, `backups/${'ab'.repeat(32)}`);
    move(other!, 'backups/copy of a record');
    move(pack!, `packs/zz/${pack!.slice(9)}`);
    move(second!, `packs/cd/${'cd'.repeat(32)}.pack`);
    const vault = await built.reopen();
    const result = await repair(vault);
    expect(result).toMatchObject({ lostChunks: 0, backups: [] });
    expect(objectsIn(built, 'backups')).toHaveLength(3);
    expect(objectsIn(built, 'packs')).toContain(pack);
    await expectWhole(built);
  });

  it('sets damaged records and notes aside, and restores vault.json', async () => {
    await using built = await copyVault(template);
    const text = readFileSync(join(built.directory, 'vault.json'), 'utf8');
    const [record] = objectsIn(built, 'backups');
    const [note] = objectsIn(built, 'notes');
    change(built, record!, flip(40));
    change(built, note!, flip(40));
    change(built, 'vault.json', flip(40));
    const vault = await built.reopen();
    const result = await repair(vault);
    expect([...result.setAside].sort()).toEqual([record, note].sort());
    expect(result.backups).toEqual([lostRecord(record!)]);
    expect(readFileSync(join(built.directory, 'vault.json'), 'utf8')).toBe(text);
    expect((await vault.records()).records).toHaveLength(2);
    expect((await vault.records()).damaged).toEqual([]);
    // The backup whose record is lost has left its content; prune no longer waits for it.
    await prune(vault);
    expect((await verify(await built.reopen(), { level: 'data' })).damage).toEqual([]);
    rmSync(join(built.directory, 'vault.json'));
    await repair(await built.reopen());
    expect(readFileSync(join(built.directory, 'vault.json'), 'utf8')).toBe(text);
  });

  it.each<[string, (file: string) => void]>([
    ['cut short', (file) => truncateSync(file, 30)],
    ['empty', (file) => truncateSync(file, 0)],
    ['not a record', (file) => writeFileSync(file, 'text')],
  ])('says of a backup whose record is %s that it is lost', async (_, damage) => {
    await using built = await copyVault(template);
    const [record] = objectsIn(built, 'backups');
    damage(join(built.directory, record!));
    const expected = { setAside: [record], backups: [lostRecord(record!)] };
    expect(await repair(await built.reopen(), { dryRun: true })).toMatchObject(expected);
    expect(await repair(await built.reopen())).toMatchObject(expected);
    expect(await repair(await built.reopen())).toMatchObject({ damage: [], backups: [] });
    // Until a prune it is back when its record is.
    cpSync(join(template.directory, record!), join(built.directory, record!));
    await expectWhole(built);
  });

  it('misses a record that is gone and that others are told against, unless it was forgotten', async () => {
    await using built = await copyVault(template);
    const [[first], [second]] = backups as [(typeof backups)[0], (typeof backups)[0]];
    const name = `backups/${first.id}`;
    const missed = [{ object: name, backups: [first.id], pathCount: 0 }];
    const bytes = readFileSync(join(built.directory, name));
    rmSync(join(built.directory, name));
    const found = await verify(await built.reopen(), { level: 'quick' });
    expect(found.damage).toMatchObject(missed);
    expect(found.damage[0]!.problems[0]).toContain(`backup ${second.id.slice(0, 8)}`);
    // It can be brought back.
    writeFileSync(join(built.directory, name), bytes);
    expect((await verify(await built.reopen(), { level: 'data' })).damage).toEqual([]);

    // Forgotten, and also pruned, it is missed by nobody.
    await using other = await copyVault(built);
    for (const action of [
      async () => other.vault.forget(first.id),
      async () => prune(await other.reopen()),
    ]) {
      await action();
      expect((await verify(await other.reopen(), { level: 'quick' })).damage).toEqual([]);
    }

    // A repair says so once.
    rmSync(join(built.directory, name));
    const lost = [{ id: first.id, createdAt: null, isRecordLost: true }];
    expect(await repair(await built.reopen(), { dryRun: true })).toMatchObject({
      damage: missed,
      backups: lost,
    });
    expect(await repair(await built.reopen())).toMatchObject({ damage: missed, backups: lost });
    backups = backups.slice(1);
    try {
      await expectWhole(built);
    } finally {
      backups = [[first, FIRST], ...backups];
    }
  });

  it('loses no record to another that stands in its place', async () => {
    await using built = await copyVault(template);
    const at = (name: string): string => join(built.directory, name);
    const [one, two, three] = objectsIn(built, 'backups') as [string, string, string];
    renameSync(at(one), at('backups/aside'));
    renameSync(at(two), at(one));
    renameSync(at('backups/aside'), at(two));
    // A copy under another name mends a damaged one, wherever it is in the listing.
    cpSync(at(three), at('backups/copy'));
    truncateSync(at(three), 30);
    expect((await repair(await built.reopen())).backups).toEqual([]);
    expect(objectsIn(built, 'backups')).toEqual([one, two, three]);
    const { records } = await (await built.reopen()).records();
    expect(records.every(({ lostPaths }) => (lostPaths ?? 0) === 0)).toBe(true);
    await expectWhole(built);
  });

  it('lets chunks stand alone again that others rest on', async () => {
    await using built = await buildVault();
    const { vault } = built;
    const base = { 'a.bin': noiseOf(1, 200_000) };
    const changed = { 'a.bin': edited(base['a.bin'], 100_000) };
    const twice = { 'a.bin': edited(edited(base['a.bin'], 100_000).fill(1, 5, 50), 100_000) };
    const first = await storeBackup(vault, base);
    await storeBackup(vault, changed, { base: first });
    const before = objectsIn(built, 'packs');
    // A full backup stores the changed file whole, the next rests on that.
    const full = await storeBackup(vault, changed);
    const [fullPack] = objectsIn(built, 'packs').filter((name) => !before.includes(name));
    const last = await storeBackup(vault, twice, { base: full });
    rmSync(join(built.directory, fullPack!));
    const fresh = await built.reopen();
    await repair(fresh);
    expect(await readable(fresh, last, twice)).toEqual(['a.bin']);
    const index = await fresh.index();
    for (let frame = 0; frame < index.frameCount; frame++) {
      for (const chunk of index.dictionaryOf(frame)) expect(index.isDelta(chunk)).toBe(false);
    }
    expect(await repair(fresh)).toMatchObject({ written: [], setAside: [] });
    const methods = Array.from({ length: index.frameCount }, (_, frame) => index.frame(frame).method);
    expect(methods).toContain(FrameMethod.delta);
  });

  it.each(DEATHS)(
    'can be killed at any change and be run again (%s)',
    async (death) => {
      // Each pack loses its footer, its header or its index file, none of them more than one.
      const { indexes } = await surveyPacks(template.storage, template.vault.keys);
      const [one, two, three] = objectsIn(template, 'packs');
      const index = indexes.find(({ packs }) => three!.includes(packs[0]!))!;
      let at = 0;
      for (let isDead = true; isDead;) {
        await using built = await copyVault(template);
        change(built, one!, flip(-30));
        change(built, two!, flip(5));
        change(built, index.name, flip(30));
        change(built, 'vault.json', flip(30));
        const storage = new FaultyStorage(built.storage, ++at, death);
        await repair(await built.reopen(storage)).catch(() => undefined);
        isDead = storage.isDead;
        removeLocks(built);
        const vault = await built.reopen();
        await repair(vault);
        for (const [record, content] of backups) {
          expect(await readable(vault, record, content)).toEqual(Object.keys(content).sort());
        }
        expect((await verify(vault, { level: 'data' })).damage).toEqual([]);
      }
      expect(at).toBeGreaterThan(8);
    },
    300_000,
  );
});

/** What repair says of a backup whose record does not open. */
function lostRecord(name: string): object {
  const id = name.slice('backups/'.length);
  return { id, createdAt: null, isRecordLost: true, paths: [], lists: [], pathCount: 0 };
}

async function chunksOf(vault: Vault, record: BackupRecord, path: string): Promise<Buffer> {
  for await (const entry of vault.entries(record, `files/workspace/${path}`))
    return Buffer.from(entry.chunks);
  throw new Error(`no ${path}`);
}

/** A storage whose disk cannot read one place of an object any more. */
function withBadBlock(storage: Storage, name: string, at: number): Storage {
  return new Proxy(storage, {
    get(target, key) {
      if (key !== 'read') {
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async (object: string, range?: ByteRange): Promise<Buffer> => {
        const from = range?.offset ?? 0;
        const to = range === undefined ? Infinity : from + range.length;
        if (object === name && from <= at && at < to) {
          throw new StorageError('unreachable', `${object} cannot be read there.`);
        }
        return target.read(object, range);
      };
    },
  });
}
