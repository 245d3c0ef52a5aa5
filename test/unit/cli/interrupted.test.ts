import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { clockAt, hasFaketime } from '../../build/moved-clock.ts';
import { withSqlite } from '../../build/database-sqlite.ts';

const cli = await useCli();
const at = (name: string): string => join(cli.workspace, name);

/**
 * A workspace whose restore command has failed, also when it was to take that back; then the database was mended by hand
 * and worked with.
 */
async function stuck(): Promise<string> {
  const restore = 'echo run >> runs; test ! -e broken; cat > live.db';
  const database = { name: 'legacy', command: { dump: 'cat live.db', restore } };
  const hourly = { kind: 'incremental', every: 'hour' };
  mkdirSync(at('files'));
  writeFileSync(at('files/a'), 'a');
  writeFileSync(at('live.db'), 'old');
  cli.writeSets({
    name: 'main',
    files: [{ root: '.', include: ['files/**'] }],
    databases: [database],
    schedule: [hourly],
  });
  await cli.must(['init', '--yes'], ['backup']);
  writeFileSync(at('live.db'), 'before the restore');
  writeFileSync(at('broken'), '');
  const { code, stderr } = await cli.run(['restore', 'latest']);
  expect(code).toBe(1);
  expect(stderr).toContain('could not all be taken back yet');
  rmSync(at('broken'));
  rmSync(at('runs'));
  writeFileSync(at('live.db'), 'work of a day');
  return (await cli.run(['list', '--json'])).text;
}

function expectUntouched(): void {
  expect(existsSync(at('runs'))).toBe(false);
  expect(readFileSync(at('live.db'), 'utf8')).toBe('work of a day');
}

interface Found {
  readonly restores: readonly { readonly id: string; readonly databases: readonly string[] }[];
}

async function interrupted(): Promise<Found['restores']> {
  return (JSON.parse((await cli.run(['interrupted', '--json'])).text) as Found).restores;
}

it('an interrupted restore command is run again by nothing but a restore', async () => {
  await stuck();
  const compared = await cli.run(['diff', 'latest', '--workspace']);
  expect(compared.stderr).toMatch(/was interrupted and is left as it is/);
  expect((await cli.run(['verify', 'latest', '--level', 'drill'])).code).toBe(0);
  expectUntouched();
  const taken = await cli.run(['backup']);
  expect(taken.code).toBe(3);
  expect(taken.stderr).toMatch(/was interrupted and is left as it is/);
  expect(taken.text).toMatch(/may be half-loaded/);
  expectUntouched();
  expect((await cli.run(['cat', 'latest', 'databases/legacy/dump'])).text).toBe('work of a day');

  const later = new Date(Date.now() + 2 * 60 * 60 * 1000).toISOString();
  if (hasFaketime) {
    const { text } = await cli.run(['schedule', 'run'], { env: clockAt(later) });
    expect(text).toMatch(/was interrupted and has not been ended/);
  }
  expectUntouched();

  const restored = await cli.run(['restore', 'latest']);
  expect(restored.code).toBe(0);
  expect(restored.stderr).toMatch(/is ended first/);
  expect(readFileSync(at('live.db'), 'utf8')).toBe('work of a day');
  expect(await interrupted()).toEqual([]);
});

it('a restore command that ended by itself after a kill is not run again', async () => {
  const restore = 'echo run >> runs; cat > live.db; sleep 1; echo > finished';
  mkdirSync(at('files'));
  writeFileSync(at('files/a'), 'a');
  writeFileSync(at('live.db'), 'old');
  const databases = [{ name: 'legacy', command: { dump: 'cat live.db', restore } }];
  cli.writeSets({ name: 'main', files: [{ root: '.', include: ['files/**'] }], databases });
  await cli.must(['init', '--yes'], ['backup']);
  writeFileSync(at('live.db'), 'before the restore');
  let kill: () => void = () => undefined;
  const restoring = cli.run(['restore', 'latest'], {
    started: (process) => (kill = () => process.kill('SIGKILL')),
  });
  await expect.poll(() => existsSync(at('runs')), { timeout: 20_000 }).toBe(true);
  kill();
  await restoring;
  await expect.poll(() => existsSync(at('finished')), { timeout: 20_000 }).toBe(true);
  rmSync(at('runs'));
  writeFileSync(at('live.db'), 'work of a day');
  expect((await cli.run(['backup'])).code).toBe(3);
  expectUntouched();
});

it('what a restore that is killed leaves half-loaded is doubted by the backup that waited for it', async () => {
  const restore =
    'echo half > live.db; echo run >> runs; until test -e go; do sleep 0.1; done; cat > live.db';
  mkdirSync(at('files'));
  writeFileSync(at('files/a'), 'a');
  writeFileSync(at('live.db'), 'old');
  const databases = [{ name: 'legacy', command: { dump: 'cat live.db', restore } }];
  cli.writeSets({ name: 'main', files: [{ root: '.', include: ['files/**'] }], databases });
  await cli.must(['init', '--yes'], ['backup']);
  let kill: () => void = () => undefined;
  const restoring = cli.run(['restore', 'latest'], {
    started: (process) => (kill = () => process.kill('SIGKILL')),
  });
  await expect.poll(() => existsSync(at('runs')), { timeout: 20_000 }).toBe(true);
  const waiting = cli.run(['backup']);
  const locks = join(cli.home, 'live/locks');
  await expect.poll(() => readdirSync(locks).length, { timeout: 20_000, interval: 5 }).toBe(2);
  kill();
  await restoring;
  const taken = await waiting;
  writeFileSync(at('go'), '');
  expect(taken.code).toBe(3);
  expect(taken.text).toMatch(/may be half-loaded/);
  expect(taken.stderr.match(/was interrupted and is left as it is/g)).toHaveLength(1);
  const again = await cli.run(['backup']);
  expect(again.stderr.match(/was interrupted and is left as it is/g)).toHaveLength(1);
});

it('an interrupted restore may be ended with what is there', async () => {
  await stuck();
  const [found] = await interrupted();
  expect(found).toMatchObject({ databases: ['legacy'] });
  expect((await cli.run(['interrupted'])).text).toContain(found!.id);
  expect((await cli.run(['interrupted', found!.id])).code).toBe(2);
  expect((await cli.run(['interrupted', 'no-such', '--keep'])).code).toBe(1);
  const kept = await cli.run(['interrupted', found!.id, '--keep']);
  expect(kept.code).toBe(0);
  const place = /kept in (.*old);/.exec(kept.text)?.[1] ?? '';
  expect(readFileSync(place, 'utf8')).toBe('before the restore');
  expectUntouched();
  expect(await interrupted()).toEqual([]);
  const { code, stderr } = await cli.run(['backup']);
  expect([code, stderr]).toEqual([0, '']);
});

it('an interrupted restore of a database elsewhere is told of by where that is', async () => {
  withSqlite(at('one.db'), (db) => db.exec('CREATE TABLE word (word TEXT)'));
  writeFileSync(at('live.db'), 'old');
  const command = { dump: 'cat live.db', restore: 'test ! -e broken; cat > live.db' };
  const databases = [
    { name: 'one', url: 'sqlite:one.db' },
    { name: 'legacy', command },
  ];
  cli.writeSets({ name: 'main', databases });
  await cli.must(['init', '--yes'], ['backup']);
  writeFileSync(at('broken'), '');
  const both = ['restore', 'latest', '--database', 'one=two.db', '--database', 'legacy'];
  expect((await cli.run(both)).code).toBe(1);
  rmSync(at('broken'));
  const { text } = await cli.run(['interrupted']);
  expect(text).toContain('databases/two.db, databases/legacy');
  const restored = await cli.run(both);
  expect(restored.code).toBe(0);
  expect(restored.stderr).toMatch(/in database “two.db”, database “legacy” and is ended first/);
});

it('a journal that cannot be read is named and stops nothing', async () => {
  writeFileSync(at('a'), 'a');
  await cli.must(['init', '--yes']);
  const journal = join(cli.home, 'restores/0123456789ab');
  mkdirSync(join(journal, 'journal.jsonl'), { recursive: true });
  for (const command of ['backup', 'interrupted']) {
    const { code, stderr } = await cli.run([command]);
    expect([code, stderr]).toEqual([0, expect.stringContaining(journal)]);
  }
});

it('an interrupted restore may be ended with its command', async () => {
  await stuck();
  const [found] = await interrupted();
  const ended = await cli.run(['interrupted', found!.id, '--end']);
  expect(ended.code).toBe(0);
  expect(readFileSync(at('live.db'), 'utf8')).toBe('before the restore');
  expect(readdirSync(cli.workspace).filter((name) => name.startsWith('.crm-backup'))).toEqual([]);
});

it('an interrupted restore is told of where it concerns the workspace or its vault, and nowhere else', async () => {
  await stuck();
  const told = /was interrupted and is left as it is/;
  const [vault = ''] = readdirSync(join(cli.home, 'vaults'));
  const options = { cwd: join(cli.scratch, 'other') };
  mkdirSync(options.cwd);
  writeFileSync(join(options.cwd, 'mine'), 'mine');
  expect((await cli.run(['init', '--yes'], options)).code).toBe(0);
  const saidOf = async (definition: object): Promise<string> => {
    const text = JSON.stringify({ version: 1, sets: [{ name: 'other', ...definition }] });
    writeFileSync(join(options.cwd, '.vscode/crm-backup.json'), text);
    return (await cli.run(['backup'], options)).stderr;
  };
  expect(await saidOf({ files: [{ root: '.' }] })).toBe('');
  expect((await cli.run(['diff', 'latest', '--workspace'], options)).stderr).toBe('');
  expect((await cli.run(['restore', 'latest'], options)).stderr).not.toMatch(told);
  expect((await cli.run(['interrupted'], options)).text).toContain('databases/legacy');
  expect(await saidOf({ files: [{ root: at('files') }] })).toMatch(told);
  expect(await saidOf({ files: [{ root: '.' }], vault: join(cli.home, 'vaults', vault) })).toMatch(told);
  expectUntouched();
});

it('an interrupted restore of one workspace stops nothing in another one, and its reason is told in its own', async () => {
  await stuck();
  // A secret of the interrupted one that is not there any more.
  const [name = ''] = readdirSync(join(cli.home, 'restores')).filter((each) => !each.startsWith('last-'));
  const journal = join(cli.home, 'restores', name, 'journal.jsonl');
  const text = readFileSync(journal, 'utf8');
  writeFileSync(journal, text.replace('"command":{', '"command":{"env":{"TOKEN":"${secret:legacy}"},'));
  const other = join(cli.scratch, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'mine'), 'mine');
  const options = { cwd: other };
  expect((await cli.run(['init', '--yes'], options)).code).toBe(0);
  const taken = await cli.run(['backup'], options);
  expect([taken.code, taken.stderr]).toEqual([0, '']);
  expect((await cli.run(['backup'])).stderr).toMatch(/could not be ended yet\..*secret/s);
  rmSync(join(other, 'mine'));
  expect((await cli.run(['restore', 'latest'], options)).code).toBe(0);
  expect(readFileSync(join(other, 'mine'), 'utf8')).toBe('mine');
  expectUntouched();
});
