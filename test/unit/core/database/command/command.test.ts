import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CommandAddress, DumpSink } from '../../../../../src/core/database/engine.ts';
import { OutputTail } from '../../../../../src/core/database/command/output-tail.ts';
import { engineAt } from '../../../../../src/core/database/engines.ts';
import { backUp } from '../../../../../src/core/backup.ts';
import { withDoubts } from '../../../../../src/core/restore/interrupted.ts';
import { endRestore, recoverRestores } from '../../../../../src/core/restore/recover.ts';
import type { BackupRecord } from '../../../../../src/core/vault/record.ts';
import { redactorOfSecrets } from '../../../../../src/core/database/redact.ts';
import { openDumpSource } from '../../../../../src/core/restore/database-source.ts';
import { type CommandPlace, placeCommand } from '../../../../build/database-command.ts';
import { noiseOf } from '../../../../build/random-tree.ts';

/** The “database” of most tests is a file, its tool is cat. */
const DATABASE = 'live.db';
const SAVED: CommandAddress = { dump: `cat ${DATABASE}`, restore: `cat > ${DATABASE}` };

async function placed(
  command: Partial<CommandAddress> = {},
  content: Buffer | string = 'one\n',
): Promise<CommandPlace> {
  const place = await placeCommand({ ...SAVED, ...command });
  writeFileSync(join(place.workspace, DATABASE), content);
  return place;
}

const live = ({ workspace }: CommandPlace): Buffer => readFileSync(join(workspace, DATABASE));
const change = ({ workspace }: CommandPlace, content: string | Buffer): void => {
  writeFileSync(join(workspace, DATABASE), content);
};
/** What a restore would leave behind. */
const leftovers = ({ workspace }: CommandPlace): string[] =>
  readdirSync(workspace).filter((name) => name.startsWith('.crm-backup'));

describe('a database by command', () => {
  it.each([1, 65_536, 5_000_000])('of %i bytes comes back byte by byte', async (bytes) => {
    const content = noiseOf(bytes, bytes);
    await using place = await placed({}, content);
    const record = await place.backUp();
    expect(record).toMatchObject({ status: 'complete', problems: [] });
    expect(content.equals(await place.read(record, 'databases/legacy/dump'))).toBe(true);
    change(place, 'other');
    const report = await place.restore(record);
    expect(content.equals(live(place))).toBe(true);
    expect(report.safetyBackup).not.toBeNull();
    expect(leftovers(place)).toEqual([]);
  });

  it('stores little of what has changed', async () => {
    const content = noiseOf(7, 4_000_000);
    await using place = await placed({}, content);
    await place.backUp();
    content.writeUInt32LE(1, 2_000_000);
    change(place, content);
    expect((await place.backUp()).bytes.stored).toBeLessThan(300_000);
  });

  it('is of the moment at which its tool began', async () => {
    await using place = await placed({
      dump: `exec 3< ${DATABASE}; rm ${DATABASE}; echo two > ${DATABASE}; cat <&3`,
    });
    const engine = await engineAt(place.address);
    await using connection = await engine.connect(place.address, {});
    await using _snapshot = await connection.snapshot({});
    await expect
      .poll(() => existsSync(join(place.workspace, DATABASE)) && live(place).toString())
      .toBe('two\n');
  });

  it.each([10, 150_000, 3_000_000])(
    'of %i bytes is whole when its tool ended long before it is read',
    async (bytes) => {
      const content = noiseOf(11, bytes);
      await using place = await placed({}, content);
      const engine = await engineAt(place.address);
      await using connection = await engine.connect(place.address, {});
      await using snapshot = await connection.snapshot({});
      await wait(700);
      const blocks: Buffer[] = [];
      const sink = {
        stream: () => ({ write: (block: Buffer) => void blocks.push(block), finish: async () => wait(0) }),
      };
      await snapshot.dump(sink as unknown as DumpSink, {});
      expect(content.equals(Buffer.concat(blocks))).toBe(true);
    },
  );

  it('can write to and read from the devices of its standard input and output', async () => {
    await using place = await placed({
      dump: `cp ${DATABASE} /dev/stdout`,
      restore: `cp /dev/stdin ${DATABASE}`,
    });
    const record = await place.backUp();
    expect(record.problems).toEqual([]);
    change(place, 'other');
    await place.restore(record);
    expect(live(place).toString()).toBe('one\n');
  });

  it('is written to a folder as a file', async () => {
    await using place = await placed();
    const record = await place.backUp();
    const to = join(place.scratch, 'out');
    await place.restore(record, { to });
    expect(readFileSync(join(to, 'databases/legacy/dump'), 'utf8')).toBe('one\n');
    expect(readFileSync(join(to, 'databases/legacy/README.txt'), 'utf8')).toContain('a dump by cat');
  });

  it.each([
    ['cat live.db', 'cat'],
    ['LANG=C TZ="a b" /bin/cat live.db', 'cat'],
    ['env LANG=C cat live.db', 'cat'],
    ['exec cat live.db | cat', 'cat'],
    ['if true; then cat live.db; fi', 'its own tools'],
    ['(cat live.db)', 'its own tools'],
    ['"cat" live.db', 'its own tools'],
    ['PATH=$PWD/bin:$PATH mycat live.db', 'mycat'],
    ['MODE=$(echo x | tr -d x) cat live.db', 'its own tools'],
    ['MODE=`echo x | tr -d x` cat live.db', 'its own tools'],
    ['VERBOSE=1 \\\ncat live.db', 'its own tools'],
    ['mycat live.db 2> note || cat live.db', 'mycat'],
    ['mycat () { cat live.db; }; mycat', 'mycat'],
  ])('by “%s” is called a dump by %s', async (dump, program) => {
    await using place = await placed({ dump });
    mkdirSync(join(place.workspace, 'bin'));
    symlinkSync('/bin/cat', join(place.workspace, 'bin/mycat'));
    const record = await place.backUp();
    expect(record.problems).toEqual([]);
    const info = (await place.read(record, 'databases/legacy/info.json')).toString();
    expect(JSON.parse(info)).toMatchObject({ engine: 'command', product: `a dump by ${program}` });
  });

  it('says before what cannot be promised, and changes nothing by saying so', async () => {
    await using place = await placed();
    const record = await place.backUp();
    change(place, 'other');
    const { plan } = await place.restore(record, { dryRun: true });
    expect(plan.tables).toMatchObject([{ database: 'legacy', target: 'legacy, by cat', creates: false }]);
    const [{ notices } = { notices: [] }] = plan.tables;
    expect(notices.join(' ')).toMatch(/in place.*cannot be checked.*saved by its dump command first/);
    expect(live(place).toString()).toBe('other');
  });

  it('is whole when its command has ended, though it left something running, which is left alone', async () => {
    await using place = await placed({ dump: `sleep 600 > /dev/null & echo $! > child; cat ${DATABASE}` });
    const record = await place.backUp();
    expect(record.problems).toEqual([]);
    expect((await place.read(record, 'databases/legacy/dump')).toString()).toBe('one\n');
    const child = Number(readFileSync(join(place.workspace, 'child'), 'utf8'));
    expect(isAlive(child)).toBe(true);
    process.kill(child);
  });

  it('has no tables to restore alone, and no other place to go to', async () => {
    await using place = await placed();
    const record = await place.backUp();
    for (const options of [
      { paths: ['databases/legacy/tables/x'] },
      { databases: [{ name: 'legacy', target: 'other' }] },
    ]) {
      await expect(place.restore(record, options)).rejects.toMatchObject({ code: 'cannot-hold' });
    }
  });
});

describe('a dump command that fails', () => {
  it.each([
    ['echo gone >&2; exit 3', 'ended with exit code 3: gone.'],
    ['sleep 600 > /dev/null & echo gone >&2; exit 3', 'ended with exit code 3: gone.'],
    ['false | cat live.db', 'ended with exit code 1'],
    ['cat live.db; false; true', 'ended with exit code 1'],
    ['cat live.db; kill -9 $$', 'ended by SIGKILL'],
    [
      'echo warning: x >&2; echo FATAL: no such database >&2; echo bye >&2; exit 1',
      ': FATAL: no such database.',
    ],
    ['true', 'wrote nothing to its standard output.'],
    ['cat live.db; no-such-tool --all', 'uses a program that was not found'],
    ['cat live.db; ./live.db', 'uses a program that may not be run'],
    ['no-such-tool --all', 'uses a program that was not found: no-such-tool.'],
    ['echo "unbalanced', 'exit code'],
  ])('as “%s” is one sentence, and nothing of it is stored', async (dump, sentence) => {
    await using place = await placed({ dump });
    writeFileSync(join(place.workspace, 'files/a'), 'a');
    const record = await place.backUp();
    expect(record.status).toBe('partial');
    expect(record.problems).toHaveLength(1);
    const [problem] = record.problems;
    expect(problem).toMatchObject({ path: 'databases/legacy', incomplete: true });
    expect(problem!.message).toContain(sentence);
    expect(problem!.message).not.toMatch(/\n|\.\./);
    expect(record.sources.map(({ name }) => name)).toEqual(['workspace']);
    await expect(openDumpSource(place.vault, record, 'legacy')).rejects.toThrow();
    expect(await place.read(record, 'files/workspace/files/a')).toEqual(Buffer.from('a'));
  });

  it('may say as much as it likes', async () => {
    const dump =
      'for i in $(seq 40000); do echo "line $i of the log" >&2; done; echo "error: at last" >&2; exit 1';
    await using place = await placed({ dump });
    const [problem] = (await place.backUp()).problems;
    expect(problem!.message).toContain('error: at last.');
  });

  it('is ended when it is silent for too long, with all it has started', async () => {
    await using place = await placed({ dump: 'echo begun; sleep 600 & sleep 600; wait', timeout: 0.01 });
    const [problem] = (await place.backUp()).problems;
    expect(problem!.message).toContain('wrote nothing for');
  });

  it('is ended with all it has started when the backup is cancelled', async () => {
    const stop = new AbortController();
    const dump = `(trap '' TERM; echo $BASHPID > child; while :; do echo data; sleep 0.1; done) | cat`;
    await using place = await placed({ dump });
    const progress = () => stop.abort();
    await expect(place.backUp({ signal: stop.signal, progress })).rejects.toMatchObject({
      code: 'cancelled',
    });
    const child = Number(readFileSync(join(place.workspace, 'child'), 'utf8'));
    await expect.poll(() => isAlive(child), { timeout: 10_000 }).toBe(false);
  });

  it('that is ended may put its things in order first', async () => {
    const stop = new AbortController();
    const dump = `trap 'echo tidy > tidied; exit 1' TERM; while :; do echo data; sleep 0.1; done`;
    await using place = await placed({ dump });
    const progress = () => stop.abort();
    await expect(place.backUp({ signal: stop.signal, progress })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(existsSync(join(place.workspace, 'tidied'))).toBe(true);
  });

  it('is ended when what it has left behind holds its output for too long', async () => {
    await using place = await placed({
      dump: 'setsid sleep 600 & echo $! > child; echo begun',
      timeout: 0.01,
    });
    const [problem] = (await place.backUp()).problems;
    const sentence = /has ended, but what it left in the background held its output for 0 minutes/;
    expect(problem!.message).toMatch(process.platform === 'linux' ? sentence : /wrote nothing for/);
    process.kill(Number(readFileSync(join(place.workspace, 'child'), 'utf8')));
  });

  it('is not read faster than it is stored', async () => {
    await using place = await placed({ dump: 'head -c 200000000 /dev/zero | tee >(wc -c > written)' });
    const engine = await engineAt(place.address);
    await using connection = await engine.connect(place.address, {});
    {
      await using _snapshot = await connection.snapshot({});
      await wait(300);
    }
    await expect
      .poll(() => Number(readFileSync(join(place.workspace, 'written'), 'utf8')))
      .toBeLessThan(5_000_000);
  });
});

describe('the environment of the commands', () => {
  it('has the set file’s variables and the workspace, and nothing of CRM Backup’s own', async () => {
    process.env['CRM_BACKUP_PASSPHRASE'] = 'not for tools';
    try {
      const dump = 'printf "%s|%s|%s" "$TOKEN" "${workspaceFolder}" "${CRM_BACKUP_PASSPHRASE:-none}"';
      await using place = await placed({ dump, env: { TOKEN: 's3cret' } });
      const record = await place.backUp();
      const dumped = await place.read(record, 'databases/legacy/dump');
      expect(dumped.toString()).toBe(`s3cret|${place.workspace}|none`);
    } finally {
      delete process.env['CRM_BACKUP_PASSPHRASE'];
    }
  });

  it('is hidden in what is shown, however the tool spells it', async () => {
    const secret = 'p@ss word/%';
    const encoded = encodeURIComponent(secret);
    const inHeader = ['a', 'ab', 'abc'].map((user) => Buffer.from(`${user}:${secret}:`).toString('base64'));
    const dump = `echo "error: $TOKEN or ${encoded} or ${encoded.toLowerCase()} or ${inHeader.join(' ')} refused" >&2; exit 1`;
    await using place = await placed({ dump, env: { TOKEN: secret }, secrets: [secret] });
    const [problem] = (await place.backUp()).problems;
    expect(problem!.message).toMatch(/error: ••• or ••• or ••• or( \w+•••\S*){3} refused\./);
  });
});

describe('the end of what a command says', () => {
  it('shows no part of a secret that it was cut in, wherever the cut is', () => {
    const secret = 'abcdefghijklmnop';
    for (const [before, after] of [
      ['x', 'y'],
      [' ', ' '],
      ['\r', '\r'],
    ]) {
      for (let at = 0; at <= secret.length; at++) {
        const tail = new OutputTail(redactorOfSecrets([secret]));
        const end = `${secret.slice(at)}${after}${'y'.repeat(16 * 1024 - secret.length + at - 1)}`;
        tail.add(Buffer.from(`${'x'.repeat(70_000)}${before}${secret.slice(0, at)}`));
        tail.add(Buffer.from(end));
        expect(tail.text).not.toMatch(/[a-p]{2}/);
        expect(tail.text).toContain('yyy');
      }
    }
  });

  it('is what was said after its last line break, when that was said long ago', () => {
    const tail = new OutputTail(redactorOfSecrets([]));
    tail.add(Buffer.from(`loaded 1 %\r${'.'.repeat(100_000)}\rFATAL: disk full`));
    expect(tail.text).toMatch(/\rFATAL: disk full$/);
  });
});

describe('a restore by command', () => {
  /** Loads what it reads, but fails in the middle of what begins with “bad”. */
  const picky = `head -c 3 > first; cat first - > ${DATABASE}; if grep -q '^bad' ${DATABASE}; then echo half > ${DATABASE}; echo "error: bad row" >&2; exit 4; fi`;

  it('that fails leaves what the database was before', async () => {
    await using place = await placed({ restore: picky }, 'bad\n');
    const record = await place.backUp();
    change(place, 'good\n');
    await expect(place.restore(record)).rejects.toMatchObject({
      code: 'write-failed',
      message: 'The restore command of “legacy” ended with exit code 4: error: bad row.',
    });
    expect(live(place).toString()).toBe('good\n');
    expect(leftovers(place)).toEqual([]);
  });

  it('that fails twice keeps what the database was, says where, and is taken back with the next restore', async () => {
    await using place = await placed({ restore: `test ! -e broken; ${picky}` }, 'one\n');
    const record = await place.backUp();
    change(place, 'two\n');
    writeFileSync(join(place.workspace, 'broken'), '');
    const failed = await place.restore(record).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'rollback-failed' });
    const [folder = ''] = leftovers(place);
    expect(readFileSync(join(place.workspace, folder, 'old'), 'utf8')).toBe('two\n');
    change(place, 'half loaded');
    rmSync(join(place.workspace, 'broken'));
    await place.restore(record, { dryRun: false });
    expect(live(place).toString()).toBe('one\n');
    expect(leftovers(place)).toEqual([]);
  });

  /** A restore that failed twice; then the user has mended the database by hand and worked on. */
  async function mended(): Promise<CommandPlace & { readonly record: BackupRecord }> {
    const place = await placed({ restore: `echo run >> runs; test ! -e broken; ${picky}` }, 'one\n');
    const record = await place.backUp();
    change(place, 'two\n');
    writeFileSync(join(place.workspace, 'broken'), '');
    await expect(place.restore(record)).rejects.toMatchObject({ code: 'rollback-failed' });
    rmSync(join(place.workspace, 'broken'));
    rmSync(join(place.workspace, 'runs'));
    change(place, 'work of a day\n');
    return { ...place, record };
  }

  it('that could not be taken back is never run again by itself, and a backup says so', async () => {
    await using place = await mended();
    const [found] = await recoverRestores(place.home);
    expect(found).toMatchObject({ outcome: 'undecided', databases: [{ name: 'legacy' }] });
    expect(existsSync(join(place.workspace, 'runs'))).toBe(false);
    expect(live(place).toString()).toBe('work of a day\n');
    const doubted = await withDoubts(place.set, place.home);
    const record = await backUp(place.vault, doubted, { kind: 'auto' });
    expect(record).toMatchObject({
      status: 'partial',
      problems: [{ code: 'database-unfinished', path: 'databases/legacy', incomplete: true }],
    });
    expect((await place.read(record, 'databases/legacy/dump')).toString()).toBe('work of a day\n');
  });

  it('that could not be taken back is ended by the next restore, after a backup of what is there', async () => {
    await using place = await mended();
    const told: unknown[] = [];
    await place.restore(place.record, {
      onInterrupted: async ({ startedAt }, isEndedFirst) =>
        Promise.resolve(void told.push([typeof startedAt, isEndedFirst])),
    });
    expect(told).toEqual([['string', true]]);
    expect(live(place).toString()).toBe('one\n');
    const { records } = await place.vault.records();
    const before = records.find(({ label }) => label === 'Before an interrupted restore is ended')!;
    expect(before.safety).toBe(true);
    expect((await place.read(before, 'databases/legacy/dump')).toString()).toBe('work of a day\n');
    expect(leftovers(place)).toEqual([]);
  });

  it('that could not be taken back may be ended with what is there; what was before is kept', async () => {
    await using place = await mended();
    const [found] = await recoverRestores(place.home);
    const { outcome, kept } = await endRestore(place.home, found!.id, 'keep');
    expect(outcome).toBe('kept');
    expect(live(place).toString()).toBe('work of a day\n');
    expect(existsSync(join(place.workspace, 'runs'))).toBe(false);
    expect(readFileSync(kept[0]!.place, 'utf8')).toBe('two\n');
    expect(await recoverRestores(place.home)).toEqual([]);
    expect(readFileSync(kept[0]!.place, 'utf8')).toBe('two\n');
    expect(
      (await backUp(place.vault, await withDoubts(place.set, place.home), { kind: 'auto' })).status,
    ).toBe('complete');
    await place.restore(place.record);
    expect(live(place).toString()).toBe('one\n');
  });

  it('does not begin when what is there cannot be saved, unless nothing is to be saved', async () => {
    await using place = await placed();
    const record = await place.backUp();
    rmSync(join(place.workspace, DATABASE));
    await expect(place.restore(record)).rejects.toMatchObject({
      code: 'no-safety-backup',
      hint: expect.stringContaining('--no-safety-backup') as string,
    });
    expect(existsSync(join(place.workspace, DATABASE))).toBe(false);
    expect(leftovers(place)).toEqual([]);
    await place.restore(record, { safetyBackup: false });
    expect(live(place).toString()).toBe('one\n');
  });

  it('that stops reading in the middle has failed', async () => {
    await using place = await placed({ restore: `head -c 3 > ${DATABASE}` }, noiseOf(3, 3_000_000));
    const record = await place.backUp();
    await expect(place.restore(record, { safetyBackup: false })).rejects.toMatchObject({
      message: expect.stringMatching(/ended before it had read the whole dump/) as string,
    });
  });

  it('is cancelled before it begins to change the database, not later', async () => {
    await using place = await placed();
    const record = await place.backUp();
    change(place, 'two\n');
    const task = { signal: AbortSignal.abort() };
    await expect(place.restore(record, {}, task)).rejects.toMatchObject({ code: 'cancelled' });
    expect(live(place).toString()).toBe('two\n');
    expect(leftovers(place)).toEqual([]);
  });

  it('does every step as often as it is asked, from any process', async () => {
    await using place = await placed();
    const record = await place.backUp();
    change(place, 'two\n');
    const engine = await engineAt(place.address);
    const source = await openDumpSource(place.vault, record, 'legacy');
    const anew = async () => engine.openTarget(place.address, undefined, {});
    const request = { restoreId: 'c0ffee', tables: undefined, mayEndSessions: false };
    const { ticket } = await (await anew()).plan(source, request, {});
    await (await anew()).build(source, ticket, {});
    for (let round = 0; round < 2; round++) {
      await (await anew()).switch(ticket);
      await (await anew()).switch(ticket);
      expect(live(place).toString()).toBe('one\n');
      await (await anew()).switchBack(ticket);
      await (await anew()).switchBack(ticket);
      expect(live(place).toString()).toBe('two\n');
    }
    await (await anew()).clear(ticket);
    await (await anew()).clear(ticket);
    expect(leftovers(place)).toEqual([]);
    expect(JSON.stringify(ticket)).not.toContain('cat');
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
