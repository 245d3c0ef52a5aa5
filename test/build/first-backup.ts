import { expect } from 'vitest';
import type { Cli } from './cli.ts';
import { makeTree, treeOf } from './tree.ts';

/** What commands print where tests cannot know the value. */
export const anId = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
export const aTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
export const aNumber = expect.any(Number) as number;
export const phases = expect.objectContaining({}) as object;

export const BINARY = Buffer.from([0, 1, 2, 255, 10, 13]);

/** Puts five entries into the workspace: text, bytes, a name of two lines, an empty folder, a link. */
export function fill({ workspace }: Cli): void {
  makeTree(
    workspace,
    treeOf({
      'custom/a.php': 'one\ntwo\nthree\n',
      'custom/new\nline': 'x',
      'data.bin': BINARY,
      'empty/': '',
      go: { link: 'custom/a.php' },
    }),
  );
}

/** Sets up the workspace and takes one backup; its id. */
export async function firstBackup(cli: Cli): Promise<string> {
  fill(cli);
  await cli.must(['init', '--yes']);
  return (await cli.json(['backup'])).value.id;
}
