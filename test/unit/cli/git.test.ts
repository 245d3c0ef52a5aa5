import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCli, type Cli } from '../../build/cli.ts';
import { git } from '../../build/git.ts';

describe('with git, the command line', () => {
  let cli: Cli;
  let commit: string;

  beforeAll(async () => {
    cli = await buildCli();
    mkdirSync(join(cli.workspace, 'data'));
    writeFileSync(join(cli.workspace, 'data/config.php'), '<?php\n');
    git(cli.workspace, 'init');
    git(cli.workspace, 'add', '-A');
    git(cli.workspace, 'commit', '-m', 'first');
    commit = git(cli.workspace, 'rev-parse', 'HEAD');
    await cli.must(['init', '--yes'], ['backup', '--label', 'clean']);
    appendFileSync(join(cli.workspace, 'data/config.php'), '// changed\n');
    await cli.must(['backup', '--label', 'changed']);
  });
  afterAll(async () => cli[Symbol.asyncDispose]());

  test('records and shows what the user’s own repository was at', async () => {
    const { value } = await cli.json(['list']);
    expect(value.backups.map((backup) => (backup as { git?: unknown }).git)).toEqual([
      { commit, branch: 'main', dirty: true },
      { commit, branch: 'main', dirty: false },
    ]);
    const shown = await cli.run(['show', 'latest']);
    expect(shown.text).toContain(`${commit.slice(0, 12)} main, with changes`);
    expect((await cli.json(['show', 'latest~1'])).value).toMatchObject({ git: { commit, dirty: false } });
  });
});
