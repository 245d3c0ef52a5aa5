import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCollisions } from '../../../../src/core/path/collisions.ts';

describe('paths that would be one file', () => {
  it('differ in case on Windows and macOS, never on Linux', () => {
    const paths = ['README.md', 'readme.md', 'other', 'ReadMe.md'];
    const group = ['README.md', 'readme.md', 'ReadMe.md'];
    expect(findCollisions(paths, 'win32')).toEqual([group]);
    expect(findCollisions(paths, 'darwin')).toEqual([group]);
    expect(findCollisions(paths, 'linux')).toEqual([]);
  });

  it('may be folders that are only named on the way', () => {
    expect(findCollisions(['Data/a', 'data/b'], 'win32')).toEqual([['Data', 'data']]);
    expect(findCollisions(['x/Data/a', 'x/data/a'], 'darwin')).toEqual([
      ['x/Data/a', 'x/data/a'],
      ['x/Data', 'x/data'],
    ]);
  });

  it('may be accents composed differently on macOS', () => {
    const paths = ['caf\u00e9', 'cafe\u0301'];
    expect(findCollisions(paths, 'darwin')).toEqual([paths]);
    expect(findCollisions(paths, 'win32')).toEqual([]);
  });

  it.each([
    ['É.txt', 'é.txt', true, true],
    ['ΣΑΣ', 'σας', true, true],
    ['straße', 'STRASSE', true, false],
    ['STRAẞE', 'strasse', true, false],
    ['ﬁle', 'FILE', true, false],
    ['kapı', 'kapi', false, false],
    ['\u212a', 'k', true, false],
    ['中文', '中文2', false, false],
    ['Ж', 'ж', true, true],
    ['𐐀', '𐐨', true, false],
  ])('%j and %j: macOS %s, Windows %s', (a, b, macos, windows) => {
    expect(findCollisions([a, b], 'darwin')).toHaveLength(macos ? 1 : 0);
    expect(findCollisions([a, b], 'win32')).toHaveLength(windows ? 1 : 0);
  });

  it('are found in whatever order they come, and a path twice is none', () => {
    const name = fc.constantFrom('a', 'A', 'b', 'é', 'É', 'e\u0301');
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
    const places = (paths: string[], platform: NodeJS.Platform) =>
      findCollisions(paths, platform)
        .map((group) => group.toSorted())
        .toSorted();
    fc.assert(
      fc.property(fc.array(path), fc.constantFrom('win32', 'darwin'), (paths, platform) => {
        expect(places([...paths.toReversed(), ...paths], platform)).toEqual(places(paths, platform));
        const alone = paths.slice(0, 1);
        expect(findCollisions([...alone, ...alone], platform)).toEqual([]);
      }),
    );
  });
});
