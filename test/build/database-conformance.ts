import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp, type BackupSources } from '../../src/core/backup.ts';
import type {
  DatabaseAddress,
  DatabaseEngine,
  DumpSource,
  RestoreTarget,
  RestoreTicket,
} from '../../src/core/database/engine.ts';
import { CrmBackupError } from '../../src/core/errors.ts';
import { openDumpSource } from '../../src/core/restore/database-source.ts';
import { nodeDisk } from '../../src/core/restore/disk.ts';
import { Journal } from '../../src/core/restore/journal.ts';
import { endRestore, recoverRestores } from '../../src/core/restore/recover.ts';
import {
  restore,
  type RestoreOptions,
  type RestoreReport,
  undoRestore,
} from '../../src/core/restore/restore.ts';
import type { Progress, Task } from '../../src/core/task.ts';
import type { BackupRecord } from '../../src/core/vault/record.ts';
import { VaultError } from '../../src/core/vault/error.ts';
import { chunksIn, damageFrameOf } from './damage.ts';
import { temporaryFolder, type TemporaryFolder } from './tree.ts';
import { buildVault, type BuiltVault } from './vault.ts';

/**
 * A fresh, empty database on a real server to try an engine on, with ways around the engine to fill it and look into it.
 * `database` below is undefined for the database of the address, else the name of another one of the same server.
 */
export interface TriedDatabase extends AsyncDisposable {
  readonly engine: DatabaseEngine;
  readonly address: DatabaseAddress;
  /** Name of a database that does not exist yet, as `--database crm=NAME` takes it. */
  readonly other: string;
  /** What must never be seen, a part of the address; undefined when there is none. */
  readonly secret: string | undefined;
  /** An address at which there is no database. */
  readonly nowhere: DatabaseAddress;
  /** Runs statements. */
  run(sql: string, database?: string): Promise<void>;
  /** All rows of a table in the order of its first column, each value exactly and with its type, as text. */
  rows(table: string, database?: string): Promise<string>;
  /** Every object of the database but rows, as text that is equal when the objects are. */
  objects(database?: string): Promise<string>;
  /** Everything there is besides the database: other databases of the server, files beside the file. */
  surroundings(): Promise<string>;
  /** Loads what `extract` has written into a new database, with the engine’s own client, and returns its name. */
  load(folder: string): Promise<string>;
  /** Writes to the table `account` from another process until it is disposed: moves money, the sum stays. */
  startWriter(): Promise<AsyncDisposable>;
  readonly dialect: {
    /** Makes the table `every_type` with every type there is, and rows with all extremes, empty values and NULL. */
    readonly everyType: string;
    /** Makes objects of every kind, with names that have to be quoted, and rows in them. */
    readonly everyObject: string;
    /** The names of some tables {@link everyObject} makes, quoted as a statement wants them. */
    readonly someTables: readonly string[];
    /** Makes the table `many` (`id` integer key, `value` text) with so many rows of about 100 bytes. */
    many(rows: number): string;
    /** Makes the table `account` (`id` integer key, `amount` integer): 200 rows with 1000 each. */
    readonly accounts: string;
  };
}

const MOST_PRINTED = 20_000;

/**
 * What every engine must do; `open` gives a fresh database each time.
 * @param options `brief`: only what depends on the server’s version
 */
export function databaseConformance(
  what: string,
  open: () => Promise<TriedDatabase> | TriedDatabase,
  { brief = false } = {},
): void {
  describe(`${what} as a database`, () => {
    let tried: TriedDatabase;
    let place: Place;
    beforeEach(async () => {
      tried = withShortRows(await open());
      place = await makePlace(tried);
    });
    afterEach(async () => {
      await tried[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    });

    it('gives back every type bit by bit', async () => {
      await tried.run(tried.dialect.everyType);
      const before = await tried.rows('every_type');
      const record = await place.backUp();
      expect(record).toMatchObject({ status: 'complete', problems: [] });
      await place.restore(record, { databases: [{ name: 'crm', target: tried.other }] });
      expect(await tried.rows('every_type', tried.other)).toBe(before);
      expect(await tried.rows('every_type')).toBe(before);
    });

    it('is replaced whole, leaves nothing behind, and the replacement can be taken back', async () => {
      await tried.run(tried.dialect.everyObject);
      await tried.run(tried.dialect.many(500));
      const objects = await tried.objects();
      const rows = await tried.rows('many');
      const surroundings = await tried.surroundings();
      const record = await place.backUp();
      await tried.run("DELETE FROM many WHERE id < 250; UPDATE many SET value = 'wrong'");
      await tried.run(tried.dialect.accounts);
      const wrong = await tried.rows('many');
      const report = await place.restore(record, { safetyBackup: true });
      expect(report.safetyBackup).not.toBeNull();
      expect(report.plan.tables).toMatchObject([{ database: 'crm', creates: false }]);
      expect(await tried.rows('many')).toBe(rows);
      expect(await tried.objects()).toBe(objects);
      expect(await tried.surroundings()).toBe(surroundings);
      await place.undo();
      expect(await tried.rows('many')).toBe(wrong);
      expect(await tried.rows('account')).not.toBe('');
      expect(await tried.surroundings()).toBe(surroundings);
    });

    it('gives back single tables and leaves the others', async () => {
      await tried.run(tried.dialect.many(300));
      await tried.run(tried.dialect.accounts);
      const rows = await tried.rows('many');
      const record = await place.backUp();
      await tried.run('DELETE FROM many WHERE id > 10');
      await tried.run('UPDATE account SET amount = 7');
      const accounts = await tried.rows('account');
      const path = await pathOf(place, record, 'many');
      const surroundings = await tried.surroundings();
      await place.restore(record, { paths: [path] });
      expect(await tried.rows('many')).toBe(rows);
      expect(await tried.rows('account')).toBe(accounts);
      expect(await tried.surroundings()).toBe(surroundings);
    });

    it('takes the place of a database of no set only when that may be lost', async () => {
      await tried.run(tried.dialect.many(30));
      const rows = await tried.rows('many');
      const record = await place.backUp();
      const other = { databases: [{ name: 'crm', target: tried.other }] };
      await place.restore(record, other);
      await tried.run("UPDATE many SET value = 'of nobody'", tried.other);
      const nobodys = await tried.rows('many', tried.other);
      await expect(place.restore(record, other)).rejects.toMatchObject({ code: 'target-not-empty' });
      await expect(place.restore(record, { ...other, dryRun: true })).rejects.toMatchObject({
        code: 'target-not-empty',
      });
      expect(await tried.rows('many', tried.other)).toBe(nobodys);
      const report = await place.restore(record, { ...other, overwrite: true });
      expect(report.plan.tables).toMatchObject([{ creates: false }]);
      expect(await tried.rows('many', tried.other)).toBe(rows);
      await tried.run('DROP TABLE many', tried.other);
      await place.restore(record, other);
      expect(await tried.rows('many', tried.other)).toBe(rows);
    });

    it('says who it is and that all is well', async () => {
      await using connection = await tried.engine.connect(tried.address, {});
      const { product, checks } = await connection.describe({});
      expect(product).toMatch(/^\S+ \d+\.\d+/);
      expect(checks.filter(({ status }) => status === 'failed')).toEqual([]);
      if (tried.secret !== undefined) expect(JSON.stringify(checks)).not.toContain(tried.secret);
    });

    if (brief) return;

    it('gives back every object, whatever its name', async () => {
      await tried.run(tried.dialect.everyObject);
      const objects = await tried.objects();
      const record = await place.backUp();
      expect(record).toMatchObject({ status: 'complete', problems: [] });
      await place.restore(record, { databases: [{ name: 'crm', target: tried.other }] });
      expect(await tried.objects(tried.other)).toBe(objects);
      for (const table of tried.dialect.someTables) {
        expect(await tried.rows(table, tried.other)).toBe(await tried.rows(table));
      }
    });

    it('gives back an empty database', async () => {
      const record = await place.backUp();
      await tried.run(tried.dialect.many(10));
      await place.restore(record);
      await expect(tried.rows('many')).rejects.toThrow();
    });

    it('is of one moment while others write', async () => {
      await tried.run(tried.dialect.accounts);
      await tried.run(tried.dialect.many(20_000));
      const records: BackupRecord[] = [];
      {
        await using _writer = await tried.startWriter();
        for (let round = 0; round < 3; round++) records.push(await place.backUp());
      }
      for (const [at, record] of records.entries()) {
        expect(record.status).toBe('complete');
        const database = `${tried.other}${at}`;
        await place.restore(record, { databases: [{ name: 'crm', target: database }] });
        expect(sumOf(await tried.rows('account', database))).toBe(200_000);
      }
      const contents = new Set(
        await Promise.all(records.map(async (_, at) => tried.rows('account', `${tried.other}${at}`))),
      );
      expect(contents.size, 'the writer wrote between the backups').toBeGreaterThan(1);
    });

    it('does not see what is written once it is being read', async () => {
      await tried.run(tried.dialect.many(20_000));
      const before = await tried.rows('many');
      let written: Promise<void> | undefined;
      const progress = ({ phase }: Progress): void => {
        if (phase === 'dump') written ??= tried.run("UPDATE many SET value = 'later'");
      };
      const record = await place.backUp({ progress });
      await written;
      await place.restore(record, { databases: [{ name: 'crm', target: tried.other }] });
      expect(await tried.rows('many', tried.other)).toBe(before);
      expect(await tried.rows('many')).not.toBe(before);
    });

    it('stores nothing again that has not changed, and little of what has', async () => {
      await tried.run(tried.dialect.many(20_000));
      await tried.run(tried.dialect.accounts);
      const first = await place.backUp();
      expect(first.tables).toEqual({ total: 2, added: 2, modified: 0, deleted: 0, unchanged: 0 });
      const second = await place.backUp();
      expect(second.tables).toEqual({ total: 2, added: 0, modified: 0, deleted: 0, unchanged: 2 });
      expect(second.bytes.new).toBeLessThan(first.bytes.new / 100);
      await tried.run("UPDATE many SET value = 'changed' WHERE id IN (5, 5000, 15000)");
      const changed = await tried.rows('many');
      const third = await place.backUp();
      expect(third.tables).toEqual({ total: 2, added: 0, modified: 1, deleted: 0, unchanged: 1 });
      expect(third.bytes.stored).toBeLessThan(first.bytes.stored / 5);
      await tried.run('DROP TABLE account');
      expect((await place.backUp()).tables).toMatchObject({ total: 1, deleted: 1, unchanged: 1 });
      await place.restore(third);
      expect(await tried.rows('account')).not.toBe('');
      expect(await tried.rows('many')).toBe(changed);
    });

    it('stays as it is when the backup is not what it was', async () => {
      await tried.run(tried.dialect.many(2000));
      const record = await place.backUp();
      await tried.run("UPDATE many SET value = 'live'");
      const live = await tried.rows('many');
      const surroundings = await tried.surroundings();
      const source = await openDumpSource(place.built.vault, record, 'crm');
      for (const broken of [tampered(source), torn(source), failing(source)]) {
        await using target = await tried.engine.openTarget(tried.address, undefined, {});
        const { ticket } = await planOf(target, broken);
        await expect(target.build(broken, ticket, {})).rejects.toBeInstanceOf(CrmBackupError);
        await target.clear(ticket);
        expect(await tried.rows('many')).toBe(live);
        expect(await tried.surroundings()).toBe(surroundings);
      }
    });

    it('can be switched back, and every step may come twice and from another process', async () => {
      await tried.run(tried.dialect.many(100));
      const stored = await tried.rows('many');
      const record = await place.backUp();
      await tried.run("UPDATE many SET value = 'live'");
      const live = await tried.rows('many');
      const surroundings = await tried.surroundings();
      const source = await openDumpSource(place.built.vault, record, 'crm');
      const anew = async (work: (target: RestoreTarget) => Promise<void>): Promise<void> => {
        await using target = await tried.engine.openTarget(tried.address, undefined, {});
        await work(target);
      };
      await using first = await tried.engine.openTarget(tried.address, undefined, {});
      const { ticket: made } = await planOf(first, source);
      const ticket = JSON.parse(JSON.stringify(made)) as typeof made;
      await first.build(source, ticket, {});
      await first[Symbol.asyncDispose]();
      await anew(async (target) => target.switchBack(ticket));
      expect(await tried.rows('many')).toBe(live);
      for (let round = 0; round < 2; round++) {
        await anew(async (target) => target.switch(ticket));
        await anew(async (target) => target.switch(ticket));
        expect(await tried.rows('many')).toBe(stored);
        await anew(async (target) => target.switchBack(ticket));
        await anew(async (target) => target.switchBack(ticket));
        expect(await tried.rows('many')).toBe(live);
      }
      await anew(async (target) => target.switch(ticket));
      await anew(async (target) => target.clear(ticket));
      await anew(async (target) => target.clear(ticket));
      expect(await tried.rows('many')).toBe(stored);
      expect(await tried.surroundings()).toBe(surroundings);
    });

    it.each(['switching', 'rolling-back'] as const)(
      'keeps what was written after a restore was interrupted, whoever recovers it (%s)',
      async (phase) => {
        await tried.run(tried.dialect.many(50));
        const record = await place.backUp();
        await tried.run(tried.dialect.accounts);
        const surroundings = await tried.surroundings();
        const source = await openDumpSource(place.built.vault, record, 'crm');
        const restoreId = 'facade';
        let ticket: RestoreTicket;
        {
          await using target = await tried.engine.openTarget(tried.address, undefined, {});
          ({ ticket } = await target.plan(
            source,
            { restoreId, tables: undefined, mayEndSessions: true },
            {},
          ));
          await target.build(source, ticket, {});
          if (phase === 'rolling-back') await target.switch(ticket);
        }
        const { url, workspace } = tried.address;
        const journaled = { name: 'crm', source: { name: 'crm', url }, workspace, target: undefined, ticket };
        const content = { set: 'test', backup: record.id, roots: [], databases: [journaled] };
        const home = join(place.folder.path, 'home');
        {
          using journal = Journal.create(nodeDisk(), home, content, restoreId);
          await journal.beginSwitch({ moves: [], marks: [], staged: [] });
          if (phase === 'rolling-back') journal.enter('rolling-back');
        }
        await tried.run("UPDATE many SET value = 'work of a day' WHERE id = 7");
        const worked = await tried.rows('many');

        const [found] = await recoverRestores(home);
        expect(found).toMatchObject({ outcome: phase === 'switching' ? 'undone' : 'undecided' });
        expect(await tried.rows('many')).toBe(worked);
        if (phase === 'rolling-back') {
          const ended = await endRestore(home, restoreId, 'keep');
          expect(ended).toMatchObject({
            outcome: 'kept',
            kept: [{ database: 'crm', place: expect.any(String) as string }],
          });
          expect(await tried.rows('many')).toBe(worked);
          expect(await tried.surroundings()).not.toBe(surroundings);
        } else expect(await tried.surroundings()).toBe(surroundings);
        expect(readdirSync(join(home, 'restores'))).toEqual([]);
      },
    );

    it('leaves nothing behind when a restore ends before it is built', async () => {
      await tried.run(tried.dialect.many(100));
      const record = await place.backUp();
      const surroundings = await tried.surroundings();
      const source = await openDumpSource(place.built.vault, record, 'crm');
      await using target = await tried.engine.openTarget(tried.address, undefined, {});
      const { ticket } = await planOf(target, source);
      await target.clear(ticket);
      expect(await tried.surroundings()).toBe(surroundings);
    });

    it('is written to a folder so that its own client loads it', async () => {
      await tried.run(tried.dialect.everyType);
      await tried.run(tried.dialect.everyObject);
      const record = await place.backUp();
      const to = join(place.folder.path, 'to');
      mkdirSync(to);
      const report = await place.restore(record, { to });
      expect(report.plan.tables).toMatchObject([{ database: 'crm', target: join(to, 'databases/crm') }]);
      const database = await tried.load(join(to, 'databases/crm'));
      expect(await tried.rows('every_type', database)).toBe(await tried.rows('every_type'));
      for (const table of tried.dialect.someTables) {
        expect(await tried.rows(table, database)).toBe(await tried.rows(table));
      }
      expect(await tried.objects(database)).toBe(await tried.objects());
    });

    it('gives a folder the tables that are named alone', async () => {
      await tried.run(tried.dialect.accounts);
      await tried.run(tried.dialect.many(300));
      const record = await place.backUp();
      const path = await pathOf(place, record, 'many');
      const to = join(place.folder.path, 'to');
      const report = await place.restore(record, { to, paths: [path] });
      expect(report.plan.tables).toMatchObject([{ database: 'crm', tables: 1 }]);
      const database = await tried.load(join(to, 'databases/crm'));
      expect(await tried.rows('many', database)).toBe(await tried.rows('many'));
      expect(await tried.rows('account', database).catch(() => '')).toBe('');
      const none = { to: `${to}2`, paths: ['databases/crm/tables/no.such'] };
      await expect(place.restore(record, none)).rejects.toMatchObject({ code: 'not-in-backup' });
    });

    it('gives a folder the tables that are whole where another one is damaged', async () => {
      await tried.run(tried.dialect.accounts);
      await tried.run(tried.dialect.many(20_000));
      const record = await place.backUp();
      const { vault } = place.built;
      const [account, many] = [await pathOf(place, record, 'account'), await pathOf(place, record, 'many')];
      const index = await vault.index();
      const frames = { own: new Map<number, Buffer>(), others: new Set<number>() };
      for await (const { path, chunks } of vault.entries(record)) {
        for (const id of chunksIn(chunks)) {
          const { frame } = index.place(index.find(id, 0));
          if (path === many) frames.own.set(frame, id);
          else frames.others.add(frame);
        }
      }
      // Where all tables are one file, none is whole.
      if (frames.own.size === 0) return;
      const [, chunk] = [...frames.own].find(([frame]) => !frames.others.has(frame))!;
      await damageFrameOf(vault, chunk);
      const named = {
        code: 'damaged',
        message: expect.stringMatching(`^${many} cannot be restored: `) as string,
        hint: expect.stringContaining('--skip-damaged') as string,
      };
      await expect(place.restore(record)).rejects.toMatchObject(named);
      const to = join(place.folder.path, 'to');
      await expect(place.restore(record, { to })).rejects.toMatchObject(named);
      await place.restore(record, { to: `${to}-account`, paths: [account] });
      const report = await place.restore(record, { to, skipDamaged: true });
      expect(report.problems).toMatchObject([{ code: 'damaged', path: many }]);
      expect(report.plan.tables).toMatchObject([{ tables: 1, notices: [expect.stringContaining('many')] }]);
      const database = await tried.load(join(to, 'databases/crm'));
      expect(await tried.rows('account', database)).toBe(await tried.rows('account'));
      expect(await tried.rows('many', database)).toBe('');
    });

    it('stops when it is cancelled', async () => {
      await tried.run(tried.dialect.many(20_000));
      const stop = new AbortController();
      const task = { signal: stop.signal, progress: () => stop.abort() };
      await expect(place.backUp(task)).rejects.toMatchObject({ code: 'cancelled' });
      const record = await place.backUp();
      expect(record.status).toBe('complete');
      const source = await openDumpSource(place.built.vault, record, 'crm');
      await using target = await tried.engine.openTarget(tried.address, tried.other, {});
      const { ticket } = await planOf(target, source);
      const aborted = { signal: AbortSignal.abort() };
      await expect(target.build(source, ticket, aborted)).rejects.toMatchObject({ code: 'cancelled' });
      await target.clear(ticket);
    });

    it('that is not there makes the backup partial, with one sentence and no secret', async () => {
      mkdirSync(join(place.folder.path, 'files'));
      const roots = [{ name: 'workspace', directory: place.folder.path, include: ['files'], exclude: [] }];
      await tried.run(tried.dialect.many(10));
      const gone = { name: 'gone', address: async () => Promise.resolve({ ...tried.nowhere, name: 'gone' }) };
      const databases = [...place.set.databases, gone];
      const record = await backUp(place.built.vault, { ...place.set, roots, databases }, { kind: 'full' });
      expect(record.status).toBe('partial');
      expect(record.problems).toMatchObject([{ path: 'databases/gone', incomplete: true }]);
      expect(record.tables.total).toBe(1);
      const shown = JSON.stringify(record.problems);
      expect(shown).not.toContain('\\n');
      if (tried.secret !== undefined) expect(shown).not.toContain(tried.secret);
    });

    it('keeps its secrets out of the backup’s own words', async () => {
      await tried.run(tried.dialect.many(10));
      const record = await place.backUp();
      const source = await openDumpSource(place.built.vault, record, 'crm');
      await using target = await tried.engine.openTarget(tried.address, undefined, {});
      const plan = await planOf(target, source);
      const words = JSON.stringify([record.sources, source.info, source.objects, source.tables, plan]);
      if (tried.secret !== undefined) expect(words).not.toContain(tried.secret);
      await target.clear(plan.ticket);
    });
  });
}

/** Rows of large tables as a hash: a test that fails should not print all of them. */
function withShortRows(tried: TriedDatabase): TriedDatabase {
  return {
    ...tried,
    async rows(table, database) {
      const rows = await tried.rows(table, database);
      return rows.length < MOST_PRINTED ? rows : createHash('sha256').update(rows).digest('hex');
    },
  };
}

/** A vault, and a set whose only source is the tried database. */
interface Place extends AsyncDisposable {
  readonly built: BuiltVault;
  readonly folder: TemporaryFolder;
  readonly set: BackupSources;
  backUp(task?: Task): Promise<BackupRecord>;
  restore(record: BackupRecord, options?: Partial<RestoreOptions>): Promise<RestoreReport>;
  undo(): Promise<RestoreReport>;
}

async function makePlace({ address }: TriedDatabase): Promise<Place> {
  const built = await buildVault();
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  const crm = { name: 'crm', address: async () => Promise.resolve({ ...address, name: 'crm' }) };
  const set: BackupSources = { name: 'test', roots: [], databases: [crm] };
  return {
    built,
    folder,
    set,
    backUp: async (task = {}) => backUp(built.vault, set, { kind: 'auto' }, task),
    restore: async (record, options = {}) =>
      restore(built.vault, record, { home, set, safetyBackup: false, endSessions: true, ...options }),
    undo: async () => undoRestore(built.vault, set, { home }),
    async [Symbol.asyncDispose]() {
      await built[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The path of a table in a backup. */
async function pathOf({ built }: Place, record: BackupRecord, table: string): Promise<string> {
  const { tables } = await openDumpSource(built.vault, record, 'crm');
  return `databases/crm/${tables.find(({ name }) => name === table)!.path}`;
}

async function planOf(target: RestoreTarget, source: DumpSource): ReturnType<RestoreTarget['plan']> {
  return target.plan(source, { restoreId: 'c0ffee', tables: undefined, mayEndSessions: true }, {});
}

/** The sum of the last value of every row. */
function sumOf(rows: string): number {
  return rows.split('\n').reduce((sum, row) => sum + Number(/(\d+)\D*$/.exec(row)?.[1] ?? 0), 0);
}

/** The same source, but a byte of every large content is another one. */
function tampered(source: DumpSource): DumpSource {
  return withContent(source, async function* (pieces) {
    for await (const piece of pieces) {
      if (piece.length < 1000) {
        yield piece;
        continue;
      }
      const other = Buffer.from(piece);
      // A digit that becomes another one, so that it is still a row.
      const at = other.findLastIndex((byte) => byte >= 0x30 && byte < 0x39);
      if (at >= 0) other[at]! += 1;
      yield other;
    }
  });
}

/** The same source, but large contents end before their end. */
function torn(source: DumpSource): DumpSource {
  return withContent(source, async function* (pieces) {
    for await (const piece of pieces) yield piece.length < 1000 ? piece : piece.subarray(0, piece.length / 2);
  });
}

/** The same source, but reading ends in an error of the vault. */
function failing(source: DumpSource): DumpSource {
  return withContent(source, async function* (pieces) {
    for await (const piece of pieces) {
      yield piece;
      if (piece.length >= 1000) throw new VaultError('damaged', 'A chunk of the vault is damaged.');
    }
  });
}

function withContent(
  source: DumpSource,
  change: (pieces: AsyncIterable<Buffer>) => AsyncGenerator<Buffer>,
): DumpSource {
  const isRows = (path: string): boolean =>
    source.tables.some((table) => (table.storedIn ?? table.path) === path);
  return { ...source, read: (path) => (isRows(path) ? change(source.read(path)) : source.read(path)) };
}
