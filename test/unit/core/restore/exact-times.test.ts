import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isReachable, isSameTime } from '../../../../src/core/restore/file-time.ts';
import { systemPath } from '../../../../src/core/source/name.ts';
import { noiseOf } from '../../../build/random-tree.ts';
import { restorable } from '../../../build/restorable.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { setModified, treeOf } from '../../../build/tree.ts';

const hasGnu = ['tar', 'cp'].every((program) =>
  spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.includes('GNU'),
);

const NAMES = ['plain', 'new\nline', '中文', 'caf\udce9', 'x'.repeat(200), '-C', ' ', 'a\\b'];

/** Makes things of every type with times that Node cannot set. */
function fill(root: string): void {
  let at = 0;
  const touch = (path: string): void => {
    const nanoseconds = String(123_456_789 + at++ * 1_000_001).padStart(9, '0');
    execFileSync('touch', [
      '-h',
      '-d',
      `@${1_600_000_000 + at}.${nanoseconds}`,
      '--',
      systemPath(path),
    ] as string[]);
  };
  const paths: string[] = [];
  for (const name of NAMES) {
    const folder = join(root, name);
    mkdirSync(systemPath(folder));
    for (const below of NAMES.slice(0, 4)) {
      writeFileSync(systemPath(join(folder, below)), `content of ${below}`);
      symlinkSync(systemPath(`../${below}/../${'y'.repeat(120)}`), systemPath(join(folder, `${below}.link`)));
      paths.push(join(folder, below), join(folder, `${below}.link`));
    }
    mkdirSync(systemPath(join(folder, 'empty')));
    chmodSync(systemPath(join(folder, 'empty')), 0o555);
    paths.push(join(folder, 'empty'), folder);
  }
  // Names that are not UTF-8 do not pass through arguments.
  for (const path of paths.filter((one) => !one.includes('\udce9'))) touch(path);
}

/** Runs something while programs are looked for elsewhere. */
async function withPath(path: string, work: () => Promise<unknown>): Promise<void> {
  const before = process.env['PATH'];
  process.env['PATH'] = path;
  try {
    await work();
  } finally {
    process.env['PATH'] = before;
  }
}

describe.runIf(process.platform === 'linux' && hasGnu)('times to the nanosecond', () => {
  it('come back exactly, of files, folders and links', async () => {
    await using place = await restorable([]);
    fill(place.root);
    const before = snapshotTree(place.root);
    const times = Object.values(before).map((text) => BigInt(/ at (\d+)/.exec(text)![1]!));
    expect(times.filter((time) => !isReachable(time)).length).toBeGreaterThan(60);
    const record = await place.backUp();
    const to = join(place.scratch, 'out');
    await place.restore(record, { to });
    expect(snapshotTree(join(to, 'files/workspace'))).toEqual(before);
    expect((await place.restore(record, { to })).plan).toMatchObject({ replace: 0, adjusted: 0 });
  });

  it('come back exactly where something is only touched', async () => {
    await using place = await restorable([]);
    fill(place.root);
    const before = snapshotTree(place.root);
    const record = await place.backUp();
    for (const path of ['plain', 'plain/plain', '中文/empty', '.']) {
      utimesSync(join(place.root, path), 1_000_000_000, 1_000_000_000);
    }
    writeFileSync(join(place.root, 'plain/extra'), '');
    await place.restore(record, { delete: true });
    expect(snapshotTree(place.root)).toEqual(before);
  });

  it('are missed by less than a microsecond without GNU tar and cp, and that counts as the same', async () => {
    await using place = await restorable([]);
    fill(place.root);
    const record = await place.backUp();
    const to = join(place.scratch, 'out');
    await withPath('/nowhere', async () => place.restore(record, { to }));
    const time = (root: string): bigint => lstatSync(join(root, 'plain/plain'), { bigint: true }).mtimeNs;
    expect(isSameTime(time(join(to, 'files/workspace')), time(place.root))).toBe(true);
    expect((await place.restore(record, { to })).plan).toMatchObject({ replace: 0, adjusted: 0 });
  });

  describe('of so much content that threads write it', () => {
    /** As many files as make the threads start, in folders with long names, all changed just now. */
    function fillMuch(root: string): void {
      for (let at = 0; at < 300; at++) {
        const folder = join(root, `${at % 7}`, 'l'.repeat(at % 3 === 0 ? 120 : 3));
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `${at}`), noiseOf(at, 10_000), { mode: at % 5 === 0 ? 0o400 : 0o644 });
      }
      writeFileSync(join(root, 'large'), noiseOf(1, 2_000_000));
      writeFileSync(join(root, 'empty'), '');
      symlinkSync('large', join(root, 'link'));
    }

    it('come back exactly', async () => {
      await using place = await restorable([]);
      fillMuch(place.root);
      const before = snapshotTree(place.root);
      const record = await place.backUp();
      const to = join(place.scratch, 'out');
      await place.restore(record, { to });
      expect(snapshotTree(join(to, 'files/workspace'))).toEqual(before);
      place.fill([]);
      await place.restore(record, { delete: true });
      expect(snapshotTree(place.root)).toEqual(before);
    });

    it('are near without GNU tar', async () => {
      await using place = await restorable([]);
      fillMuch(place.root);
      const record = await place.backUp();
      const to = join(place.scratch, 'out');
      await withPath('/nowhere', async () => place.restore(record, { to }));
      const restored = join(to, 'files/workspace');
      expect(snapshotTree(restored, { times: false })).toEqual(snapshotTree(place.root, { times: false }));
      expect((await place.restore(record, { to })).plan).toMatchObject({ replace: 0, adjusted: 0 });
    });

    it.each([
      ['No space left on device', 'no-space'],
      ['tar: it broke', 'write-failed'],
    ])('leave nothing behind when tar says “%s”', async (saying, code) => {
      await using place = await restorable([]);
      fillMuch(place.root);
      const record = await place.backUp();
      const programs = join(place.scratch, 'bin');
      mkdirSync(programs);
      const script = `#!/bin/sh\n[ "$1" = --version ] && echo GNU tar && exit\necho ${saying} >&2\nexit 2\n`;
      writeFileSync(join(programs, 'tar'), script, { mode: 0o755 });
      place.fill(treeOf({ other: 'o' }));
      setModified(place.root, 1_500_000_000_000_000_000n);
      const before = snapshotTree(place.root);
      const path = `${programs}:${process.env['PATH'] ?? ''}`;
      const restoring = withPath(path, async () => place.restore(record, { delete: true }));
      await expect(restoring).rejects.toMatchObject({ name: 'RestoreError', code });
      expect(snapshotTree(place.root)).toEqual(before);
    });
  });
});
