import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { aTime, BINARY, firstBackup } from '../../build/first-backup.ts';
import { makeTree, treeOf } from '../../build/tree.ts';

const cli = await useCli();

describe('ls and cat', () => {
  it('print entries and bytes as they are', async () => {
    await firstBackup(cli);
    expect(
      (await cli.json(['ls', 'latest', 'files/workspace'])).value.entries.map(({ path }) => path),
    ).toEqual([
      'files/workspace/.vscode',
      'files/workspace/custom',
      'files/workspace/data.bin',
      'files/workspace/empty',
      'files/workspace/go',
    ]);
    expect((await cli.json(['ls', 'latest'])).value.entries.map(({ path }) => path)).toEqual([
      'files/workspace',
    ]);
    const { entries } = (await cli.json(['ls', 'latest', 'custom', '--recursive'])).value;
    expect(entries).toEqual([
      { path: 'files/workspace/custom/a.php', type: 'file', size: 14, mtime: aTime, mode: 0o644 },
      { path: 'files/workspace/custom/new\nline', type: 'file', size: 1, mtime: aTime, mode: 0o644 },
    ]);
    expect((await cli.json(['ls', 'latest', 'go'])).value.entries).toMatchObject([
      { type: 'link', target: 'custom/a.php' },
    ]);
    expect((await cli.run(['ls', 'latest', 'custom'])).text.split('\n')[1]).toMatch(
      /"files\/workspace\/custom\/new\\nline"$/,
    );

    expect((await cli.run(['cat', 'latest', 'data.bin'])).stdout).toEqual(BINARY);
    expect((await cli.run(['cat', 'latest', '"custom/new\\nline"'])).text).toBe('x');
    expect((await cli.run(['cat', 'latest', 'go'])).text).toBe('custom/a.php');
    expect((await cli.run(['cat', 'latest', 'custom'])).code).toBe(2);
    expect((await cli.run(['cat', 'latest', 'nothing'])).code).toBe(1);
    expect((await cli.json(['cat', 'latest', 'data.bin'])).code).toBe(2);
  });
});

describe('diff', () => {
  it('knows no path that neither side has', async () => {
    const first = await firstBackup(cli);
    rmSync(join(cli.workspace, 'data.bin'));
    await cli.must(['backup']);
    writeFileSync(join(cli.workspace, 'later'), '');
    for (const args of [
      ['latest', 'data.bin'],
      ['latest', 'custom', 'data.bin'],
      ['latest', 'files'],
      ['latest', '--workspace', 'later'],
      [first, '--workspace', 'data.bin'],
    ]) {
      expect((await cli.json(['diff', ...args])).code).toBe(0);
    }
    for (const args of [
      ['latest', 'datta.bin'],
      ['latest', 'custom', 'datta.bin'],
      [first, 'datta.bin'],
      [first, 'latest', 'later'],
      ['latest', '--workspace', 'data.bin'],
      ['latest', '--workspace', 'databases/none'],
    ]) {
      const { code, value } = await cli.json(['diff', ...args]);
      expect({ code, error: value.error }).toMatchObject({ code: 1, error: { code: 'unknown-entry' } });
      expect(value.error.message).toContain(args.at(-1));
    }
  });

  it('takes what is no id of a backup for the path that it is', async () => {
    const first = await firstBackup(cli);
    makeTree(cli.workspace, treeOf({ cafe: 'one\n', 'beef/a': 'a\n' }));
    await cli.must(['backup']);
    for (const path of ['cafe', 'beef']) {
      const { code, value } = await cli.json(['diff', 'latest', path]);
      expect([code, value.entries.map((entry) => entry.path)]).toEqual([
        0,
        path === 'cafe' ? ['files/workspace/cafe'] : ['files/workspace/beef', 'files/workspace/beef/a'],
      ]);
    }
    const { value } = await cli.json(['diff', 'latest', 'fade']);
    expect(value.error).toMatchObject({ code: 'unknown-backup' });
    // What is an id stays one, whatever is called so.
    writeFileSync(join(cli.workspace, first.slice(0, 8)), '');
    await cli.must(['backup']);
    expect((await cli.json(['diff', 'latest', first.slice(0, 8)])).value).toMatchObject({ to: first });
  });

  it('prints what changed since the base, up to another backup, or up to now', async () => {
    const first = await firstBackup(cli);
    writeFileSync(join(cli.workspace, 'custom/a.php'), 'one\n2\nthree\nfour\n');
    renameSync(join(cli.workspace, 'data.bin'), join(cli.workspace, 'moved.bin'));
    rmSync(join(cli.workspace, 'go'));
    const changes = [
      {
        path: 'files/workspace/custom/a.php',
        change: 'modified',
        type: 'file',
        binary: false,
        added: 2,
        deleted: 1,
      },
      { path: 'files/workspace/go', change: 'deleted', type: 'link', binary: false, added: 0, deleted: 1 },
    ];
    const renamed = {
      path: 'files/workspace/moved.bin',
      oldPath: 'files/workspace/data.bin',
      change: 'renamed',
    };
    const live = await cli.json(['diff', first, '--workspace']);
    expect(live.value).toMatchObject({ from: first, to: 'workspace', tables: [] });
    expect(live.value.entries).toEqual(expect.arrayContaining(changes));

    const second = (await cli.json(['backup'])).value.id;
    const stored = { from: first, to: second, entries: [changes[0], changes[1], renamed], tables: [] };
    expect((await cli.json(['diff', 'latest'])).value).toMatchObject(stored);
    expect((await cli.json(['diff', first, second])).value).toMatchObject(stored);
    expect((await cli.json(['diff', second, 'custom'])).value.entries).toEqual([changes[0]]);
    expect((await cli.json(['diff', first, second, 'go', 'empty'])).value.entries).toEqual([changes[1]]);
    expect((await cli.json(['diff', second, '--workspace'])).value.entries).toEqual([]);

    const { value: whole } = await cli.json(['diff', first]);
    expect(whole).toMatchObject({ from: null, to: first });
    expect(whole.entries.length).toBe(9);

    const patch = (await cli.run(['diff', 'latest', '--patch', 'custom/a.php'])).text;
    expect(patch).toBe(
      [
        'diff --git a/files/workspace/custom/a.php b/files/workspace/custom/a.php',
        '--- a/files/workspace/custom/a.php',
        '+++ b/files/workspace/custom/a.php',
        '@@ -1,3 +1,4 @@',
        ' one',
        '-two',
        '+2',
        ' three',
        '+four',
        '',
      ].join('\n'),
    );
    expect((await cli.json(['diff', 'latest', '-p', 'custom/a.php'])).value.entries).toMatchObject([
      { patch },
    ]);
  });

  it('takes the workspace by its short name where --workspace means the live files', async () => {
    const first = await firstBackup(cli);
    const elsewhere = { cwd: cli.scratch };
    for (const args of [
      ['-C', cli.workspace, 'diff', first, '--workspace'],
      ['diff', first, '--workspace', '-C', cli.workspace],
      ['--workspace', cli.workspace, 'diff', first, '--workspace'],
    ]) {
      expect((await cli.json(args, elsewhere)).value).toMatchObject({ to: 'workspace', entries: [] });
    }
    expect((await cli.json(['--workspace', cli.workspace, 'diff', first], elsewhere)).value).toMatchObject({
      to: first,
    });
  });
});

describe('diff goes on', () => {
  it('where a folder of the set is not there, and names it', async () => {
    const store = join(cli.scratch, 'store');
    makeTree(cli.workspace, treeOf({ a: 'one\n' }));
    makeTree(store, treeOf({ 'b/c': 'one\n' }));
    cli.writeSets({ name: 'crm', files: [{ root: '.' }, { name: 'store', root: store }] });
    await cli.must(['init', '--yes'], ['backup']);
    writeFileSync(join(cli.workspace, 'a'), 'two\n');
    renameSync(store, `${store}-unmounted`);
    const { code, value } = await cli.json(['diff', 'latest', '--workspace']);
    expect([code, value.entries.map(({ path }) => path)]).toEqual([3, ['files/workspace/a']]);
    const { text, stderr, code: patched } = await cli.run(['diff', 'latest', '--workspace', '-p']);
    expect([patched, text.split('\n')[0]]).toEqual([3, 'diff --git a/files/workspace/a b/files/workspace/a']);
    expect(stderr).toMatch(/^warning: files\/store: The folder .* does not exist\.\n$/);

    const partial = (await cli.json(['backup'])).value;
    expect(partial.status).toBe('partial');
    for (const args of [['latest'], ['latest~1', 'latest']]) {
      const between = await cli.json(['diff', ...args]);
      expect([between.code, between.value.entries.map(({ path }) => path)]).toEqual([
        3,
        ['files/workspace/a'],
      ]);
    }
    expect((await cli.run(['diff', 'latest'])).stderr).toMatch(
      /^warning: files\/store: Backup \w{8} could not read it, so it may not have been deleted\. The folder .*\n$/,
    );
  });

  it('where contents are lost, and names them', async () => {
    makeTree(cli.workspace, treeOf({ a: 'one\n', 'big.txt': 'small\n' }));
    const database = new DatabaseSync(join(cli.workspace, 'crm.db'));
    database.exec('CREATE TABLE lead (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE task (id INTEGER)');
    cli.writeSets({
      name: 'crm',
      files: [{ root: '.' }],
      databases: [{ name: 'crm', url: 'sqlite:crm.db' }],
    });
    await cli.must(['init', '--yes'], ['backup']);
    const before = new Set(packs());
    makeTree(cli.workspace, treeOf({ a: 'small\n', z: 'one\n', 'big.txt': noise(2_000_000) }));
    const insert = database.prepare('INSERT INTO lead (name) VALUES (?)');
    database.exec('BEGIN');
    for (let row = 0; row < 2000; row++) insert.run(noise(1000));
    database.exec('COMMIT');
    database.close();
    await cli.must(['backup']);
    const [pack, ...others] = packs().filter((name) => !before.has(name));
    expect(others).toEqual([]);
    const bytes = readFileSync(pack!);
    // Nearly all of it is the large file and the rows.
    for (let at = 0.1; at < 0.95; at += 0.02) bytes[Math.floor(bytes.length * at)]! ^= 1;
    chmodSync(pack!, 0o644);
    writeFileSync(pack!, bytes);

    const lost = ['databases/crm', 'files/workspace/big.txt'];
    for (const repaired of [false, true]) {
      if (repaired) await cli.run(['repair']);
      const { code, value } = await cli.json(['diff', 'latest']);
      const entries = value.entries as readonly { path: string; type: string; added: number | null }[];
      expect(code).toBe(4);
      expect(
        Object.fromEntries(
          entries.filter(({ type }) => type !== 'directory').map((each) => [each.path, each.added]),
        ),
      ).toMatchObject({
        'files/workspace/a': 1,
        'files/workspace/z': 1,
        'files/workspace/big.txt': null,
        'databases/crm/tables/main.lead': null,
      });
      const { text, stderr, code: told } = await cli.run(['diff', 'latest']);
      expect(told).toBe(4);
      expect(text).toMatch(/^M {2}files\/workspace\/big\.txt$/m);
      expect(text).toMatch(/^M {2}databases\/crm\/tables\/main\.lead$/m);
      for (const path of lost) expect(stderr).toContain(`warning: ${path}`);
      const patch = await cli.run(['diff', 'latest', '-p']);
      expect(patch.code).toBe(4);
      expect(patch.text).toContain('+++ b/files/workspace/z\n');
      expect(patch.stderr).toContain('warning: files/workspace/big.txt: ');
    }
  });

  function packs(): string[] {
    return readdirSync(cli.home, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.pack'))
      .map((name) => join(cli.home, name));
  }
});

describe('log and find', () => {
  it('print the versions of a path, and where a name is', async () => {
    const first = await firstBackup(cli);
    await cli.must(['backup']);
    writeFileSync(join(cli.workspace, 'custom/a.php'), 'longer than before\n');
    const third = (await cli.json(['backup', '--label', 'edited'])).value.id;
    const common = { set: 'workspace', path: 'files/workspace/custom/a.php' };
    expect((await cli.json(['log', 'custom/a.php'])).value).toEqual({
      path: 'files/workspace/custom/a.php',
      versions: [
        { backup: third, ...common, createdAt: aTime, size: 19, change: 'modified', label: 'edited' },
        { backup: first, ...common, createdAt: aTime, size: 14, change: 'added', label: null },
      ],
    });
    const { matches } = (await cli.json(['find', '*.php'])).value;
    expect(matches).toEqual([
      {
        path: 'files/workspace/custom/a.php',
        type: 'file',
        size: 19,
        mtime: aTime,
        backup: third,
        createdAt: aTime,
        oldest: { backup: first, createdAt: aTime },
      },
    ]);
    expect((await cli.json(['find', 'nothing'])).value.matches).toEqual([]);
    expect((await cli.run(['find', '[z-a]'])).code).toBe(2);
    expect((await cli.run(['log', 'nothing'])).code).toBe(1);
  });

  it('tell the versions of a path set by set, wherever the roots of the sets are', async () => {
    makeTree(cli.workspace, treeOf({ 'a/f.txt': 'one\n', 'b/g.txt': 'one\n' }));
    cli.writeSets(
      { name: 'one', files: [{ root: 'a', name: 'a' }] },
      { name: 'two', files: [{ root: 'b', name: 'b' }] },
      { name: 'both', files: [{ root: '.' }] },
    );
    await cli.must(['init', '--yes', '--set', 'one']);
    for (let round = 0; round < 2; round++)
      for (const set of ['one', 'both', 'two']) await cli.must(['backup', '--set', set]);
    const told = async (...args: string[]): Promise<unknown[]> => {
      const { code, value } = await cli.json(['log', ...args]);
      expect(code).toBe(0);
      return (value as unknown as { versions: { set: string; path: string; change: string }[] }).versions.map(
        ({ set, path, change }) => [set, path, change],
      );
    };
    const both = [
      ['both', 'files/workspace/a/f.txt', 'added'],
      ['one', 'files/a/f.txt', 'added'],
    ];
    expect(await told('a/f.txt')).toEqual(both);
    expect(await told('a/f.txt', '--follow')).toEqual(both);
    expect((await cli.run(['log', 'a/f.txt', '--lines'])).text).toMatch(/ 1 {2}one$/m);
    expect((await cli.run(['log', 'a/f.txt'])).text).toMatch(/added +4 B +one *$/m);
    expect(await told('files/workspace/a/f.txt')).toEqual([both[0]]);
    expect(await told('a/f.txt', '--set', 'one')).toEqual([both[1]]);
    expect((await cli.run(['log', '../f.txt'])).code).toBe(2);
    expect((await cli.run(['log', 'a/none.txt'])).code).toBe(1);
  });

  it('say in which contents no text is searched', async () => {
    const database = new DatabaseSync(join(cli.workspace, 'crm.db'));
    database.exec("CREATE TABLE lead (name TEXT); INSERT INTO lead VALUES ('needle')");
    database.close();
    makeTree(cli.workspace, treeOf({ 'large.txt': `needle\n${noise(1_100_000)}`, 'small.txt': 'thread\n' }));
    cli.writeSets({
      name: 'crm',
      files: [{ root: '.' }],
      databases: [{ name: 'crm', url: 'sqlite:crm.db' }],
    });
    await cli.must(['init', '--yes'], ['backup']);
    const notSearched = 'Not searched: files and tables over 1 MB, and rows of SQLite databases.';
    expect((await cli.run(['find', '--text', 'needle'])).text).toBe(`Nothing found.\n${notSearched}\n`);
    const { text, stderr } = await cli.run(['find', '--text', 'thread']);
    expect(text).toMatch(/added +files\/workspace\/small\.txt$/m);
    expect([text.split('\n').at(-2), stderr]).toEqual([notSearched, '']);
    expect((await cli.run(['find', '--text', 'thread', '--quiet'])).text).not.toContain(notSearched);
    expect((await cli.run(['find', '--help'])).text.replace(/\s+/g, ' ')).toContain('not those over 1 MB');
  });
});

function noise(length: number): string {
  return randomBytes(length / 2)
    .toString('hex')
    .replace(/.{99}/g, '$&\n');
}
