import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRestorePath } from '../../../../src/core/path/restore-path.ts';

const PLATFORMS = ['linux', 'darwin', 'win32'] as const;

/** Paths made of what attackers use, and of ordinary names between. */
const suspiciousPath = fc
  .array(
    fc.constantFrom(
      '..',
      '.',
      '/',
      '\\',
      'C:',
      '//',
      '\\\\',
      '?',
      'server',
      'a',
      'b.txt',
      '\0',
      ' ',
      '. ',
      '...',
      'NUL',
      ':',
      'x:y',
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

describe('a path of a backup', () => {
  it('that passes stays inside of the folder it is restored to, at its own place', () => {
    fc.assert(
      fc.property(suspiciousPath, (path) => {
        if (checkRestorePath(path, 'linux') === undefined) {
          expect(posix.relative('/target', posix.resolve('/target', path))).toBe(path);
          expect(`${path}/`.startsWith('../')).toBe(false);
        }
        if (checkRestorePath(path, 'win32') === undefined) {
          const relative = win32.relative('D:\\target', win32.resolve('D:\\target', path));
          expect(relative.replaceAll('\\', '/')).toBe(path);
          expect(win32.isAbsolute(relative)).toBe(false);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    '',
    '/',
    '/etc/passwd',
    '//server/share',
    'a//b',
    'a/',
    '..',
    '../a',
    'a/../../b',
    'a/..',
    './a',
    'a/./b',
    'a\0b',
  ])('is refused everywhere as hostile: %j', (path) => {
    for (const platform of PLATFORMS)
      expect(checkRestorePath(path, platform)).toMatchObject({ hostile: true });
  });

  it.each([
    'C:/Windows',
    'C:file',
    '\\\\server\\share',
    '\\\\?\\C:\\a',
    'a\\b',
    '..\\..\\a',
    'file.txt:stream',
    'a/b:$DATA',
  ])('is refused on Windows as hostile, and an ordinary name elsewhere: %j', (path) => {
    expect(checkRestorePath(path, 'win32')).toMatchObject({ hostile: true });
    expect(checkRestorePath(path, 'linux')).toBeUndefined();
    expect(checkRestorePath(path, 'darwin')).toBeUndefined();
  });

  it.each([
    'CON',
    'con',
    'a/NUL',
    'aux.txt',
    'Prn.tar.gz',
    'COM1',
    'com9.log',
    'LPT1',
    'COM¹',
    'lpt³.x',
    'CONIN$',
    'conout$',
    'nul .txt',
    'end.',
    'end ',
    'a /b',
    'a./b',
    'what?',
    'a*b',
    'a|b',
    '<a>',
    'say "a"',
    'bell\u0007',
    'new\nline',
    'x'.repeat(256),
    'caf\udce9',
  ])('cannot be kept by Windows, without being hostile: %j', (path) => {
    const fault = checkRestorePath(path, 'win32');
    expect(fault).toMatchObject({ hostile: false });
    expect(fault?.message).toMatch(/^[A-Z].*\.$/);
  });

  it.each([
    'CONSOLE',
    'com0',
    'COM10',
    'COM',
    'null',
    'auxiliary.txt',
    '.hidden',
    'a.b.c',
    '...a',
    ' a',
    'x'.repeat(255),
    '中'.repeat(200),
    '😀',
  ])('is an ordinary one on Windows: %j', (path) => {
    expect(checkRestorePath(path, 'win32')).toBeUndefined();
  });

  it('may have bytes that are not UTF-8 on Linux only', () => {
    expect(checkRestorePath('a/caf\udce9', 'linux')).toBeUndefined();
    expect(checkRestorePath('a/caf\udce9', 'darwin')).toMatchObject({ hostile: false });
  });

  it('may have names of 255 bytes, not more, on Linux and macOS', () => {
    for (const platform of ['linux', 'darwin'] as const) {
      expect(checkRestorePath(`a/${'中'.repeat(85)}/b`, platform)).toBeUndefined();
      expect(checkRestorePath(`a/${'中'.repeat(85)}x/b`, platform)).toMatchObject({ hostile: false });
      expect(checkRestorePath('😀'.repeat(64), platform)).toMatchObject({ hostile: false });
    }
    expect(checkRestorePath('\udcff'.repeat(255), 'linux')).toBeUndefined();
  });
});
