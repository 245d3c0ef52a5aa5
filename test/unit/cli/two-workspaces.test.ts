import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { makeTree, treeOf } from '../../build/tree.ts';

const cli = await useCli();

/** A workspace with a set of the same name in the same vault as all others. */
function project(name: string): { folder: string; in: { cwd: string } } {
  const folder = join(cli.scratch, name);
  const set = { name: 'crm', vault: join(cli.scratch, 'vault'), files: [{ root: 'data' }] };
  const file = JSON.stringify({ version: 1, sets: [set] });
  makeTree(folder, treeOf({ '.vscode/crm-backup.json': file, 'data/name': name }));
  return { folder, in: { cwd: folder } };
}

it('two workspaces with one set in one vault are told of each other', async () => {
  const [a, b] = [project('a'), project('b')];
  await cli.run(['init', '--yes'], a.in);
  const first = await cli.run(['backup'], a.in);
  expect([first.code, first.stderr]).toEqual([0, '']);
  const [dataOfA, dataOfB] = [join(a.folder, 'data'), join(b.folder, 'data')];

  const other = `Set “crm” was backed up from ${dataOfA} before; this backup is of ${dataOfB}. Where these are two projects, give one of the sets another name.`;
  expect((await cli.run(['backup', '--dry-run'], b.in)).stderr).toContain(other);
  expect((await cli.run(['backup'], b.in)).stderr).toContain(other);
  expect((await cli.run(['backup'], b.in)).stderr).toBe('');

  const goes = `This backup is of ${dataOfB} and goes to ${dataOfA}.`;
  expect((await cli.run(['restore', 'latest', '--dry-run'], a.in)).stderr).toContain(goes);
  expect((await cli.run(['restore', 'latest'], b.in)).stderr).toBe('');
  expect((await cli.run(['restore', 'latest', '--to', 'out'], a.in)).stderr).toBe('');
  const restored = await cli.run(['restore', 'latest'], a.in);
  expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining(goes)]);
  expect(readFileSync(join(dataOfA, 'name'), 'utf8')).toBe('b');
  // The safety backup is of this place, and no backup that was asked for.
  expect((await cli.run(['backup'], b.in)).stderr).toBe('');
});

it('a workspace whose folder got another name is told of the vault it had', async () => {
  const [before, other, after] = ['before', 'other', 'after'].map((name) => join(cli.scratch, name));
  const set = { name: 'crm', files: [{ root: 'data' }] };
  const file = JSON.stringify({ version: 1, sets: [set] });
  for (const folder of [before!, other!]) {
    makeTree(folder, treeOf({ '.vscode/crm-backup.json': file, 'data/name': folder }));
    await cli.run(['init', '--yes'], { cwd: folder });
    await cli.run(['backup'], { cwd: folder });
  }
  renameSync(before!, after!);
  const { code, value } = await cli.json(['list'], { cwd: after! });
  const [name] = readdirSync(join(cli.home, 'vaults')).filter((each) => each.startsWith('before-'));
  const vault = join(cli.home, 'vaults', name!);
  expect(code).toBe(10);
  expect(value.error).toMatchObject({
    code: 'no-vault',
    message: expect.stringContaining(
      `That at ${vault} has backups of the set “crm” of ${join(before!, 'data')}, which is not there any more.`,
    ) as string,
    hint: expect.stringContaining(`"vault": ${JSON.stringify(vault)}`) as string,
  });
  expect((await cli.run(['backup'], { cwd: after! })).stderr).toContain(vault);
  expect((await cli.json(['list', '--vault', vault], { cwd: after! })).value.backups).toHaveLength(1);

  expect((await cli.run(['init', '--yes'], { cwd: after! })).stderr).toContain(
    `A new vault is made. That at ${vault} has backups`,
  );

  // A folder that is still there has its vault for itself.
  const copy = join(cli.scratch, 'copy');
  cpSync(other!, copy, { recursive: true });
  rmSync(vault, { recursive: true });
  expect((await cli.run(['list'], { cwd: copy })).stderr).not.toContain('has backups');
});

it('a workspace that was moved is told so once', async () => {
  const { folder } = project('before');
  await cli.run(['init', '--yes'], { cwd: folder });
  await cli.run(['backup'], { cwd: folder });
  const moved = join(cli.scratch, 'moved');
  renameSync(folder, moved);
  expect((await cli.run(['backup'], { cwd: moved })).stderr).toContain(`from ${join(folder, 'data')} before`);
  writeFileSync(join(moved, 'data/name'), 'changed');
  expect((await cli.run(['backup'], { cwd: moved })).stderr).toBe('');
});
