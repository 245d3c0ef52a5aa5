import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelledError } from '../../../../src/core/errors.ts';
import { systemPath } from '../../../../src/core/source/name.ts';
import { readSmall } from '../../../../src/core/source/read-small.ts';
import { readStable } from '../../../../src/core/source/read-stable.ts';
import { type FileStat, fileStat } from '../../../../src/core/source/stat.ts';
import { asOrdinaryUser } from '../../../build/ordinary-user.ts';
import { noiseOf, randomName } from '../../../build/random-tree.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../build/tree.ts';

let folder: TemporaryFolder;
let file: string;
beforeEach(() => {
  folder = temporaryFolder();
  file = `${folder.path}/file`;
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

function statOf(path: string): FileStat {
  return fileStat(lstatSync(systemPath(path), { bigint: true }), 'file');
}

const memory = Buffer.alloc(64 * 1024);

/** Puts the blocks together as they come. */
async function collect(blocks: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const block of blocks) copies.push(Buffer.from(block));
  return Buffer.concat(copies);
}

describe('reading a small file', () => {
  it('puts exactly its bytes at the place asked for', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 0, max: 5000 }),
        fc.nat(100),
        randomName(),
        (seed, size, offset, name) => {
          const content = noiseOf(seed, size);
          const path = `${folder.path}/${name}`;
          writeFileSync(systemPath(path), content);
          const into = Buffer.alloc(6000, 0xee);
          const expected = statOf(path);
          expect(readSmall(path, expected, into, offset)).toEqual({
            kind: 'read',
            bytes: size,
            stat: expected,
          });
          expect(into.subarray(offset, offset + size).equals(content)).toBe(true);
          expect(into.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
        },
      ),
    );
  });

  it('takes a file that changed since the scan as it is now', () => {
    writeFileSync(file, 'scanned');
    const scanned = statOf(file);
    writeFileSync(file, 'written since, and longer');
    const into = Buffer.alloc(100);
    expect(readSmall(file, scanned, into, 0)).toEqual({ kind: 'read', bytes: 25, stat: statOf(file) });
    expect(into.toString('utf8', 0, 25)).toBe('written since, and longer');
  });

  it('sees a file of the same size and time put in its place', () => {
    writeFileSync(file, 'old');
    const scanned = statOf(file);
    writeFileSync(`${file}.new`, 'new');
    renameSync(`${file}.new`, file);
    const into = Buffer.alloc(3);
    const read = readSmall(file, scanned, into, 0);
    expect(read).toEqual({ kind: 'read', bytes: 3, stat: statOf(file) });
    expect(into.toString()).toBe('new');
  });

  it('takes a file that shrank as short as it is', () => {
    writeFileSync(file, 'long content');
    const scanned = statOf(file);
    truncateSync(file, 4);
    expect(readSmall(file, scanned, Buffer.alloc(100), 0)).toEqual({
      kind: 'read',
      bytes: 4,
      stat: statOf(file),
    });
  });

  it('leaves a file that outgrew the buffer to the other way of reading', () => {
    writeFileSync(file, 'small');
    const scanned = statOf(file);
    appendFileSync(file, Buffer.alloc(200));
    expect(readSmall(file, scanned, Buffer.alloc(100), 0)).toMatchObject({
      kind: 'unsettled',
      stat: { size: 205 },
    });
  });

  it('leaves a file that never holds still to the other way of reading', async () => {
    writeFileSync(file, Buffer.alloc(1_000_000));
    const scanned = statOf(file);
    const into = Buffer.alloc(2_000_000);
    const scribble = `const fs = require('node:fs'); const fd = fs.openSync(process.argv[1], 'r+');
      for (let i = 0; ; i++) fs.writeSync(fd, String(i), 0);`;
    const writer = spawn(process.execPath, ['-e', scribble, file], { stdio: 'ignore' });
    try {
      let kind = '';
      while (kind !== 'unsettled') {
        kind = readSmall(file, scanned, into, 0).kind;
        await new Promise(setImmediate);
      }
      expect(kind).toBe('unsettled');
    } finally {
      writer.kill('SIGKILL');
    }
  });

  it('tells what else can go wrong, each with its code', () => {
    writeFileSync(file, 'content');
    const expected = statOf(file);
    const into = Buffer.alloc(100);
    const codeOf = (path: string) => {
      const read = readSmall(path, expected, into, 0);
      return read.kind === 'failed' ? [read.trouble.code, read.trouble.incomplete] : read.kind;
    };
    expect(codeOf(`${folder.path}/gone`)).toEqual(['vanished', false]);
    expect(codeOf(`${file}/below`)).toEqual(['vanished', false]);
    mkdirSync(`${folder.path}/directory`);
    expect(codeOf(`${folder.path}/directory`)).toEqual(['changed-while-reading', true]);
    symlinkSync('file', `${folder.path}/link`);
    expect(codeOf(`${folder.path}/link`)).toEqual(['changed-while-reading', true]);
    execFileSync('mkfifo', [`${folder.path}/pipe`]);
    expect(codeOf(`${folder.path}/pipe`)).toEqual(['changed-while-reading', true]);
    expect(codeOf(`${folder.path}/${'d/'.repeat(3000)}`)).toEqual(['unsupported-name', true]);
    chmodSync(folder.path, 0o755);
    chmodSync(file, 0o000);
    expect(asOrdinaryUser(() => codeOf(file))).toEqual(['permission-denied', true]);
  });

  it.runIf(process.platform === 'linux')('tells when the disk cannot read it', () => {
    // The memory of this very process at address 0: a regular file whose reading fails with EIO.
    writeFileSync(file, 'content');
    const read = readSmall('/proc/self/mem', statOf(file), Buffer.alloc(100), 0);
    expect(read).toMatchObject({ kind: 'failed', trouble: { code: 'unreadable', incomplete: true } });
  });

  it('reads files of others, whose access time it may not keep', () => {
    chmodSync(folder.path, 0o755);
    writeFileSync(file, 'content', { mode: 0o644 });
    const expected = statOf(file);
    const into = Buffer.alloc(100);
    for (const _ of [1, 2]) {
      expect(asOrdinaryUser(() => readSmall(file, expected, into, 0)).kind).toBe('read');
    }
  });
});

describe('reading a file of any size', () => {
  it('gives its bytes in blocks, whatever its size against the memory', async () => {
    const half = memory.length / 2;
    for (const size of [0, 1, half - 1, half, half + 1, 2 * half, 5 * half + 17]) {
      const content = noiseOf(size, size);
      writeFileSync(file, content);
      const read = await readStable(file, memory, collect, {});
      expect(read).toEqual({ kind: 'read', value: expect.any(Buffer) as Buffer, stat: statOf(file) });
      expect(read.kind === 'read' && read.value.equals(content)).toBe(true);
    }
  });

  it('reads ahead without touching the block that is being used', async () => {
    writeFileSync(file, noiseOf(7, memory.length * 3));
    await readStable(
      file,
      memory,
      async (blocks) => {
        for await (const block of blocks) {
          const before = Buffer.from(block);
          await new Promise((resolve) => setTimeout(resolve, 5));
          expect(block.equals(before)).toBe(true);
        }
      },
      {},
    );
  });

  it('reads the holes of a sparse file as zeros', async () => {
    writeFileSync(file, '');
    truncateSync(file, 30_000_000);
    const count = async (blocks: AsyncIterable<Buffer>) => {
      let zeros = 0;
      for await (const block of blocks) zeros += block.equals(Buffer.alloc(block.length)) ? block.length : 0;
      return zeros;
    };
    expect(await readStable(file, memory, count, {})).toMatchObject({ kind: 'read', value: 30_000_000 });
  });

  it('begins anew when the file changes in the middle, and forgets what it had', async () => {
    writeFileSync(file, Buffer.alloc(memory.length * 4, 'a'));
    let attempts = 0;
    const read = await readStable(
      file,
      memory,
      async (blocks) => {
        attempts++;
        const parts: Buffer[] = [];
        for await (const block of blocks) {
          if (attempts === 1 && parts.length === 1) writeFileSync(file, 'quite another content');
          parts.push(Buffer.from(block));
        }
        return Buffer.concat(parts).toString();
      },
      {},
    );
    expect(read).toEqual({ kind: 'read', value: 'quite another content', stat: statOf(file) });
    expect(attempts).toBe(2);
  });

  it('notices a change after the last block', async () => {
    writeFileSync(file, 'one');
    let attempts = 0;
    const read = await readStable(
      file,
      memory,
      async (blocks) => {
        const content = await collect(blocks);
        if (++attempts === 1) writeFileSync(file, 'two');
        return content.toString();
      },
      {},
    );
    expect(read).toMatchObject({ kind: 'read', value: 'two' });
  });

  it.each([
    ['grows', () => appendFileSync(file, 'more'), memory.length * 2 + 8],
    ['shrinks', () => truncateSync(file, 10), 10],
  ])('keeps a file that %s in every attempt, with its problem', async (_what, change, size) => {
    writeFileSync(file, Buffer.alloc(memory.length * 2));
    let attempts = 0;
    const read = await readStable(
      file,
      memory,
      async (blocks) => {
        attempts++;
        let bytes = 0;
        for await (const block of blocks) {
          bytes += block.length;
          // The last attempt finds the file as the two before left it.
          change();
        }
        if (attempts === 3) appendFileSync(file, '!');
        return bytes;
      },
      {},
    );
    expect(attempts).toBe(3);
    expect(read).toMatchObject({
      kind: 'read',
      value: size,
      stat: { size },
      trouble: { code: 'changed-while-reading', incomplete: true },
    });
    // The stat kept is not the file's of now, so that the next backup reads it again.
    expect(read.kind === 'read' && read.stat.ctimeNs < statOf(file).ctimeNs).toBe(true);
  });

  it('tells when the file is gone, is something else or may not be read', async () => {
    const codeOf = async (path: string) => {
      const read = await readStable(path, memory, collect, {});
      return read.kind === 'failed' ? read.trouble.code : read.kind;
    };
    expect(await codeOf(`${folder.path}/gone`)).toBe('vanished');
    mkdirSync(file);
    expect(await codeOf(file)).toBe('changed-while-reading');
    execFileSync('mkfifo', [`${folder.path}/pipe`]);
    expect(await codeOf(`${folder.path}/pipe`)).toBe('changed-while-reading');
    chmodSync(folder.path, 0o755);
    writeFileSync(`${folder.path}/secret`, 'content', { mode: 0o000 });
    expect(await asOrdinaryUser(() => codeOf(`${folder.path}/secret`))).toBe('permission-denied');
    writeFileSync(`${folder.path}/open`, 'content', { mode: 0o644 });
    expect(await asOrdinaryUser(() => codeOf(`${folder.path}/open`))).toBe('read');
  });

  it('survives that the file is deleted or replaced by a directory while it is read', async () => {
    writeFileSync(file, Buffer.alloc(memory.length * 2, 'x'));
    const read = await readStable(
      file,
      memory,
      async (blocks) => {
        for await (const _ of blocks) {
          rmSync(file, { recursive: true, force: true });
          mkdirSync(file);
        }
      },
      {},
    );
    expect(read).toMatchObject({
      kind: 'failed',
      trouble: { code: 'changed-while-reading', incomplete: true },
    });
  });

  it('leaves the errors of its consumer alone, even when they look like those of a file', async () => {
    writeFileSync(file, 'content');
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const consume = async (blocks: AsyncIterable<Buffer>) => {
      await collect(blocks);
      throw full;
    };
    await expect(readStable(file, memory, consume, {})).rejects.toBe(full);
  });

  it('stops between blocks when it is cancelled', async () => {
    writeFileSync(file, Buffer.alloc(memory.length * 4));
    const stop = new AbortController();
    let blocksSeen = 0;
    const consume = async (blocks: AsyncIterable<Buffer>) => {
      for await (const _ of blocks) {
        blocksSeen++;
        stop.abort();
      }
    };
    await expect(readStable(file, memory, consume, { signal: stop.signal })).rejects.toBeInstanceOf(
      CancelledError,
    );
    expect(blocksSeen).toBe(1);
  });
});
