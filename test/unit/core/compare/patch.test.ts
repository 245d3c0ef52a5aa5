import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ComparedEntry, EntryChange } from '../../../../src/core/compare/change.ts';
import type { ComparedText } from '../../../../src/core/compare/content.ts';
import { formatPatch } from '../../../../src/core/compare/patch.ts';
import { encodeName } from '../../../../src/core/source/name.ts';
import { snapshotTree } from '../../../build/snapshot-tree.ts';
import { makeTree, temporaryFolder, type TreeItem } from '../../../build/tree.ts';

interface Side {
  readonly type: 'file' | 'link';
  readonly mode: number;
  /** Each character a byte. */
  readonly text: string;
}

const text = fc
  .array(fc.constantFrom('one\n', 'two\n', 'three\n', '\n', '\xff\xfe\n', '\\ no\n', '+ plus\n', '-- \n'), {
    maxLength: 25,
  })
  .chain((lines) => fc.constantFrom('', 'end').map((end) => lines.join('') + end));
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o2755, 0o4711, 0o1644);
const file = fc.record<Side>({ type: fc.constant('file'), mode, text });
const link = fc.record<Side>({
  type: fc.constant('link'),
  mode: fc.constant(0o777),
  text: fc.constantFrom('there', 'caf\xe9', 'a b'),
});
const side = fc.option(fc.oneof({ weight: 4, arbitrary: file }, { weight: 1, arbitrary: link }));
const name = fc.constantFrom(
  'plain',
  'two words',
  'quote"d',
  'tab\t',
  'new\nline',
  'ü',
  '中文',
  'back\\slash',
  'caf\udce9',
);

function entryOf(path: string, { type, mode: bits, text: content }: Side): ComparedEntry {
  return { path, type, size: content.length, mode: bits, target: type === 'link' ? content : undefined };
}

/** Git knows of a mode whether a file is executable. */
function itemOf(path: string, { type, mode: bits, text: content }: Side): TreeItem {
  if (type === 'link') return { type, path, target: decoded(content) };
  return { type, path, content: Buffer.from(content, 'latin1'), mode: (bits & 0o100) === 0 ? 0o644 : 0o755 };
}

function decoded(latin1: string): string {
  return latin1.replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)));
}

describe('a patch', () => {
  it('turns the old file into the new one when git applies it', () => {
    fc.assert(
      fc.property(side, side, name, (before, after, called) => {
        fc.pre(JSON.stringify(before) !== JSON.stringify(after));
        const path = `files/${called}`;
        const itemsOf = (is: Side | null): TreeItem[] => (is === null ? [] : [itemOf(path, is)]);
        const folder = temporaryFolder();
        try {
          const [live, wanted] = [join(folder.path, 'live'), join(folder.path, 'wanted')];
          for (const [place, is] of [
            [live, before],
            [wanted, after],
          ] as const) {
            mkdirSync(place);
            makeTree(place, itemsOf(is));
          }
          const change: EntryChange = {
            path,
            change: before === null ? 'added' : after === null ? 'deleted' : 'modified',
            before: before === null ? undefined : entryOf(path, before),
            after: after === null ? undefined : entryOf(path, after),
          };
          const texts: ComparedText = { before: before?.text ?? '', after: after?.text ?? '' };
          const patch = formatPatch(change, texts);
          const isNone = patch.length === 0;
          expect(isNone).toBe(JSON.stringify(itemsOf(before)) === JSON.stringify(itemsOf(after)));
          if (isNone) return;
          execFileSync('git', ['apply', '--whitespace=nowarn', '-'], { cwd: live, input: patch, env: quiet });
          // Git takes a folder away with the last file in it.
          if (after === null) rmSync(join(live, 'files'), { recursive: true, force: true });
          expect(snapshotTree(live, { times: false })).toEqual(snapshotTree(wanted, { times: false }));
        } finally {
          rmSync(folder.path, { recursive: true, force: true });
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is told in the words of git, with what each part of it stands in', () => {
    const line = fc.constantFrom(
      'function one() {\n',
      '$two = \xc3\xa0 \r\n',
      `${'_three'.repeat(20)}\n`,
      '  four\n',
      '}\n',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(line, { minLength: 30, maxLength: 60 }), fc.nat(29), (lines, at) => {
        const changed = [...lines.slice(0, at), '  changed\n', ...lines.slice(at)];
        const texts = { before: lines.join(''), after: changed.join('') };
        const folder = temporaryFolder();
        try {
          makeTree(folder.path, [
            { type: 'file', path: 'a/f', content: Buffer.from(texts.before, 'latin1') },
            { type: 'file', path: 'b/f', content: Buffer.from(texts.after, 'latin1') },
          ]);
          const options = ['--no-index', '--no-prefix', '--no-color', 'a/f', 'b/f'];
          const { stdout } = spawnSync('git', ['diff', ...options], { cwd: folder.path, env: quiet });
          const entry: ComparedEntry = { path: 'f', type: 'file', size: 1, mode: 0o644 };
          const patch = formatPatch({ path: 'f', change: 'modified', before: entry, after: entry }, texts);
          expect(withoutIds(patch)).toBe(withoutIds(stdout));
        } finally {
          rmSync(folder.path, { recursive: true, force: true });
        }
      }),
      { numRuns: 30 },
    );
  });

  it('says that a file was renamed, and that binary files differ', () => {
    const entry = (path: string): ComparedEntry => ({ path, type: 'file', size: 1, mode: 0o644 });
    const renamed: EntryChange = {
      path: 'files/b',
      oldPath: 'files/a',
      change: 'renamed',
      before: entry('files/a'),
      after: entry('files/b'),
    };
    expect(formatPatch(renamed, { before: '', after: '' }).toString()).toBe(
      'diff --git a/files/a b/files/b\nsimilarity index 100%\nrename from files/a\nrename to files/b\n',
    );
    const binary: EntryChange = { path: 'x', change: 'modified', before: entry('x'), after: entry('x') };
    expect(formatPatch(binary, 'binary').toString()).toBe(
      'diff --git a/x b/x\nBinary files a/x and b/x differ\n',
    );
  });

  it('keeps the bytes of names and content that are not UTF-8', () => {
    const entry: ComparedEntry = { path: 'caf\udce9', type: 'file', size: 1, mode: 0o644 };
    const patch = formatPatch(
      { path: entry.path, change: 'added', after: entry },
      { before: '', after: '\xe9\n' },
    );
    expect(patch.toString('latin1')).toContain('"b/caf\\351"');
    expect(patch.includes(Buffer.from('+\xe9\n', 'latin1'))).toBe(true);
    expect(encodeName(entry.path).toString('latin1')).toBe('caf\xe9');
  });
});

function withoutIds(patch: Buffer): string {
  return patch.toString('latin1').replace(/^index .*\n/m, '');
}

/** Nothing of the user's own git is to take part. */
const quiet = {
  PATH: process.env['PATH'],
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CEILING_DIRECTORIES: '/',
  HOME: '/',
};
