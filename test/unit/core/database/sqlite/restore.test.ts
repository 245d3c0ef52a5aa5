import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp, type BackupSources } from '../../../../../src/core/backup.ts';
import type { RestoreDisk } from '../../../../../src/core/restore/disk.ts';
import { loadSqlite } from '../../../../../src/core/database/sqlite/runtime.ts';
import { recoverRestores } from '../../../../../src/core/restore/recover.ts';
import {
  restore,
  type RestoreOptions,
  type RestoreReport,
  undoRestore,
} from '../../../../../src/core/restore/restore.ts';
import { SetError } from '../../../../../src/core/set/error.ts';
import type { BackupRecord } from '../../../../../src/core/vault/record.ts';
import { type Built, buildForNode } from '../../../../build/bundle.ts';
import { isSound, rowsOf, withSqlite } from '../../../../build/database-sqlite.ts';
import { damageFrameOf } from '../../../../build/damage.ts';
import { countingDisk, dyingDisk, failingDisk } from '../../../../build/faulty-disk.ts';
import { temporaryFolder } from '../../../../build/tree.ts';
import { type BuiltVault, buildVault } from '../../../../build/vault.ts';

/** A CRM of a file and a database, which say the same word. */
interface Crm extends AsyncDisposable {
  readonly root: string;
  readonly home: string;
  readonly file: string;
  readonly set: BackupSources;
  readonly vault: BuiltVault;
  /** Makes file and database say a word. */
  say(word: string): void;
  /** What the file says, and what the database says. */
  heard(): string[];
  backUp(): Promise<BackupRecord>;
  restore(record: BackupRecord, options?: Partial<RestoreOptions>): Promise<RestoreReport>;
  undo(): Promise<RestoreReport>;
}

async function makeCrm(journalMode = 'delete', rows = 10): Promise<Crm> {
  const folder = temporaryFolder();
  const built = await buildVault();
  const root = join(folder.path, 'root');
  const home = join(folder.path, 'home');
  const file = join(root, 'crm.db');
  mkdirSync(root);
  withSqlite(file, (database) =>
    database.exec(`
      PRAGMA journal_mode = ${journalMode};
      CREATE TABLE word (word TEXT); INSERT INTO word VALUES ('');
      CREATE TABLE filling (id INTEGER PRIMARY KEY, value BLOB);
      WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${rows})
      INSERT INTO filling SELECT id, randomblob(900) FROM n;
    `),
  );
  const source = { name: 'crm', url: 'sqlite:crm.db' };
  const crm = { name: 'crm', source, address: async () => Promise.resolve({ ...source, workspace: root }) };
  const exclude = ['.crm-backup-*', 'crm.db*'];
  const set: BackupSources = {
    name: 'test',
    roots: [{ name: 'workspace', directory: root, include: [], exclude }],
    databases: [crm],
  };
  return {
    root,
    home,
    file,
    set,
    vault: built,
    say(word) {
      writeFileSync(join(root, 'word.txt'), word);
      withSqlite(file, (database) => database.prepare('UPDATE word SET word = ?').run(word));
    },
    heard() {
      const word = withSqlite(file, (database) =>
        String(database.prepare('SELECT word FROM word').get()?.['word']),
      );
      return [readFileSync(join(root, 'word.txt'), 'utf8'), word];
    },
    backUp: async () => backUp(built.vault, set, { kind: 'full' }),
    restore: async (record, options = {}) =>
      restore(built.vault, record, { home, set, safetyBackup: false, ...options }),
    undo: async () => undoRestore(built.vault, set, { home }),
    async [Symbol.asyncDispose]() {
      await built[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe('files and a SQLite database', () => {
  it('come back together, and go back together', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    crm.say('new');
    const report = await crm.restore(record, { safetyBackup: true });
    expect(report.plan).toMatchObject({
      replace: 1,
      tables: [{ database: 'crm', target: crm.file, tables: 2 }],
    });
    expect(crm.heard()).toEqual(['old', 'old']);
    await crm.undo();
    expect(crm.heard()).toEqual(['new', 'new']);
    await crm.undo();
    expect(crm.heard()).toEqual(['old', 'old']);
  });

  it('leave the database out where it is damaged, and say so', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    for await (const { path, chunks } of crm.vault.vault.entries(record, 'databases/crm'))
      if (path.endsWith('/database.sqlite')) await damageFrameOf(crm.vault.vault, chunks);
    crm.say('new');
    await expect(crm.restore(record)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('databases/crm cannot be restored: ') as string,
    });
    expect(crm.heard()).toEqual(['new', 'new']);
    const report = await crm.restore(record, { skipDamaged: true });
    expect(report).toMatchObject({ skipped: 1, plan: { tables: [] } });
    expect(report.problems).toMatchObject([{ code: 'damaged', path: 'databases/crm' }]);
    expect(crm.heard()).toEqual(['old', 'new']);
    const to = join(crm.home, 'to');
    expect(await crm.restore(record, { to, skipDamaged: true })).toMatchObject({ skipped: 1 });
    expect(readdirSync(to)).toEqual(['files']);
  });

  it('come back alone when only one is named', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    crm.say('new');
    await crm.restore(record, { databases: 'none' });
    expect(crm.heard()).toEqual(['old', 'new']);
    crm.say('new');
    await crm.restore(record, { databases: [{ name: 'crm' }] });
    expect(crm.heard()).toEqual(['new', 'old']);
    crm.say('new');
    await crm.restore(record, { paths: ['files/workspace/word.txt'] });
    expect(crm.heard()).toEqual(['old', 'new']);
    await crm.restore(record, { paths: ['databases'] });
    expect(crm.heard()).toEqual(['old', 'old']);
    for (const path of ['databases/other', 'databases/crm/info.json', 'databases/crm/tables/main.none']) {
      await expect(crm.restore(record, { paths: [path] })).rejects.toMatchObject({ code: 'not-in-backup' });
    }
    await expect(crm.restore(record, { set: { ...crm.set, databases: [] } })).rejects.toMatchObject({
      code: 'no-target',
    });
  });

  it('only tell what would be done in a dry run', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    crm.say('new');
    const names = readdirSync(crm.root);
    const report = await crm.restore(record, { dryRun: true });
    expect(report.plan.tables).toEqual([
      { database: 'crm', target: crm.file, creates: false, tables: 2, notices: [] },
    ]);
    expect(crm.heard()).toEqual(['new', 'new']);
    expect(readdirSync(crm.root)).toEqual(names);
  });

  it('are both old or both new, whichever step of the disk fails or dies', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    crm.say('new');
    const names = readdirSync(crm.root);
    const { disk, steps } = countingDisk();
    await crm.restore(record, { disk });
    const disks: (() => RestoreDisk)[] = steps.flatMap((_, step) => [
      () => dyingDisk(step),
      () => failingDisk(step, 'EIO'),
    ]);
    for (const broken of disks) {
      crm.say('new');
      await crm.restore(record, { disk: broken() }).catch(() => undefined);
      await recoverRestores(crm.home);
      const [file, database] = crm.heard();
      expect(database).toBe(file);
      expect(readdirSync(crm.root)).toEqual(names);
    }
  }, 120_000);
});

describe('a SQLite database that is restored', () => {
  it('is replaced for those who have it open', async () => {
    for (const mode of ['delete', 'wal']) {
      await using crm = await makeCrm(mode);
      crm.say('old');
      const record = await crm.backUp();
      crm.say('new');
      using reader = new (loadSqlite().DatabaseSync)(crm.file);
      const word = reader.prepare('SELECT word FROM word');
      expect(word.get()).toMatchObject({ word: 'new' });
      await crm.restore(record);
      expect(word.get()).toMatchObject({ word: 'old' });
      expect(reader.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
    }
  });

  it('waits for who is writing', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    crm.say('new');
    using writer = new (loadSqlite().DatabaseSync)(crm.file);
    writer.exec("BEGIN IMMEDIATE; UPDATE word SET word = 'never seen'");
    const restoring = crm.restore(record);
    const first = await Promise.race([restoring, pause(500)]);
    expect(first).toBeUndefined();
    writer.exec('ROLLBACK');
    await restoring;
    expect(crm.heard()).toEqual(['old', 'old']);
  });

  it('gets the page size and the journal of the backup', async () => {
    await using crm = await makeCrm('wal');
    crm.say('old');
    const record = await crm.backUp();
    rmSync(crm.file);
    withSqlite(crm.file, (other) =>
      other.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = wal; CREATE TABLE other (v)'),
    );
    await crm.restore(record);
    expect(crm.heard()).toEqual(['old', 'old']);
    withSqlite(crm.file, (restored) => {
      expect(restored.prepare('PRAGMA page_size').get()).toEqual({ page_size: 4096 });
      expect(restored.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    });
  });

  it('takes the place of a damaged one, and the damaged one can come back', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    const damaged = Buffer.concat([readFileSync(crm.file).subarray(0, 5000), Buffer.alloc(50_000, 'x')]);
    damaged.fill('y', 100, 4000);
    writeFileSync(crm.file, damaged);
    const dry = await crm.restore(record, { dryRun: true });
    expect(dry.plan.tables[0]!.notices).toHaveLength(1);
    const { disk, steps } = countingDisk();
    await crm.restore(record, { disk });
    expect(crm.heard()).toEqual(['old', 'old']);
    for (const step of steps.keys()) {
      writeFileSync(crm.file, damaged);
      writeFileSync(join(crm.root, 'word.txt'), 'new');
      await crm.restore(record, { disk: failingDisk(step, 'EIO') }).catch(() => undefined);
      await recoverRestores(crm.home);
      if (readFileSync(join(crm.root, 'word.txt'), 'utf8') === 'old')
        expect(crm.heard()).toEqual(['old', 'old']);
      else expect(readFileSync(crm.file).equals(damaged)).toBe(true);
    }
  });

  it('takes the place of one with a damaged table, which a safety backup keeps as it is', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    crm.say('new');
    const damaged = readFileSync(crm.file).fill(0xaa, 12_288, 12_888);
    writeFileSync(crm.file, damaged);
    await crm.restore(record, { safetyBackup: true });
    expect(crm.heard()).toEqual(['old', 'old']);
    expect(isSound(crm.file)).toBe(true);
    await crm.undo();
    expect(crm.heard()).toEqual(['new', 'new']);
    // The first page counts its changes.
    expect(readFileSync(crm.file).subarray(4096).equals(damaged.subarray(4096))).toBe(true);
    await crm.undo();
    expect(crm.heard()).toEqual(['old', 'old']);
    expect(isSound(crm.file)).toBe(true);
  });

  it('stays when the restore that has made it is taken back', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    rmSync(crm.file);
    writeFileSync(join(crm.root, 'word.txt'), 'new');
    await crm.restore(record, { safetyBackup: true });
    await crm.undo();
    expect(crm.heard()).toEqual(['new', 'old']);
    rmSync(crm.file);
    await crm.restore(record, { safetyBackup: true, paths: ['databases/crm'] });
    await expect(crm.undo()).rejects.toMatchObject({ code: 'nothing-to-undo' });
    expect(crm.heard()).toEqual(['new', 'old']);
  });

  it('is made anew where there is none, with its mode', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    chmodSync(crm.file, 0o640);
    const record = await crm.backUp();
    rmSync(crm.root, { recursive: true });
    const { disk, steps } = countingDisk();
    await crm.restore(record, { disk });
    expect(crm.heard()).toEqual(['old', 'old']);
    for (const step of steps.keys()) {
      rmSync(crm.root, { recursive: true, force: true });
      await crm.restore(record, { disk: failingDisk(step, 'EIO') }).catch(() => undefined);
      await recoverRestores(crm.home);
      if (existsSync(crm.root)) expect(crm.heard()).toEqual(['old', 'old']);
      expect(readdirSync(join(crm.root, '..')).filter((name) => name.startsWith('.crm-backup'))).toEqual([]);
    }
    await crm.restore(record);
    expect(statSync(crm.file).mode & 0o777).toBe(0o640);
    await crm.restore(record, { databases: [{ name: 'crm', target: 'sub/folder/other.db' }] });
    expect(isSound(join(crm.root, 'sub/folder/other.db'))).toBe(true);
    expect(readdirSync(join(crm.root, 'sub/folder'))).toEqual(['other.db']);
  });

  it('is a file under its own name in another folder, which must be empty', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    const to = join(crm.home, '../to');
    await crm.restore(record, { to });
    const file = join(to, 'databases/crm/crm.db');
    expect(withSqlite(file, (database) => rowsOf(database, 'word'))).toBe('text:6F6C64');
    expect(readFileSync(join(to, 'files/workspace/word.txt'), 'utf8')).toBe('old');
    await expect(crm.restore(record, { to, overwrite: true })).rejects.toMatchObject({
      code: 'target-not-empty',
    });
    expect(readdirSync(join(to, 'databases'))).toEqual(['crm']);
  });

  it('is not where something else stands', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    const record = await crm.backUp();
    mkdirSync(join(crm.root, 'folder'));
    const databases = [{ name: 'crm', target: 'folder' }];
    await expect(crm.restore(record, { databases })).rejects.toMatchObject({ code: 'cannot-hold' });
  });

  it('tells which tables refer to a single one, and refuses parts of virtual tables', async () => {
    await using crm = await makeCrm();
    crm.say('old');
    withSqlite(crm.file, (database) =>
      database.exec(`CREATE TABLE note (id INTEGER PRIMARY KEY, filling REFERENCES filling (id));
        CREATE VIRTUAL TABLE search USING fts5 (title)`),
    );
    const record = await crm.backUp();
    const report = await crm.restore(record, { paths: ['databases/crm/tables/main.filling'] });
    expect(report.plan.tables[0]!.notices).toEqual([expect.stringContaining('note') as string]);
    await expect(
      crm.restore(record, { paths: ['databases/crm/tables/main.search_content'] }),
    ).rejects.toMatchObject({ code: 'cannot-hold' });
  });
});

describe('a SQLite database that is restored to another one of its set', () => {
  const rows = (file: string, table: string): string =>
    withSqlite(file, (database) => rowsOf(database, table));
  const content = (file: string): string => `${rows(file, 'own')}, ${rows(file, 'same')}`;
  /** A set of two databases; each holds its name in both tables. */
  async function makeTwo() {
    const folder = temporaryFolder();
    const built = await buildVault();
    const fileOf = (name: string): string => join(folder.path, `${name}.db`);
    const say = (name: string, word: string): void =>
      withSqlite(fileOf(name), (database) =>
        database.exec(`CREATE TABLE IF NOT EXISTS own (word); CREATE TABLE IF NOT EXISTS same (word);
          DELETE FROM own; DELETE FROM same; INSERT INTO own VALUES ('${word}'); INSERT INTO same VALUES ('${word}')`),
      );
    const names = ['one', 'two'];
    for (const name of names) say(name, name);
    const addressOf = (name: string) => ({ name, url: `sqlite:${name}.db`, workspace: folder.path });
    const databases = names.map((name) => ({ name, address: async () => Promise.resolve(addressOf(name)) }));
    const set: BackupSources = { name: 'test', roots: [], databases };
    const options = { home: join(folder.path, 'home'), set };
    return {
      folder: folder.path,
      fileOf,
      set,
      say,
      record: await backUp(built.vault, set, { kind: 'full' }),
      restore: async (record: BackupRecord, more: Partial<RestoreOptions>) =>
        restore(built.vault, record, { ...options, ...more }),
      undo: async () => undoRestore(built.vault, set, options),
      async [Symbol.asyncDispose]() {
        await built[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  it('is in a safety backup before, by whatever path it is named', async () => {
    await using crm = await makeTwo();
    symlinkSync(crm.fileOf('two'), crm.fileOf('link'));
    for (const target of ['two.db', './two.db', crm.fileOf('two'), 'link.db']) {
      crm.say('two', 'live');
      const before = content(crm.fileOf('two'));
      const report = await crm.restore(crm.record, { databases: [{ name: 'one', target }] });
      expect(report.safetyBackup).not.toBeNull();
      expect(report.plan.tables[0]?.notices).toEqual([
        'This is the set’s database “two”, which is replaced.',
      ]);
      expect(content(crm.fileOf('two'))).toBe(content(crm.fileOf('one')));
      await crm.undo();
      expect(content(crm.fileOf('two'))).toBe(before);
    }
  });

  it('is not where another one is restored to, either', async () => {
    await using crm = await makeTwo();
    symlinkSync(crm.fileOf('two'), crm.fileOf('link'));
    crm.say('two', 'live');
    const before = content(crm.fileOf('two'));
    const databases = [{ name: 'one', target: 'link.db' }, { name: 'two' }];
    await expect(crm.restore(crm.record, { databases })).rejects.toMatchObject({ code: 'same-target' });
    expect(content(crm.fileOf('two'))).toBe(before);
  });

  it('takes the place of one that the set calls otherwise now', async () => {
    await using crm = await makeTwo();
    crm.say('two', 'live');
    const databases = [{ ...crm.set.databases[1]!, name: 'uno' }];
    const named = { databases: [{ name: 'one', target: 'uno' }], set: { ...crm.set, databases } };
    const report = await crm.restore(crm.record, named);
    expect(report.safetyBackup).not.toBeNull();
    expect(report.plan.tables[0]?.notices).toEqual(['This is the set’s database “uno”, which is replaced.']);
    expect(content(crm.fileOf('two'))).toBe(content(crm.fileOf('one')));
  });

  it('is not replaced as nobody’s where its own place is not known', async () => {
    await using crm = await makeTwo();
    crm.say('two', 'live');
    const before = content(crm.fileOf('two'));
    const missing = new SetError('missing-variable', 'PLACE is not set.');
    const two = { name: 'two', address: async () => Promise.reject(missing) };
    const set = { ...crm.set, databases: [crm.set.databases[0]!, two] };
    const databases = [{ name: 'one', target: 'two.db' }];
    const refused = crm.restore(crm.record, { databases, set, overwrite: true });
    await expect(refused).rejects.toMatchObject({ code: 'target-not-empty' });
    await expect(refused).rejects.toThrow('“two”');
    expect(content(crm.fileOf('two'))).toBe(before);
    await crm.restore(crm.record, { databases, set, overwrite: true, safetyBackup: false });
    expect(content(crm.fileOf('two'))).toBe(content(crm.fileOf('one')));
  });

  it('gives it only the table that is named', async () => {
    await using crm = await makeTwo();
    crm.say('two', 'live');
    const own = rows(crm.fileOf('two'), 'own');
    const before = content(crm.fileOf('two'));
    const databases = [{ name: 'one', target: 'two.db' }];
    const report = await crm.restore(crm.record, { paths: ['databases/one/tables/main.same'], databases });
    expect(report.plan.tables).toMatchObject([{ database: 'one', tables: 1 }]);
    expect(rows(crm.fileOf('two'), 'same')).toEqual(rows(crm.fileOf('one'), 'same'));
    expect(rows(crm.fileOf('two'), 'own')).toEqual(own);
    await crm.undo();
    expect(content(crm.fileOf('two'))).toBe(before);
  });
});

describe.skipIf(process.platform === 'win32')('a process that is killed while it restores a database', () => {
  const KILLS = 6;
  let child: Built;
  beforeAll(async () => {
    child = await buildForNode('test/build/restore-child.ts');
  });
  afterAll(async () => child[Symbol.asyncDispose]());

  /** Runs the child until it is done or, after so many milliseconds of its work, killed. Its running time. */
  async function run(args: readonly string[], killAfterMs?: number): Promise<number> {
    const process: ChildProcess = spawn('node', [child.script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(process, 'exit') as Promise<[number | null]>;
    await once(process.stdout!, 'data');
    const startedAt = performance.now();
    if (killAfterMs !== undefined) {
      await Promise.race([pause(killAfterMs), exit]);
      process.kill('SIGKILL');
    }
    const [code] = await exit;
    if (killAfterMs === undefined) expect(code).toBe(0);
    return performance.now() - startedAt;
  }

  it.each(['delete', 'wal'])(
    'leaves old or new, files and database alike (%s)',
    async (mode) => {
      await using crm = await makeCrm(mode, 12_000);
      crm.say('backed up');
      const record = await crm.backUp();
      crm.say('live');
      const kept = join(crm.home, '../kept.db');
      copyFileSync(crm.file, kept);
      const names = readdirSync(crm.root);
      const { directory, secret } = crm.vault;
      const args = [directory, secret.toString('hex'), crm.root, crm.home, record.id, 'sqlite:crm.db'];
      const wholeMs = await run(args);
      expect(crm.heard()).toEqual(['backed up', 'backed up']);
      const outcomes = new Set<string>();
      for (let kill = 0; kill < KILLS; kill++) {
        for (const end of ['-wal', '-shm', '-journal']) rmSync(crm.file + end, { force: true });
        copyFileSync(kept, crm.file);
        crm.say('live');
        await run(args, ((kill + 0.5) / KILLS) * wholeMs);
        await recoverRestores(crm.home);
        const [file, database] = crm.heard();
        expect(database).toBe(file);
        outcomes.add(database!);
        expect(isSound(crm.file)).toBe(true);
        expect(readdirSync(join(crm.home, 'restores'))).toEqual([]);
        expect(readdirSync(crm.root).filter((name) => !/-(wal|shm)$/.test(name))).toEqual(names);
      }
      expect(existsSync(crm.file)).toBe(true);
      expect([...outcomes].every((word) => ['live', 'backed up'].includes(word))).toBe(true);
    },
    120_000,
  );
});
