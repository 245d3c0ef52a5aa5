import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { checkRepository } from '../../../src/core/doctor/programs.ts';
import { parseStatus, readGitState } from '../../../src/core/git-state.ts';
import { git } from '../../build/git.ts';
import { temporaryFolder } from '../../build/tree.ts';

const isRoot = process.getuid?.() === 0;

/** A repository with one commit that holds `crm/config.php`. */
function makeRepository(folder: string): void {
  mkdirSync(join(folder, 'crm'), { recursive: true });
  writeFileSync(join(folder, 'crm/config.php'), '<?php\n');
  writeFileSync(join(folder, 'README.md'), 'ours\n');
  git(folder, 'init');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-m', 'first');
}

describe('the state of the user’s git', () => {
  test('is the branch, the commit, and whether tracked files differ from it', async () => {
    await using folder = temporaryFolder();
    makeRepository(folder.path);
    const commit = git(folder.path, 'rev-parse', 'HEAD');
    expect(await readGitState(folder.path)).toEqual({ commit, branch: 'main', dirty: false });
    const detail = `main@${commit.slice(0, 10)} is recorded with every backup.`;
    expect(await checkRepository(folder.path)).toMatchObject({ status: 'ok', detail });
    writeFileSync(join(folder.path, 'untracked.txt'), 'new\n');
    expect((await readGitState(folder.path))?.dirty).toBe(false);
    writeFileSync(join(folder.path, 'crm/config.php'), '<?php // changed\n');
    expect(await readGitState(folder.path)).toEqual({ commit, branch: 'main', dirty: true });
  });

  test('has no branch where a commit is checked out by itself', async () => {
    await using folder = temporaryFolder();
    makeRepository(folder.path);
    git(folder.path, 'checkout', '--detach');
    expect(await readGitState(folder.path)).toMatchObject({ branch: undefined, dirty: false });
  });

  test('of a repository above the workspace says “dirty” of the workspace only', async () => {
    await using folder = temporaryFolder();
    makeRepository(folder.path);
    const workspace = join(folder.path, 'crm');
    writeFileSync(join(folder.path, 'README.md'), 'changed\n');
    expect(await readGitState(workspace)).toMatchObject({ branch: 'main', dirty: false });
    writeFileSync(join(workspace, 'config.php'), '<?php // changed\n');
    expect(await readGitState(workspace)).toMatchObject({ branch: 'main', dirty: true });
  });

  test('is told in a submodule, and of a repository whose submodule has moved', async () => {
    await using folder = temporaryFolder();
    const [outer, inner] = [join(folder.path, 'outer'), join(folder.path, 'inner')];
    makeRepository(outer);
    makeRepository(inner);
    git(outer, 'submodule', 'add', inner, 'module');
    git(outer, 'commit', '-m', 'with a module');
    const module = join(outer, 'module');
    expect(await readGitState(module)).toMatchObject({ commit: git(inner, 'rev-parse', 'HEAD') });
    expect(await readGitState(outer)).toMatchObject({ dirty: false });
    git(module, 'commit', '--allow-empty', '-m', 'moved');
    expect(await readGitState(outer)).toMatchObject({ dirty: true });
  });

  test('is nothing without a repository, before the first commit, in a bare one, and without git', async () => {
    await using folder = temporaryFolder();
    expect(await readGitState(folder.path)).toBeUndefined();
    expect(await checkRepository(folder.path)).toBeUndefined();
    const unborn = join(folder.path, 'unborn');
    mkdirSync(unborn);
    git(unborn, 'init');
    expect(await readGitState(unborn)).toBeUndefined();
    expect(await checkRepository(unborn)).toBeUndefined();
    const repository = join(folder.path, 'repository');
    makeRepository(repository);
    git(folder.path, 'clone', '--bare', repository, 'bare/.git');
    expect(await readGitState(join(folder.path, 'bare'))).toBeUndefined();
    writeFileSync(join(folder.path, '.git'), 'gitdir: /nowhere\n');
    expect(await readGitState(folder.path)).toBeUndefined();
    vi.stubEnv('PATH', folder.path);
    try {
      expect(await readGitState(repository)).toBeUndefined();
      expect(await checkRepository(repository)).toMatchObject({ status: 'warning' });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test.runIf(isRoot)('is nothing where git refuses a repository of somebody else', async () => {
    await using folder = temporaryFolder();
    makeRepository(folder.path);
    for (const path of [folder.path, join(folder.path, '.git')]) chownSync(path, 12_345, 12_345);
    expect(await readGitState(folder.path)).toBeUndefined();
    expect(await checkRepository(folder.path)).toMatchObject({
      status: 'warning',
      hint: `If you trust it, run: git config --global --add safe.directory ${folder.path}`,
    });
  });

  test('does not depend on another repository that the environment names', async () => {
    await using folder = temporaryFolder();
    const [mine, other] = [join(folder.path, 'mine'), join(folder.path, 'other')];
    makeRepository(mine);
    makeRepository(other);
    git(other, 'checkout', '-b', 'elsewhere');
    vi.stubEnv('GIT_DIR', join(other, '.git'));
    vi.stubEnv('GIT_ASKPASS', '/bin/false');
    try {
      expect(await readGitState(mine)).toMatchObject({ branch: 'main' });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('leaves the repository as it is, and runs no hook of it', async () => {
    await using folder = temporaryFolder();
    makeRepository(folder.path);
    const ran = join(folder.path, 'ran');
    git(folder.path, 'config', 'core.fsmonitor', `touch ${ran}; false`);
    // Touched but the same: git would like to note that in its index.
    utimesSync(join(folder.path, 'crm/config.php'), 1, 1);
    const before = contentOf(join(folder.path, '.git'));
    expect(await readGitState(folder.path)).toMatchObject({ dirty: false });
    expect(contentOf(join(folder.path, '.git'))).toEqual(before);
    expect(readdirSync(folder.path)).not.toContain('ran');
  });

  test('is read from git’s words whatever a path or branch is called', () => {
    const commit = 'a'.repeat(40);
    const told = (...lines: string[]): string => lines.map((line) => `${line}\0`).join('');
    expect(
      parseStatus(told(`# branch.oid ${commit}`, '# branch.head feature/中文 #1', '1 .M N... 100644 a\nb')),
    ).toEqual({ commit, branch: 'feature/中文 #1', dirty: true });
    expect(parseStatus(told('# branch.oid (initial)', '# branch.head main'))).toBeUndefined();
    expect(parseStatus('')).toBeUndefined();
  });
});

function contentOf(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return Object.fromEntries(
    paths.map((path) => {
      const { mtimeMs, size } = statSync(path);
      const bytes = statSync(path).isFile() ? readFileSync(path, 'base64') : '';
      return [path, `${mtimeMs} ${size} ${bytes}`];
    }),
  );
}
