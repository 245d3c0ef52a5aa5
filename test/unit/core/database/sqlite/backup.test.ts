import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp, type BackupSources } from '../../../../../src/core/backup.ts';
import { sqlite } from '../../../../../src/core/database/sqlite/engine.ts';
import { openDumpSource } from '../../../../../src/core/restore/database-source.ts';
import { restore } from '../../../../../src/core/restore/restore.ts';
import { resolveSet } from '../../../../../src/core/set/resolve.ts';
import type { BackupRecord } from '../../../../../src/core/vault/record.ts';
import { isSound, objectsOf, rowsOf, withSqlite } from '../../../../build/database-sqlite.ts';
import { asOrdinaryUser } from '../../../../build/ordinary-user.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../../build/tree.ts';
import { buildVault, type BuiltVault } from '../../../../build/vault.ts';

const CHINOOK = join(import.meta.dirname, '../../../../../../shared/data/chinook/Chinook_Sqlite.sqlite');

let folder: TemporaryFolder;
let built: BuiltVault;
beforeEach(async () => {
  folder = temporaryFolder();
  built = await buildVault();
});
afterEach(async () => {
  await built[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const at = (name: string): string => join(folder.path, name);

function sourcesOf(url: string): BackupSources {
  const crm = {
    name: 'crm',
    address: async () => Promise.resolve({ name: 'crm', url, workspace: folder.path }),
  };
  return { name: 'test', roots: [], databases: [crm] };
}

async function take(url: string): Promise<BackupRecord> {
  return backUp(built.vault, sourcesOf(url), { kind: 'auto' });
}

async function restoreTo(record: BackupRecord, target: string): Promise<string> {
  const databases = [{ name: 'crm', target }];
  await restore(built.vault, record, {
    home: at('home'),
    set: sourcesOf('sqlite:crm.db'),
    databases,
    safetyBackup: false,
  });
  return at(target);
}

/** Runs a script on a database in another process; it is killed when the script prints. */
async function killedWhile(script: string, file: string): Promise<void> {
  const whole = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(process.argv[1]);
    ${script}
    process.stdout.write('now');
    setInterval(() => undefined, 1000);
  `;
  const child: ChildProcess = spawn(process.execPath, ['--no-warnings', '-e', whole, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout!, 'data'), ended]);
  child.kill('SIGKILL');
  await ended;
}

describe('a SQLite database', () => {
  it.skipIf(!existsSync(CHINOOK))('of real data comes back row by row (Chinook)', async () => {
    copyFileSync(CHINOOK, at('crm.db'));
    const record = await take('sqlite:crm.db');
    expect(record.tables).toMatchObject({ total: 11, added: 11 });
    const source = await openDumpSource(built.vault, record, 'crm');
    const restored = await restoreTo(record, 'restored.db');
    withSqlite(at('crm.db'), (before) =>
      withSqlite(restored, (after) => {
        expect(objectsOf(after)).toBe(objectsOf(before));
        for (const { name, rows } of source.tables) {
          const content = rowsOf(before, `"${name}"`);
          expect(rowsOf(after, `"${name}"`)).toBe(content);
          expect(content.split('\n')).toHaveLength(rows);
        }
      }),
    );
    expect(isSound(restored)).toBe(true);
    const all = source.tables.map(({ name, rows }) => [name, rows]);
    expect(all).toContainEqual(['Track', 3503]);
    expect(all).toContainEqual(['PlaylistTrack', 8715]);
  });

  it('shows its tables with columns, keys and row counts', async () => {
    withSqlite(at('crm.db'), (database) =>
      database.exec(`
        CREATE TABLE deal (note TEXT, code TEXT, number INT, total REAL AS (number * 2), PRIMARY KEY (number, code));
        INSERT INTO deal VALUES ('x', 'a', 1), ('y', 'b', 1);
        CREATE TABLE bare (value); CREATE VIEW v AS SELECT 1; CREATE TABLE wide (k TEXT PRIMARY KEY) WITHOUT ROWID;
        INSERT INTO wide SELECT printf('%040d', value) FROM (
          WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 5000) SELECT value FROM n);
      `),
    );
    const source = await openDumpSource(built.vault, await take('sqlite:crm.db'), 'crm');
    expect(source.tables.map(({ path, rows, key }) => ({ path, rows, key }))).toEqual([
      { path: 'tables/main.bare', rows: 0, key: [] },
      { path: 'tables/main.deal', rows: 2, key: [2, 1] },
      { path: 'tables/main.wide', rows: 5000, key: [0] },
    ]);
    expect(source.tables[1]!.columns).toEqual([
      { name: 'note', type: 'TEXT' },
      { name: 'code', type: 'TEXT' },
      { name: 'number', type: 'INT' },
    ]);
    expect(source.info).toMatchObject({
      engine: 'sqlite',
      database: 'crm.db',
      objects: { table: 3, view: 1 },
    });
  });

  it('keeps what only its write-ahead log has', async () => {
    await killedWhile(
      `database.exec("PRAGMA journal_mode = wal; CREATE TABLE t (v); INSERT INTO t VALUES ('in the log')")`,
      at('crm.db'),
    );
    expect(readdirSync(folder.path)).toContain('crm.db-wal');
    const restored = await restoreTo(await take('sqlite:crm.db'), 'restored.db');
    expect(withSqlite(restored, (database) => rowsOf(database, 't'))).toContain(
      Buffer.from('in the log').toString('hex').toUpperCase(),
    );
  });

  it('has nothing of a transaction that died', async () => {
    withSqlite(at('crm.db'), (database) => database.exec('CREATE TABLE t (v); INSERT INTO t VALUES (1)'));
    // A cache of no size makes SQLite write into the file before the end.
    await killedWhile(
      `database.exec("PRAGMA cache_size = 1; BEGIN; UPDATE t SET v = 2; INSERT INTO t SELECT zeroblob(50000) FROM t");
       for (let i = 0; i < 8; i++) database.exec("INSERT INTO t SELECT zeroblob(5000) FROM t");`,
      at('crm.db'),
    );
    expect(readdirSync(folder.path)).toContain('crm.db-journal');
    const restored = await restoreTo(await take('sqlite:crm.db'), 'restored.db');
    expect(withSqlite(restored, (database) => rowsOf(database, 't'))).toBe('integer:1');
    expect(isSound(restored)).toBe(true);
  });

  it('is left as it is, and nothing beside it', async () => {
    for (const mode of ['delete', 'wal']) {
      const file = at(`${mode}.db`);
      withSqlite(file, (database) => database.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t (v)`));
      const before = readFileSync(file);
      const names = readdirSync(folder.path);
      const temporary = readdirSync(tmpdir()).filter((name) => name.includes(`sqlite-${process.pid}-`));
      await take(`sqlite:${mode}.db`);
      expect(readFileSync(file).equals(before)).toBe(true);
      expect(readdirSync(folder.path)).toEqual(names);
      expect(readdirSync(tmpdir()).filter((name) => name.includes(`sqlite-${process.pid}-`))).toEqual(
        temporary,
      );
    }
  });

  it('is no file of the root it lies in', async () => {
    mkdirSync(at('var'));
    writeFileSync(at('var/upload.txt'), 'an upload');
    withSqlite(at('var/app.db'), (database) =>
      database.exec('PRAGMA journal_mode = wal; CREATE TABLE t (v)'),
    );
    const set = await resolveSet(
      {
        name: 'test',
        files: [{ root: '.', include: ['var/**'] }],
        databases: [{ name: 'app', url: 'sqlite:${workspaceFolder}/var/app.db' }],
        fullEvery: 7,
      },
      folder.path,
      { env: {}, userHome: '/nowhere' },
    );
    const record = await backUp(built.vault, set, { kind: 'full' });
    const paths: string[] = [];
    for await (const { path, type } of built.vault.entries(record))
      if (type !== 'directory') paths.push(path);
    expect(paths).toEqual([
      'databases/app/database.sqlite',
      'databases/app/info.json',
      'databases/app/schema.sql',
      'databases/app/tables/main.t',
      'files/workspace/var/upload.txt',
    ]);
    // Not even “remove what the backup does not have” touches it.
    await restore(built.vault, record, {
      home: at('home'),
      set,
      delete: true,
      databases: 'none',
      safetyBackup: false,
    });
    expect(existsSync(at('var/app.db'))).toBe(true);
  });

  it('without pages is one, too', async () => {
    writeFileSync(at('crm.db'), '');
    const record = await take('sqlite:crm.db');
    expect(record).toMatchObject({ status: 'complete', tables: { total: 0 } });
    const restored = await restoreTo(record, 'restored.db');
    expect(withSqlite(restored, objectsOf)).toBe(withSqlite(at('crm.db'), objectsOf));
  });

  it('has pages of any size', async () => {
    for (const bytes of [512, 65_536]) {
      const name = `${bytes}.db`;
      withSqlite(at(name), (database) =>
        database.exec(
          `PRAGMA page_size = ${bytes}; CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(300000)), (2)`,
        ),
      );
      const restored = await restoreTo(await take(`sqlite:${name}`), `restored-${name}`);
      expect(readFileSync(restored).length % bytes).toBe(0);
      expect(withSqlite(restored, (database) => rowsOf(database, 't'))).toBe(
        withSqlite(at(name), (database) => rowsOf(database, 't')),
      );
    }
  });
});

describe('a damaged SQLite database', () => {
  it('is in the backup as it is, and the backup is partial', async () => {
    withSqlite(at('crm.db'), (database) =>
      database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v);
        WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 5000)
        INSERT INTO t SELECT id, 'secret ' || id FROM n`),
    );
    const { tables } = await openDumpSource(built.vault, await take('sqlite:crm.db'), 'crm');
    expect(tables[0]!.rows).toBe(5000);
    const damaged = readFileSync(at('crm.db')).fill(0xaa, 8192, 8792);
    writeFileSync(at('crm.db'), damaged);

    const record = await take('sqlite:crm.db');
    expect(record).toMatchObject({ status: 'partial', tables: { total: 1, modified: 1 } });
    expect(record.problems).toMatchObject([
      { code: 'database-damaged', path: 'databases/crm', incomplete: true },
    ]);
    const { message } = record.problems[0]!;
    expect(message).toMatch(/crm\.db is damaged: SQLite says “Tree 2 page 3: [^”]+”\. /);
    expect(message).not.toMatch(/\n|\*|secret/);
    await restore(built.vault, record, { home: at('home'), set: sourcesOf('sqlite:crm.db'), to: at('to') });
    const restored = readFileSync(at('to/databases/crm/crm.db'));
    // A copy has another number of changes in its first page.
    expect(restored.subarray(4096).equals(damaged.subarray(4096))).toBe(true);
  });

  it('is not one whose rows no longer meet a constraint, or that only its own program can check', async () => {
    withSqlite(at('old.db'), (database) =>
      database.exec(`CREATE TABLE t (amount CHECK (amount > 0)); PRAGMA ignore_check_constraints = ON;
        INSERT INTO t VALUES (-1)`),
    );
    expect(await take('sqlite:old.db')).toMatchObject({ status: 'complete', problems: [] });

    withSqlite(at('own.db'), (database) => {
      database.function('own', { deterministic: true }, (value) => value);
      database.exec(`CREATE TABLE a (v CHECK (own(v))); INSERT INTO a VALUES (1);
        CREATE TABLE "b'c" (v); INSERT INTO "b'c" VALUES (zeroblob(9000))`);
    });
    expect(await take('sqlite:own.db')).toMatchObject({ status: 'complete', tables: { total: 2 } });
    // The overflow of the other table’s row leads to a page that is not there.
    writeFileSync(at('own.db'), readFileSync(at('own.db')).fill(0x7f, 12_288, 12_292));
    expect(await take('sqlite:own.db')).toMatchObject({
      status: 'partial',
      problems: [{ code: 'database-damaged' }],
    });
  });
});

describe('what cannot be read as a SQLite database', () => {
  const reason = async (url: string): Promise<string> => {
    const error: unknown = await take(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'nothing-to-back-up' });
    const { message } = error as Error;
    expect(message).not.toContain('\n');
    return message;
  };

  it('is told in one sentence', async () => {
    writeFileSync(at('text.db'), 'this is not a database, but long enough to look like one '.repeat(100));
    expect(await reason('sqlite:text.db')).toContain('it is no SQLite database, or an encrypted one');
    expect(await reason('sqlite:missing/crm.db')).toContain('does not exist');
    expect(await reason('sqlite:.')).toContain('is no file');
    expect(await reason('sqlite:')).toContain('names no file');
    expect(await reason('oracle://host/db')).toContain('“oracle” is no database this version can read');
    withSqlite(at('torn.db'), (database) =>
      database.exec('CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(90000))'),
    );
    writeFileSync(at('torn.db'), readFileSync(at('torn.db')).subarray(0, 20_000));
    expect(await reason('sqlite:torn.db')).toContain('the database is damaged');
  });

  it('may not be read by everyone', async () => {
    chmodSync(folder.path, 0o755);
    withSqlite(at('crm.db'), (database) => database.exec('CREATE TABLE t (v)'));
    chmodSync(at('crm.db'), 0o600);
    const address = { name: 'crm', url: 'sqlite:crm.db', workspace: folder.path };
    if (process.geteuid?.() !== 0) chmodSync(at('crm.db'), 0);
    await expect(asOrdinaryUser(async () => sqlite.connect(address, {}))).rejects.toMatchObject({
      code: 'missing-privilege',
    });
  });
});
