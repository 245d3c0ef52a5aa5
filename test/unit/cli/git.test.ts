import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCli, type Cli } from '../../build/cli.ts';
import { git } from '../../build/git.ts';

const lines = Array.from({ length: 20 }, (_, number) => `line ${number + 1}\n`).join('');

describe('with git, the command line', () => {
  let cli: Cli;
  let commit: string;

  beforeAll(async () => {
    cli = await buildCli();
    mkdirSync(join(cli.workspace, 'data'));
    writeFileSync(join(cli.workspace, 'data/config.php'), lines);
    git(cli.workspace, 'init');
    git(cli.workspace, 'add', '-A');
    git(cli.workspace, 'commit', '-m', 'first');
    commit = git(cli.workspace, 'rev-parse', 'HEAD');
    await cli.must(['init', '--yes'], ['backup', '--label', 'clean']);
    appendFileSync(join(cli.workspace, 'data/config.php'), '// changed\n');
    await cli.must(['backup', '--label', 'changed']);
    renameSync(join(cli.workspace, 'data/config.php'), join(cli.workspace, 'data/config-internal.php'));
    appendFileSync(join(cli.workspace, 'data/config-internal.php'), '// internal\n');
    await cli.must(['backup', '--label', 'moved']);
  });
  afterAll(async () => cli[Symbol.asyncDispose]());

  test('records and shows what the user’s own repository was at', async () => {
    const { value } = await cli.json(['list']);
    expect(value.backups.map((backup) => (backup as { git?: unknown }).git)).toEqual([
      { commit, branch: 'main', dirty: true },
      { commit, branch: 'main', dirty: true },
      { commit, branch: 'main', dirty: false },
    ]);
    const shown = await cli.run(['show', 'latest']);
    expect(shown.text).toContain(`${commit.slice(0, 12)} main, with changes`);
    expect((await cli.json(['show', 'latest~2'])).value).toMatchObject({ git: { commit, dirty: false } });
  });

  test('says in its checks that it does', async () => {
    const { text } = await cli.run(['doctor']);
    expect(text).toContain(`main@${commit.slice(0, 10)} is recorded with every backup.`);
  });

  test('follows a file through its renames', async () => {
    const { value } = await cli.json(['log', '--follow', 'data/config-internal.php']);
    expect(value).toMatchObject({
      versions: [
        {
          label: 'moved',
          change: 'renamed',
          oldPath: 'files/workspace/data/config.php',
          added: 1,
          deleted: 0,
        },
        { label: 'changed', change: 'modified', path: 'files/workspace/data/config.php', added: 1 },
        { label: 'clean', change: 'added', size: lines.length, added: 20 },
      ],
    });
    const shown = await cli.run(['log', '--follow', 'data/config-internal.php']);
    expect(shown.text).toMatch(/renamed +\S+ B +\+1 -0 +was files\/workspace\/data\/config\.php +moved\n/);
    expect(shown.text).toMatch(/ added .* as files\/workspace\/data\/config\.php/);
  });

  test('tells a file that was renamed and changed as that, and in a patch that git applies', async () => {
    const { value } = await cli.json(['diff', 'latest']);
    expect(value.entries).toMatchObject(
      [
        { change: 'modified', path: 'files/workspace/data', type: 'directory' },
        {
          change: 'renamed',
          oldPath: 'files/workspace/data/config.php',
          path: 'files/workspace/data/config-internal.php',
          added: 1,
          deleted: 0,
        },
      ].filter(({ path }) => value.entries.some((entry) => entry.path === path)),
    );
    const patch = await cli.run(['diff', 'latest', '--patch']);
    expect(patch.text).toMatch(
      /similarity index \d+%\nrename from \S+config\.php\nrename to \S+-internal\.php\n/,
    );
    const place = join(cli.scratch, 'apply');
    mkdirSync(join(place, 'files/workspace/data'), { recursive: true });
    writeFileSync(join(place, 'files/workspace/data/config.php'), `${lines}// changed\n`);
    writeFileSync(join(place, 'latest.patch'), patch.stdout);
    git(place, 'apply', 'latest.patch');
    const content = await cli.run(['cat', 'latest', 'data/config-internal.php']);
    expect(readFileSync(join(place, 'files/workspace/data/config-internal.php'))).toEqual(content.stdout);
  });

  test('tells it of the live files, too', async () => {
    const [now, then] = ['config-now.php', 'config-internal.php'].map((name) =>
      join(cli.workspace, 'data', name),
    );
    renameSync(then!, now!);
    appendFileSync(now!, '// not yet backed up\n');
    const { value } = await cli.json(['diff', 'latest', '--workspace']);
    renameSync(now!, then!);
    expect(value.entries.filter(({ type }) => type === 'file')).toMatchObject([
      { change: 'renamed', path: 'files/workspace/data/config-now.php', added: 1, deleted: 0 },
    ]);
  });

  test('says of every line in which backup it was changed', async () => {
    const ids = (await cli.json(['list'])).value.backups.map(({ id }) => id.slice(0, 8));
    const { text } = await cli.run(['log', '--lines', 'data/config-internal.php']);
    const told = text
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ {2}\d\S+ \S+( UTC)?/, ''));
    expect(told.at(0)).toMatch(new RegExp(`^${ids[2]} +1 +line 1$`));
    expect(told.at(-2)).toMatch(new RegExp(`^${ids[1]} +21 +// changed$`));
    expect(told.at(-1)).toMatch(new RegExp(`^${ids[0]} +22 +// internal$`));
    const { value } = await cli.json(['log', '--lines', 'data/config-internal.php']);
    expect(value).toMatchObject({
      lines: [
        { line: 1, count: 20 },
        { line: 21, count: 1 },
        { line: 22, count: 1 },
      ],
    });
  });

  test('finds the backups that brought a text', async () => {
    const found = async (...args: string[]): Promise<unknown> =>
      (await cli.json(['find', ...args])).value.matches.map(({ path, ...match }) => {
        return [(match as { label?: string }).label, path.replace('files/workspace/', '')];
      });
    expect(await found('--text', '// CHANGED', '-i')).toEqual([['changed', 'data/config.php']]);
    expect(await found('--regex', '^// (internal|other)$', '*.php')).toEqual([
      ['moved', 'data/config-internal.php'],
    ]);
    expect(await found('--text', '// internal', '*.txt')).toEqual([]);
    expect((await cli.json(['find', '--regex', '['])).value.error.code).toBe('invalid-pattern');
    for (const wrong of [[], ['--text', ''], ['--text', 'a', '--regex', 'b']]) {
      expect((await cli.run(['find', ...wrong])).code, wrong.join(' ')).toBe(2);
    }
  });

  test('without git tells what it can, says so once, and fails where only git can tell', async () => {
    const bin = join(cli.scratch, 'bin');
    const env = { PATH: bin };
    const plain = await cli.run(['diff', 'latest'], { env });
    expect(plain.text).toContain('1 added, 1 deleted;');
    expect(plain.stderr.match(/git was not found/g)).toHaveLength(1);
    const followed = await cli.run(['log', '--follow', 'data/config.php'], { env });
    expect(followed.code).toBe(0);
    expect(followed.text).toMatch(/deleted[^]*modified[^]*added/);
    expect(followed.stderr.match(/git was not found/g)).toHaveLength(1);
    const found = await cli.json(['find', '--text', 'x'], { env });
    expect([found.code, found.value.error.code]).toEqual([1, 'no-git']);
  });
});
