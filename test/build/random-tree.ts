import fc from 'fast-check';
import { encodeName } from '../../src/core/source/name.ts';
import type { Tree, TreeItem } from './tree.ts';

export interface RandomTreeOptions {
  /** Most items in the tree. Default 16. */
  readonly items?: number;
  /** Whether names come that only Linux takes: foreign bytes, `CON`, `a:b`, differing in case. Default: on Linux. */
  readonly oddNames?: boolean;
  /** Whether everything has its own time long ago, so that nothing counts as just changed. Default: yes. */
  readonly times?: boolean;
}

const EVERYWHERE = [
  'a',
  'b',
  'data',
  'file.json',
  'a-b',
  'a!',
  '.hidden',
  '-rf',
  'two words',
  '中文',
  'é',
  '😀.txt',
  '__proto__',
  'constructor',
];
const ONLY_LINUX = [
  'A',
  'e\u0301',
  'new\nline',
  'tab\t',
  ' ',
  'end.',
  '...',
  'CON',
  'a:b',
  'back\\slash',
  '*?"<>|',
  '$HOME',
  '\u0001',
  '\udcff',
  'caf\udce9.txt',
  '\uffff',
  'x'.repeat(200),
  `${'中'.repeat(66)}\udc80`,
];

/** Names for files, from plain to hostile, often enough the same to collide in the order. */
export function randomName(oddNames = process.platform === 'linux'): fc.Arbitrary<string> {
  const plain = { weight: 3, arbitrary: fc.constantFrom(...EVERYWHERE) };
  if (!oddNames) return fc.oneof(plain, fc.stringMatching(/^[a-h0-2_-]{1,8}$/));
  const any = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..' && encodeName(name).length <= 255);
  return fc.oneof(
    plain,
    { weight: 3, arbitrary: fc.constantFrom(...ONLY_LINUX) },
    { weight: 1, arbitrary: any },
  );
}

/** Content of a file: empty, short, text that repeats itself, or bytes that cannot be compressed. */
export function randomContent(): fc.Arbitrary<Buffer> {
  const size = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 4096 }) },
    { weight: 2, arbitrary: fc.integer({ min: 4096, max: 300_000 }) },
  );
  const text = fc
    .tuple(fc.string({ minLength: 1, maxLength: 40 }), size)
    .map(([unit, length]) => Buffer.alloc(length, unit));
  const noise = fc.tuple(fc.nat(), size).map(([seed, length]) => noiseOf(seed, length));
  return fc.oneof(fc.constant(Buffer.alloc(0)), text, noise);
}

/** Bytes that look random and are the same for the same seed. */
export function noiseOf(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}

/** Modes that let their owner read, so that tests run without being root. */
const FILE_MODES = [0o644, 0o600, 0o755, 0o640, 0o444, 0o400, 0o4755];
const DIRECTORY_MODES = [0o755, 0o700, 0o750, 0o1777, 0o2755];

// A year of the last century, years of this one, one that needs more than 32 bits, before and at the epoch.
const TIMES = [
  fc.bigInt(1_000_000_000_000_000_000n, 1_700_000_000_000_000_000n),
  fc.constantFrom(-86_400_500_000_000n, 0n, 1n, 946_684_800_000_000_000n),
];

/** A time long enough ago that nothing counts as changed just now. */
export function randomTime(): fc.Arbitrary<bigint> {
  return fc.oneof(...TIMES);
}

/** Trees of files, empty directories, links (also dangling ones) and hard links, with odd names, modes, times. */
export function randomTree(options: RandomTreeOptions = {}): fc.Arbitrary<Tree> {
  const time = options.times === false ? fc.constant(undefined) : randomTime();
  const item = fc.record({
    parent: fc.nat(30),
    name: randomName(options.oddNames),
    type: fc.constantFrom('file', 'file', 'file', 'directory', 'directory', 'link', 'hard-link'),
    content: randomContent(),
    target: fc.oneof(
      fc.constantFrom('..', '/nowhere', 'a', './b', 'data/file.json'),
      randomName(options.oddNames),
    ),
    fileMode: fc.constantFrom(...FILE_MODES),
    directoryMode: fc.constantFrom(...DIRECTORY_MODES),
    time,
    pick: fc.nat(30),
  });
  return fc.array(item, { maxLength: options.items ?? 16, size: 'max' }).map((drawn) => {
    const taken = new Set<string>();
    const directories = [''];
    const files: string[] = [];
    const tree: TreeItem[] = [];
    for (const one of drawn) {
      const path = (directories[one.parent % directories.length] ?? '') + one.name;
      if (taken.has(path)) continue;
      taken.add(path);
      const mtime = one.time === undefined ? {} : { mtimeNs: one.time };
      const original = files[one.pick % Math.max(files.length, 1)];
      if (one.type === 'directory') {
        directories.push(`${path}/`);
        tree.push({ type: 'directory', path, mode: one.directoryMode, ...mtime });
      } else if (one.type === 'link') {
        tree.push({ type: 'link', path, target: one.target, ...mtime });
      } else if (one.type === 'hard-link' && original !== undefined) {
        tree.push({ type: 'hard-link', path, target: original });
      } else {
        files.push(path);
        tree.push({ type: 'file', path, content: one.content, mode: one.fileMode, ...mtime });
      }
    }
    return tree;
  });
}
