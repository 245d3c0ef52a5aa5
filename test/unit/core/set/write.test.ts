import fc from 'fast-check';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewSet } from '../../../../src/core/set/definition.ts';
import { chooseSet, findWorkspace, loadSets, setFilePath } from '../../../../src/core/set/load.ts';
import { parseSetFile } from '../../../../src/core/set/parse.ts';
import { addSet, defaultSet, withSet } from '../../../../src/core/set/write.ts';

const one: NewSet = { name: 'one', files: [{ root: '.', exclude: ['a', 'b'] }] };
const two: NewSet = { name: 'two', databases: [{ name: 'd', url: 'sqlite:x' }] };

let workspace: string;

beforeEach(async () => {
  workspace = await mkdtemp(path.join(tmpdir(), 'crm-set-'));
});

afterEach(async () => {
  await rm(workspace, { recursive: true, force: true });
});

describe('the text of a set file', () => {
  it('begins with a comment and reads well', () => {
    expect(withSet(undefined, one))
      .toBe(`// What CRM Backup backs up in this workspace. Shared in git: no passwords here.
{
  "version": 1,
  "sets": [
    {
      "name": "one",
      "files": [{ "root": ".", "exclude": ["a", "b"] }]
    }
  ]
}
`);
  });

  it('keeps comments, indentation, line ends and everything else when a set is added', () => {
    const text = [
      '\ufeff{ // top',
      '\t"version": 1,',
      '\t"sets": [',
      '\t\t{ "name": "one", "files": [ {"root": "."}, ], }, // the first',
      '\t\t// last',
      '\t], /* end */',
      '}',
    ].join('\r\n');
    const added =
      '\r\n\t\t{\r\n\t\t\t"name": "two",\r\n\t\t\t"databases": [{ "name": "d", "url": "sqlite:x" }]\r\n\t\t}';
    expect(withSet(text, two)).toBe(text.replace('], }', `], },${added}`));
  });

  it('can be added to however it is laid out', () => {
    const texts = [
      '{"version":1,"sets":[{"name":"one","files":[{"root":"."}]}]}',
      withSet(undefined, one),
      withSet(undefined, { ...one, name: '{' }),
    ];
    for (const text of texts) {
      const [first] = parseSetFile(text).sets;
      expect(parseSetFile(withSet(text, two)).sets).toEqual([
        first,
        expect.objectContaining({ name: 'two' }),
      ]);
    }
  });

  it('gives back what was written', () => {
    const texts = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.trim() !== '');
    const migration = fc.record({ label: texts, command: texts });
    fc.assert(
      fc.property(fc.array(migration), fc.boolean(), (migrations, inserted) => {
        const text = withSet(inserted ? withSet(undefined, one) : undefined, { ...two, migrations });
        expect(parseSetFile(text).sets.at(-1)?.migrations).toEqual(migrations);
      }),
    );
  });

  it('takes no set whose name is taken and none with mistakes', () => {
    const text = withSet(undefined, one);
    expect(() => withSet(text, { ...two, name: 'ONE' })).toThrow('has a set “one” already');
    expect(() => withSet(text, { name: 'three' })).toThrow('this set backs up nothing');
    expect(() => withSet(undefined, { ...one, name: 'a/b' })).toThrow('must not contain “/”');
    expect(() => withSet('{', two)).toThrow('a closing “}” is missing');
  });
});

describe('the set file on the disk', () => {
  it('is made, added to and loaded again', async () => {
    expect(await addSet(workspace, one)).toBe(setFilePath(workspace));
    await addSet(workspace, two);
    expect((await loadSets(workspace)).map(({ name }) => name)).toEqual(['one', 'two']);
    expect(await readdir(path.join(workspace, '.vscode'))).toEqual(['crm-backup.json']);
  });

  it('keeps its permissions and the link that leads to it', async () => {
    const shared = path.join(workspace, 'shared.json');
    await mkdir(path.join(workspace, '.vscode'));
    await writeFile(shared, withSet(undefined, one), { mode: 0o640 });
    await symlink(shared, setFilePath(workspace));
    await addSet(workspace, two);
    expect((await lstat(setFilePath(workspace))).isSymbolicLink()).toBe(true);
    expect((await stat(shared)).mode & 0o777).toBe(0o640);
    expect(await loadSets(workspace)).toHaveLength(2);
  });

  it('stays as it is when a set cannot be added', async () => {
    const broken = '{ "version": 1, // half';
    await mkdir(path.join(workspace, '.vscode'));
    await writeFile(setFilePath(workspace), broken);
    await expect(addSet(workspace, one)).rejects.toMatchObject({ code: 'invalid-set-file' });
    expect(await readFile(setFilePath(workspace), 'utf8')).toBe(broken);
    expect(await readdir(path.join(workspace, '.vscode'))).toEqual(['crm-backup.json']);
  });

  it('says when it cannot be read or written, and when there is none', async () => {
    await expect(loadSets(workspace)).rejects.toMatchObject({ code: 'no-set-file' });
    await mkdir(setFilePath(workspace), { recursive: true });
    await expect(loadSets(workspace)).rejects.toMatchObject({ code: 'set-file-unreadable' });
    await rm(setFilePath(workspace), { recursive: true });
    await writeFile(setFilePath(workspace), Buffer.from('7b7d2f2fff', 'hex'));
    await expect(addSet(workspace, one)).rejects.toMatchObject({ code: 'set-file-unreadable' });
    await rm(path.join(workspace, '.vscode'), { recursive: true });
    await writeFile(path.join(workspace, '.vscode'), 'a file');
    await expect(addSet(workspace, one)).rejects.toMatchObject({ code: 'set-file-unwritable' });
  });

  it('says where the workspace begins', async () => {
    const deep = path.join(workspace, 'a', 'b');
    await mkdir(deep, { recursive: true });
    expect(await findWorkspace(deep)).toBeUndefined();
    await addSet(workspace, one);
    expect(await findWorkspace(deep)).toBe(workspace);
    expect(await findWorkspace(workspace)).toBe(workspace);
  });
});

describe('the set that is meant', () => {
  const sets = parseSetFile(withSet(withSet(undefined, one), two)).sets;

  it('is the named one or the only one', () => {
    expect(chooseSet(sets, 'two').name).toBe('two');
    expect(chooseSet(sets.slice(0, 1)).name).toBe('one');
  });

  it('is asked for when it is not clear', () => {
    expect(() => chooseSet(sets)).toThrow('The workspace has several sets: “one”, “two”.');
    expect(() => chooseSet(sets, 'tow')).toThrow('The workspace has no set “tow”; it has “one”, “two”.');
  });
});

it('the set to begin with backs up the workspace under a name that is allowed everywhere', () => {
  expect(defaultSet('My CRM')).toEqual({ name: 'My CRM', files: [{ root: '.' }] });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('..', 'CON', '.', 'a:b', ' ', '客户'.repeat(99)),
      ),
      (name) => {
        expect(parseSetFile(withSet(undefined, defaultSet(name))).sets).toHaveLength(1);
      },
    ),
  );
  expect(['a:b/', 'nul', '..', '', '客户'].map((name) => defaultSet(name).name)).toEqual([
    'a-b',
    'workspace',
    'workspace',
    'workspace',
    '客户',
  ]);
});
