import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoverRestores } from '../../../../src/core/restore/recover.ts';
import { backUp } from '../../../../src/core/backup.ts';
import { type Built, buildForNode } from '../../../build/bundle.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { makeTree, temporaryFolder } from '../../../build/tree.ts';
import { buildVault } from '../../../build/vault.ts';

const FILES = 1500;
const KILLS = 12;

let child: Built;

beforeAll(async () => {
  child = await buildForNode('test/build/restore-child.ts');
});

afterAll(async () => child[Symbol.asyncDispose]());

/** Runs the child until it is done or, after so many milliseconds of its work, killed. Its running time. */
async function run(args: readonly string[], killAfterMs?: number): Promise<number> {
  const process: ChildProcess = spawn('node', [child.script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(process.stdout!, 'data');
  const startedAt = performance.now();
  const exit = once(process, 'exit') as Promise<[number | null]>;
  if (killAfterMs !== undefined) await Promise.race([pause(killAfterMs), exit]);
  if (killAfterMs !== undefined) process.kill('SIGKILL');
  const [code] = await exit;
  if (killAfterMs === undefined) expect(code).toBe(0);
  return performance.now() - startedAt;
}

describe.skipIf(process.platform === 'win32')('a process that is killed while it restores', () => {
  it('leaves old or new, whenever it dies', async () => {
    await using folder = temporaryFolder();
    await using built = await buildVault();
    const root = join(folder.path, 'root');
    const home = join(folder.path, 'home');
    const copy = join(folder.path, 'copy');
    const set = { name: 'test', roots: [{ name: 'workspace', directory: root, include: [], exclude: [] }] };
    const tree = (seed: number) =>
      Array.from({ length: FILES }, (_, at) => ({
        type: 'file' as const,
        path: `${at % 40}/${at}`,
        content: noiseOf(seed + at, 2500),
      }));
    makeTree(root, tree(1));
    const fresh = snapshotTree(root);
    const record = await backUp(built.vault, { ...set, databases: [] }, { kind: 'full' });
    makeTree(root, tree(5000).slice(0, 1000));
    execFileSync('cp', ['-a', root, copy]);
    const old = snapshotTree(root);

    const args = [built.directory, built.secret.toString('hex'), root, home, record.id];
    const wholeMs = await run(args);
    expect(snapshotTree(root)).toEqual(fresh);
    for (let kill = 0; kill < KILLS; kill++) {
      execFileSync('sh', ['-c', 'rm -rf "$1" && cp -a "$2" "$1"', 'sh', root, copy]);
      await run(args, ((kill + 0.5) / KILLS) * wholeMs);
      await recoverRestores(home);
      const now = snapshotTree(root);
      expect(now).toEqual(JSON.stringify(now) === JSON.stringify(old) ? old : fresh);
      expect(readdirSync(join(home, 'restores'))).toEqual([]);
    }
    await run(args);
    expect(snapshotTree(root)).toEqual(fresh);
  }, 120_000);
});
