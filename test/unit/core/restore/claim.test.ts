import { execFile, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identityOf } from '../../../../src/core/database/command/process-tree.ts';
import { lockLive } from '../../../../src/core/live-lock.ts';
import { claim, isClaimed } from '../../../../src/core/restore/claim.ts';
import { nodeDisk } from '../../../../src/core/restore/disk.ts';
import { Journal } from '../../../../src/core/restore/journal.ts';
import { restoresHalfWay, stateOf } from '../../../../src/core/restore/journals.ts';
import { endAlone } from '../../../../src/core/restore/end-restore.ts';
import { endRestore, recoverRestores } from '../../../../src/core/restore/recover.ts';
import { type Built, buildForNode } from '../../../build/bundle.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../build/tree.ts';

let child: Built;
let folder: TemporaryFolder;
let home: string;
/** A journal with its restore in the middle of its switch. */
let journal: string;

beforeAll(async () => {
  child = await buildForNode('test/build/claim-child.ts');
});

afterAll(async () => {
  await child[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await (folder as TemporaryFolder | undefined)?.[Symbol.asyncDispose]();
  folder = temporaryFolder();
  home = join(folder.path, 'home');
  using begun = begin();
  begun.enter('switching');
  journal = begun.directory;
});

function begin(): Journal {
  const roots = [{ directory: join(folder.path, 'away'), made: [], before: undefined }];
  const content = { set: 'crm', backup: 'b', roots, over: ['/srv/crm'] };
  return Journal.create(nodeDisk(), home, content);
}

interface Holder {
  readonly host: string;
  readonly system: string;
  readonly pid: number;
  readonly identity?: string | undefined;
}

/** Leaves the claim of a process that was killed, or of one that is elsewhere. */
function leave(changed: Partial<Holder>, ageMs = 0): void {
  const path = `${journal}.0123.claim`;
  rmSync(path, { force: true });
  const held = claim(journal)!;
  const [own = ''] = readdirSync(join(home, 'restores')).filter((name) => name.endsWith('.claim'));
  const holder = JSON.parse(readFileSync(join(home, 'restores', own), 'utf8')) as Holder;
  held[Symbol.dispose]();
  writeFileSync(path, JSON.stringify({ ...holder, ...changed }));
  const time = new Date(Date.now() - ageMs);
  utimesSync(path, time, time);
}

const HOUR_MS = 3_600_000;

/** The id of a process that is no more. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('a restore', () => {
  it('is worked on until its journal is let go, by whomever', async () => {
    const began = begin();
    expect(stateOf(began.directory)).toBe('at-work');
    began.enter('switching');
    await expect(endRestore(home, began.header.id, 'keep')).rejects.toMatchObject({ code: 'locked' });
    began[Symbol.dispose]();
    expect(stateOf(began.directory)).toBe('abandoned');
    using taken = Journal.takeOver(nodeDisk(), began.directory);
    expect(taken?.phase).toBe('switching');
    expect(stateOf(began.directory)).toBe('at-work');
    expect(Journal.takeOver(nodeDisk(), began.directory)).toBeUndefined();
  });

  it('is worked on by one of several processes that want it at once', async () => {
    const run = promisify(execFile);
    leave({ pid: deadProcess() });
    const runs = Array.from({ length: 3 }, async () => run('node', [child.script, journal, '150']));
    const had = (await Promise.all(runs)).map(({ stdout }) => Number(stdout));
    expect(had.reduce((sum, one) => sum + one)).toBeGreaterThan(50);
    expect(stateOf(journal)).toBe('abandoned');
  });

  it('that has not begun is removed, but not while it begins', async () => {
    const beginning = join(home, 'restores/beginning');
    const held = claim(beginning)!;
    mkdirSync(beginning);
    await recoverRestores(home);
    expect(existsSync(beginning)).toBe(true);
    held[Symbol.dispose]();
    await recoverRestores(home);
    expect(existsSync(beginning)).toBe(false);
  });

  it('stands in its last phase, though the line of one before was cut off', () => {
    appendFileSync(join(journal, 'journal.jsonl'), '\n{"phase":"swit');
    using taken = Journal.takeOver(nodeDisk(), journal)!;
    expect(taken.phase).toBe('switching');
    taken.enter('rolling-back');
    taken[Symbol.dispose]();
    using again = Journal.takeOver(nodeDisk(), journal)!;
    expect(again.phase).toBe('rolling-back');
  });

  it('whose journal cannot be read is told, and stops nothing', async () => {
    const unreadable = join(home, 'restores/ab');
    mkdirSync(join(unreadable, 'journal.jsonl'), { recursive: true });
    const found = await recoverRestores(home);
    expect(found.find(({ id }) => id === 'ab')).toMatchObject({
      outcome: 'unreadable',
      reason: expect.stringContaining(unreadable) as string,
    });
    expect(restoresHalfWay(home)).toHaveLength(1);
    expect(existsSync(unreadable)).toBe(true);
  });
});

describe('an interrupted restore that is to be ended', () => {
  it('waits for whoever reads or changes what it works on', async () => {
    const id = basename(journal);
    const stop = new AbortController();
    const end = async (signal?: AbortSignal) => endAlone(home, id, 'end', undefined, { signal });
    const lock = await lockLive(home, ['/srv/crm/data'], 'shared', 'a test', {});
    const refused = expect(end(stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
    setTimeout(() => stop.abort(), 300);
    await refused;
    await lock[Symbol.asyncDispose]();
    await expect(end()).rejects.toMatchObject({ code: 'unfinished-restore' });
  });
});

describe.skipIf(process.platform !== 'linux')('whoever claimed a restore', () => {
  it('works on it while that process runs, whatever the machine is called', () => {
    const other = spawn('sleep', ['60']);
    try {
      const pid = other.pid!;
      leave({ pid, identity: identityOf(pid), host: 'other-name' }, 24 * HOUR_MS);
      expect(isClaimed(journal)).toBe(true);
    } finally {
      other.kill('SIGKILL');
    }
  });

  it.each<[string, () => Partial<Holder>]>([
    ['was killed', () => ({ pid: deadProcess() })],
    ['was killed, and the machine has another name now', () => ({ pid: deadProcess(), host: 'other-name' })],
    ['was killed, and another process has its number', () => ({ pid: process.ppid })],
    ['was killed before the machine was started again', () => ({ system: `linux ${randomUUID()} pid:[1]` })],
  ])('does not when it %s', async (_what, changed) => {
    leave(changed());
    expect(stateOf(journal)).toBe('abandoned');
    await using _lock = await lockLive(home, ['/srv/crm'], 'exclusive', 'a test', {});
    expect(await recoverRestores(home)).toMatchObject([{ outcome: 'waiting' }]);
    expect(readdirSync(join(home, 'restores')).filter((name) => name.includes('claim'))).toEqual([]);
  });

  it.each<[string, (holder: string) => Partial<Holder>]>([
    ['in another container', (boot) => ({ system: `linux ${boot} pid:[1]` })],
    ['on another machine', () => ({ system: `linux ${randomUUID()} pid:[1]`, host: `not ${hostname()}` })],
  ])('%s works on it as long as it gives signs of life', (_where, changed) => {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    leave(changed(boot));
    expect(isClaimed(journal)).toBe(true);
    leave(changed(boot), HOUR_MS);
    expect(isClaimed(journal)).toBe(false);
  });
});
