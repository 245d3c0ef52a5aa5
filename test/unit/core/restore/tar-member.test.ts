import fc from 'fast-check';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { splitTime } from '../../../../src/core/restore/file-time.ts';
import { TAR_END, tarBytes, type TarMember, writeMember } from '../../../../src/core/restore/tar-member.ts';
import { decodeName } from '../../../../src/core/source/name.ts';
import { randomContent, randomName } from '../../../build/random-tree.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { makeTree, temporaryFolder, type TreeItem } from '../../../build/tree.ts';

const isGnu = spawnSync('tar', ['--version'], { encoding: 'utf8' }).stdout.includes('GNU tar');
const folder = temporaryFolder();
afterAll(async () => folder[Symbol.asyncDispose]());

const time = fc.bigInt(-5_000_000_000n, 4_000_000_000_000_000_000n);

describe.runIf(process.platform === 'linux' && isGnu)('an archive', () => {
  it('is unpacked by GNU tar to what went into it, byte, mode and nanosecond', () => {
    const item = fc.record({
      name: randomName(),
      content: randomContent(),
      mode: fc.constantFrom(0o644, 0o400, 0o755, 0o4755, 0),
      mtimeNs: time,
      link: fc.option(randomName()),
    });
    const unique = { selector: ({ name }: { name: string }) => name, minLength: 1, maxLength: 12 };
    fc.assert(
      fc.property(fc.uniqueArray(item, unique), (items) => {
        const out = join(folder.path, 'out');
        rmSync(out, { recursive: true, force: true });
        mkdirSync(out);
        const archive = Buffer.allocUnsafe(
          items.reduce((sum, { name, content }) => sum + tarBytes(name.length, content.length) + 2048, 0),
        ).fill(0xaa);
        let at = 0;
        const expected: TreeItem[] = [];
        for (const { name, content, mode, mtimeNs, link } of items) {
          const common = { path: name, uid: 0, gid: 0, ...splitTime(mtimeNs) };
          const member: TarMember =
            link === null
              ? { ...common, type: 'file', mode }
              : { ...common, type: 'link', mode: 0o777, target: link };
          at = writeMember(archive, at, member, link === null ? content : undefined);
          expected.push(
            link === null
              ? { type: 'file', path: name, content, mode }
              : { type: 'link', path: name, target: link },
          );
        }
        const args = ['-x', '-P', '-p', '--no-same-owner', '--warning=none', '-C', out, '-f', '-'];
        const input = Buffer.concat([archive.subarray(0, at), TAR_END]);
        execFileSync('tar', args, { input, env: { ...process.env, LC_ALL: 'C' } });
        const want = join(folder.path, 'want');
        rmSync(want, { recursive: true, force: true });
        makeTree(want, expected);
        expect(snapshotTree(out, { times: false })).toEqual(snapshotTree(want, { times: false }));
        const times = snapshotTree(out);
        for (const { name, mtimeNs } of items) expect(times[name]).toMatch(new RegExp(` at ${mtimeNs}\\b`));
        expect(readdirSync(out, { encoding: 'buffer' }).map(decodeName).sort()).toEqual(
          items.map(({ name }) => name).sort(),
        );
      }),
      { numRuns: 60 },
    );
  });
});
