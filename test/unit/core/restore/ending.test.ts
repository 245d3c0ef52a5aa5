import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp, type BackupSources } from '../../../../src/core/backup.ts';
import { withDoubts, withNotices } from '../../../../src/core/restore/interrupted.ts';
import { interruptedRestores, UNENDED } from '../../../../src/core/restore/journals.ts';
import { endRestore, type Recovered, recoverRestores } from '../../../../src/core/restore/recover.ts';
import { restore, type RestoreOptions } from '../../../../src/core/restore/restore.ts';
import { isStagingName, keptFolder } from '../../../../src/core/restore/staging-name.ts';
import type { BackupRecord } from '../../../../src/core/vault/record.ts';
import { withSqlite } from '../../../build/database-sqlite.ts';
import { dyingAt } from '../../../build/faulty-disk.ts';
import { temporaryFolder } from '../../../build/tree.ts';
import { type BuiltVault, buildVault } from '../../../build/vault.ts';

const VARIABLE = 'CRM_BACKUP_TEST_DATABASE';
const LAST_WEEK = new Date(Date.now() - 7 * 24 * 60 * 60 * 1000);
const STAGING = '.crm-backup-restore-staging';

let folder: ReturnType<typeof temporaryFolder>;
let built: BuiltVault;
let root: string;
let home: string;

beforeEach(async () => {
  folder = temporaryFolder();
  built = await buildVault();
  root = join(folder.path, 'root');
  home = join(folder.path, 'home');
  process.env[VARIABLE] = join(folder.path, 'crm.db');
  withSqlite(join(folder.path, 'crm.db'), (crm) =>
    crm.exec("CREATE TABLE word (word TEXT); INSERT INTO word VALUES ('old')"),
  );
});

afterEach(async () => {
  Reflect.deleteProperty(process.env, VARIABLE);
  await built[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A folder, perhaps with a database whose address stands in a variable, as that of a server that can be away. */
function setOf(withDatabase: boolean): BackupSources {
  const source = { name: 'crm', url: `sqlite:\${env:${VARIABLE}}` };
  const workspace = folder.path;
  const file = join(workspace, 'crm.db');
  const address = async () => Promise.resolve({ name: 'crm', url: `sqlite:${file}`, workspace });
  const exclude = ['.crm-backup-restore-*'];
  return {
    name: 'test',
    roots: [{ name: 'workspace', directory: root, include: [], exclude }],
    databases: withDatabase ? [{ name: 'crm', source, address }] : [],
  };
}

function put(path: string, content: string, modified?: Date): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  // As unzip or rsync do it: a file of its own, with the time it had elsewhere.
  rmSync(file, { force: true });
  writeFileSync(file, content);
  if (modified !== undefined) utimesSync(file, modified, modified);
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function databaseSays(): unknown {
  const get = (): unknown =>
    withSqlite(join(folder.path, 'crm.db'), (crm) => crm.prepare('SELECT word FROM word').get()?.['word']);
  return get();
}

/** Backs up what says “old”, makes it say “live”, and restores until the process dies. */
async function interruptedAt(
  path: string,
  {
    when = 'after',
    files = ['a/1', 'a/2', 'a/3'],
    withDatabase = false,
    set = setOf(withDatabase),
    change = () => undefined,
    phase,
    ...options
  }: Partial<RestoreOptions> & {
    when?: 'before' | 'after';
    files?: readonly string[];
    withDatabase?: boolean;
    set?: BackupSources;
    change?: () => void;
    /** What it comes to before it dies. */
    phase?: 'rolling-back';
  } = {},
): Promise<{ set: BackupSources; record: BackupRecord; id: string }> {
  for (const file of files) put(file, `old ${file}`);
  const record = await backUp(built.vault, set, { kind: 'full' });
  for (const file of files) put(file, `live ${file}`);
  change();
  withSqlite(join(folder.path, 'crm.db'), (crm) => crm.exec("UPDATE word SET word = 'live'"));
  const all = { home, set, safetyBackup: false, ...options, disk: dyingAt(path, when) };
  await expect(restore(built.vault, record, all)).rejects.toMatchObject({ code: 'rollback-failed' });
  const [found] = interruptedRestores(home);
  if (phase !== undefined) appendFileSync(join(found!.journal, 'journal.jsonl'), `{"phase":"${phase}"}\n`);
  return { set, record, id: found!.id };
}

async function recovered(): Promise<Recovered | undefined> {
  const [found, ...more] = await recoverRestores(home);
  expect(more).toEqual([]);
  return found;
}

/** Nothing is left of the restore, but for folders that keep what was before. */
function expectEnded(): void {
  expect(readdirSync(join(home, 'restores')).filter((name) => !name.startsWith('last-'))).toEqual([]);
  const left = readdirSync(root).filter(isStagingName);
  expect(left.filter((name) => !name.startsWith('.crm-backup-restore-kept-'))).toEqual([]);
}

describe('an interrupted restore that is ended with what is there', () => {
  it('leaves every file as it is, and keeps what was there before', async () => {
    const { id, set, record } = await interruptedAt('a/1');
    put('a/3', 'work', LAST_WEEK);
    const ended = await endRestore(home, id, 'keep');
    expect(ended).toMatchObject({ outcome: 'kept', keptIn: [keptFolder(root, id)], spared: [] });
    expect(['a/1', 'a/2', 'a/3'].map(read)).toEqual(['old a/1', 'live a/2', 'work']);
    expect(readFileSync(join(keptFolder(root, id), 'a/1'), 'utf8')).toBe('live a/1');
    expectEnded();
    await restore(built.vault, record, { home, set });
    expect(['a/1', 'a/2', 'a/3'].map(read)).toEqual(['old a/1', 'old a/2', 'old a/3']);
    expect(readFileSync(join(keptFolder(root, id), 'a/1'), 'utf8')).toBe('live a/1');
  });

  it.each([
    ['a folder was renamed', () => renameSync(join(root, 'a'), join(root, 'archive'))],
    [
      'a folder is a file now',
      () => {
        rmSync(join(root, 'a'), { recursive: true });
        put('a', 'file');
      },
    ],
    ['its own folder was removed', () => rmSync(join(root, STAGING), { recursive: true })],
  ])('is so also when %s', async (_what, change) => {
    const { id } = await interruptedAt('a/1');
    change();
    expect(await endRestore(home, id, 'keep')).toMatchObject({ outcome: 'kept' });
    expectEnded();
  });

  it.each<[string, (moves: string) => string]>([
    ['damaged', (moves) => moves.replace('{', '#')],
    ['damaged in every line', (moves) => moves.replaceAll('{', '#')],
    ['cut off in a line', (moves) => moves.slice(0, -20)],
    ['cut off after a line', (moves) => moves.slice(0, moves.indexOf('\n') + 1)],
    ['empty', () => ''],
  ])('is so when the list of its moves is %s', async (_how, damage) => {
    const { id, set, record } = await interruptedAt('a/1');
    const [{ journal } = { journal: '' }] = interruptedRestores(home);
    const list = join(journal, 'moves.jsonl');
    writeFileSync(list, damage(readFileSync(list, 'utf8')));
    expect(await recovered()).toMatchObject({
      outcome: 'failed',
      hint: expect.stringContaining(`interrupted ${id} --keep`) as string,
    });
    await expect(restore(built.vault, record, { home, set })).rejects.toMatchObject({
      code: 'unfinished-restore',
    });
    const kept = keptFolder(root, id);
    expect(await endRestore(home, id, 'keep')).toMatchObject({ outcome: 'kept', keptIn: [kept] });
    expect(['a/1', 'a/2', 'a/3'].map(read)).toEqual(['old a/1', 'live a/2', 'live a/3']);
    const names = readdirSync(kept, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const contents = names.map((one) => readFileSync(join(one.parentPath, one.name), 'utf8'));
    expect(contents).toContain('live a/1');
    expectEnded();
    await restore(built.vault, record, { home, set });
    expect(['a/1', 'a/2', 'a/3'].map(read)).toEqual(['old a/1', 'old a/2', 'old a/3']);
  });

  it('is so when its folder is away, and cleared up quietly when that is back', async () => {
    const { id } = await interruptedAt('a/1');
    renameSync(root, `${root} away`);
    expect(await endRestore(home, id, 'keep')).toMatchObject({ outcome: 'kept' });
    expect(interruptedRestores(home, UNENDED)).toEqual([]);
    expect(await recovered()).toBeUndefined();
    renameSync(`${root} away`, root);
    expect(await recovered()).toMatchObject({ outcome: 'kept', keptIn: [keptFolder(root, id)] });
    expect(['a/1', 'a/2'].map(read)).toEqual(['old a/1', 'live a/2']);
    expectEnded();
  });
});

describe('what an interrupted restore has kept aside', () => {
  it('stays, whatever files of the user are in it', async () => {
    const set = setOf(false);
    put('a', 'old');
    const record = await backUp(built.vault, set, { kind: 'full' });
    const kept = keptFolder(root, 'ab12');
    mkdirSync(kept);
    writeFileSync(
      join(kept, 'owner.json'),
      JSON.stringify({ id: 'ab12', journal: join(home, 'restores/ab12') }),
    );
    put('a', 'new');
    await restore(built.vault, record, { home, set, delete: true });
    expect(readdirSync(kept)).toEqual(['owner.json']);
  });
});

describe('what was put in place after a restore was interrupted', () => {
  it.each([
    ['has an old time', LAST_WEEK],
    ['has the time it was put there', undefined],
  ])('stays when the restore is finished, also when it %s', async (_what, modified) => {
    const { id } = await interruptedAt('a/1');
    // As if the clock had been set back since.
    const { journal } = interruptedRestores(home)[0]!;
    const text = readFileSync(join(journal, 'journal.jsonl'), 'utf8');
    const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000).toISOString();
    writeFileSync(
      join(journal, 'journal.jsonl'),
      text.replace(/"startedAt":"[^"]*"/, `"startedAt":"${tomorrow}"`),
    );
    put('a/2', 'work', modified);
    expect(await recovered()).toMatchObject({ id, outcome: 'finished', spared: [join(root, 'a/2')] });
    expect(['a/1', 'a/2', 'a/3'].map(read)).toEqual(['old a/1', 'work', 'old a/3']);
    expectEnded();
  });

  it('stays when the restore is taken back, and what it has replaced is kept', async () => {
    const { id } = await interruptedAt('a/2', { withDatabase: true });
    put('a/1', 'work', LAST_WEEK);
    put('a/3', 'more work', LAST_WEEK);
    expect(await recovered()).toMatchObject({
      outcome: 'undone',
      spared: [join(root, 'a/1')],
      keptIn: [keptFolder(root, id)],
    });
    expect(['a/1', 'a/2', 'a/3'].map(read)).toEqual(['work', 'live a/2', 'more work']);
    expect(readFileSync(join(keptFolder(root, id), 'a/1'), 'utf8')).toBe('live a/1');
    expect(databaseSays()).toBe('live');
    expectEnded();
  });

  it('stays also in a folder that came with the restore', async () => {
    const change = (): void => rmSync(join(root, 'a'), { recursive: true });
    await interruptedAt('/a', { change, phase: 'rolling-back' });
    put('a/mine', 'work', LAST_WEEK);
    expect(await recovered()).toMatchObject({ outcome: 'undone', spared: [join(root, 'a')] });
    expect(read('a/mine')).toBe('work');
    expectEnded();
  });

  it('goes with it where nothing was put', async () => {
    const change = (): void => rmSync(join(root, 'a'), { recursive: true });
    await interruptedAt('/a', { change, phase: 'rolling-back' });
    expect(await recovered()).toMatchObject({ outcome: 'undone', spared: [] });
    expect(existsSync(join(root, 'a'))).toBe(false);
    expectEnded();
  });

  it.each(['finished', 'undone'])('stays where the restore had removed a folder (%s)', async (outcome) => {
    const { id } = await interruptedAt('old/3', {
      delete: true,
      change: () => put('uploads/x', 'live'),
      ...(outcome === 'undone' && { phase: 'rolling-back' as const }),
    });
    expect(existsSync(join(root, 'uploads'))).toBe(false);
    put('uploads/x', 'copy', LAST_WEEK);
    put('uploads/y', 'more', LAST_WEEK);
    expect(await recovered()).toMatchObject({ outcome });
    expect([read('uploads/x'), read('uploads/y')]).toEqual(['copy', 'more']);
    const kept = join(keptFolder(root, id), 'uploads/x');
    if (outcome === 'undone') expect(readFileSync(kept, 'utf8')).toBe('live');
    expectEnded();
  });

  it('stays in a folder that the restore was still to remove', async () => {
    await interruptedAt('a/3', { delete: true, change: () => put('uploads/x', 'live') });
    put('uploads/x', 'copy', LAST_WEEK);
    expect(await recovered()).toMatchObject({ outcome: 'finished', spared: [join(root, 'uploads')] });
    expect(read('uploads/x')).toBe('copy');
    expectEnded();
  });
});

describe('an interrupted restore in whose folder somebody has moved things', () => {
  it.each(['finished', 'undone'])('is ended (%s), and loses nothing of a folder renamed', async (outcome) => {
    const { id, record, set } = await interruptedAt('a/2', {
      files: ['a/1', 'a/2', 'a/3', 'b/1', 'b/2'],
      ...(outcome === 'undone' && { phase: 'rolling-back' as const }),
    });
    renameSync(join(root, 'a'), join(root, 'archive'));
    const found = await recovered();
    expect(found).toMatchObject({ outcome });
    const archived = ['archive/1', 'archive/2', 'archive/3'].map(read);
    expect(archived).toEqual(['old a/1', 'old a/2', 'live a/3']);
    expect(existsSync(join(root, 'a'))).toBe(false);
    expect(read('b/1')).toBe(outcome === 'finished' ? 'old b/1' : 'live b/1');
    const kept = join(keptFolder(root, id), 'a');
    if (outcome === 'undone') {
      expect(found?.spared).toEqual(['a/2', 'a/1'].map((path) => join(root, path)));
      expect(['1', '2'].map((name) => readFileSync(join(kept, name), 'utf8'))).toEqual([
        'live a/1',
        'live a/2',
      ]);
    } else expect(found?.spared).toEqual([join(root, 'a/3')]);
    expectEnded();
    await restore(built.vault, record, { home, set });
    expect(read('a/3')).toBe('old a/3');
  });

  it('is never carried on through a link', async () => {
    await interruptedAt('a/1');
    const elsewhere = join(folder.path, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, '2'), 'not of the set');
    renameSync(join(root, 'a'), join(root, 'archive'));
    symlinkSync(elsewhere, join(root, 'a'));
    await recovered();
    expect(readdirSync(elsewhere)).toEqual(['2']);
    expect(readFileSync(join(elsewhere, '2'), 'utf8')).toBe('not of the set');
    expectEnded();
  });

  it('waits for the user when its own folder was removed, and a new restore ends it', async () => {
    const { id, record, set } = await interruptedAt('a/1');
    rmSync(join(root, STAGING), { recursive: true });
    expect(await recovered()).toMatchObject({
      id,
      outcome: 'undecided',
      reason: expect.stringContaining(join(root, STAGING)) as string,
    });
    await restore(built.vault, record, { home, set });
    expect(['a/1', 'a/2', 'a/3'].map(read)).toEqual(['old a/1', 'old a/2', 'old a/3']);
    expectEnded();
  });
});

describe('an interrupted restore whose database cannot be reached', () => {
  it('is taken back when it was still at the files, and what is beside the database is cleared later', async () => {
    const { id, record, set } = await interruptedAt('a/1', { withDatabase: true });
    const beside = readdirSync(folder.path).filter((name) => name.startsWith('.crm-backup-database-'));
    const file = process.env[VARIABLE]!;
    Reflect.deleteProperty(process.env, VARIABLE);
    expect(await recovered()).toMatchObject({
      outcome: 'undone',
      reason: expect.stringMatching(/beside database “crm” could not be removed yet/) as string,
    });
    expect(['a/1', 'a/2', 'a/3'].map(read)).toEqual(['live a/1', 'live a/2', 'live a/3']);
    // It is told once, and stops nothing.
    expect(await recovered()).toBeUndefined();
    expect(interruptedRestores(home)).toEqual([]);
    expect(interruptedRestores(home, UNENDED)).toMatchObject([{ id, phase: 'clearing' }]);
    await restore(built.vault, record, { home, set, paths: ['files'] });
    expect(read('a/2')).toBe('old a/2');
    await expect(endRestore(home, id, 'end')).rejects.toMatchObject({ code: 'unfinished-restore' });
    process.env[VARIABLE] = file;
    expect(beside).toHaveLength(1);
    expect(await recovered()).toBeUndefined();
    expect(existsSync(join(folder.path, beside[0]!))).toBe(false);
    expect(databaseSays()).toBe('live');
    expectEnded();
  });

  it('lets no other restore into its database while it waits for its folder', async () => {
    const { id, record, set } = await interruptedAt('a/1', { withDatabase: true });
    const away = `${root} away`;
    renameSync(root, away);
    const files = [{ name: 'crm', target: undefined }];
    const again = restore(built.vault, record, { home, set, paths: ['databases'], databases: files });
    await expect(again).rejects.toMatchObject({
      code: 'unfinished-restore',
      hint: expect.stringContaining(`interrupted ${id} --keep`) as string,
    });
    expect(databaseSays()).toBe('live');
    renameSync(away, root);
    expect(await recovered()).toMatchObject({ id });
    expectEnded();
  });

  it.each(['files', 'databases', 'clearing'])('can be ended without it (%s)', async (state) => {
    const { id } = await interruptedAt('a/1', { withDatabase: true });
    const beside = readdirSync(folder.path).find((name) => name.startsWith('.crm-backup-database-'))!;
    Reflect.deleteProperty(process.env, VARIABLE);
    const { journal } = interruptedRestores(home)[0]!;
    if (state === 'clearing') await recovered();
    if (state === 'databases') {
      appendFileSync(join(journal, 'journal.jsonl'), '{"phase":"loading"}\n');
      expect(await recovered()).toMatchObject({
        outcome: 'failed',
        hint: expect.stringContaining(`interrupted ${id} --keep`) as string,
      });
    }
    expect(await endRestore(home, id, 'keep')).toMatchObject({
      outcome: 'kept',
      left: [{ database: 'crm', places: [join(folder.path, beside)] }],
    });
    expect(read('a/1')).toBe(state === 'clearing' ? 'live a/1' : 'old a/1');
    expect(existsSync(join(folder.path, beside))).toBe(true);
    expectEnded();
  });
});

describe('an interrupted restore of one database of the set to another one', () => {
  /** A restore of “crm” to the file of “other”, of which only the user can say how it is to be ended. */
  async function interruptedOver(): ReturnType<typeof interruptedAt> {
    const both = setOf(true);
    const workspace = folder.path;
    const url = `sqlite:${join(workspace, 'other.db')}`;
    const other = { name: 'other', url };
    withSqlite(join(workspace, 'other.db'), (db) =>
      db.exec("CREATE TABLE word (word TEXT); INSERT INTO word VALUES ('of another day')"),
    );
    const address = async () => Promise.resolve({ ...other, workspace });
    const set = { ...both, databases: [...both.databases, { name: 'other', source: other, address }] };
    const databases = [{ name: 'crm', target: 'other.db' }];
    const left = await interruptedAt('a/1', { set, paths: ['files'], databases });
    rmSync(join(root, STAGING), { recursive: true });
    expect(await recovered()).toMatchObject({ id: left.id, outcome: 'undecided' });
    return left;
  }

  it('is told of where that one is backed up, or is to be restored', async () => {
    const { set, id } = await interruptedOver();
    const doubts = async (): Promise<unknown> =>
      (await withDoubts(set, home)).databases.map(({ name, doubt }) => [name, doubt !== undefined]);
    const plan = { target: '', creates: false, tables: 1, notices: [] };
    const planned = ['crm', 'other'].map((database) => ({ ...plan, database }));
    const notices = async (): Promise<unknown> =>
      (await withNotices(planned, { ...set, workspace: folder.path }, home)).map((one) => one.notices.length);
    expect(await doubts()).toEqual([
      ['crm', false],
      ['other', true],
    ]);
    expect(await notices()).toEqual([0, 1]);
    await endRestore(home, id, 'keep');
    expect(await doubts()).toEqual([
      ['crm', false],
      ['other', false],
    ]);
    expect(await notices()).toEqual([0, 0]);
  });

  it('tells the name of that one when it is ended without it', async () => {
    const { id } = await interruptedOver();
    Reflect.deleteProperty(process.env, VARIABLE);
    expect(await endRestore(home, id, 'keep')).toMatchObject({ left: [{ database: 'other.db' }] });
  });

  it.each([
    ['its files', { paths: ['files'] }],
    ['that one', { databases: [{ name: 'other' }] }],
    ['another one over that one', { databases: [{ name: 'crm', target: 'other.db' }] }],
  ])('is ended by a restore of %s, after a backup of what is there', async (_, options) => {
    const { set, record, id } = await interruptedOver();
    const told: unknown[] = [];
    const onInterrupted = async (found: Recovered, isEndedFirst: boolean): Promise<void> =>
      Promise.resolve(void told.push([found.id, isEndedFirst]));
    await restore(built.vault, record, { home, set, ...options, onInterrupted });
    expect(told).toEqual([[id, true]]);
    expectEnded();
    const { records } = await built.vault.records();
    const before = records.find(({ label }) => label === 'Before an interrupted restore is ended');
    const saved = before?.sources.filter(({ type }) => type === 'database').map(({ name }) => name);
    expect(saved).toEqual(['other']);
  });
});
