import { describe, expect, it } from 'vitest';
import { globTest } from '../../../src/core/glob.ts';

const paths = [
  'files/workspace',
  'files/workspace/config.php',
  'files/workspace/custom/Config.php',
  'files/workspace/custom/a/config.php',
  'files/workspace/custom/a/b.txt',
  'files/uploads/[x]',
  'files/uploads/new\nline.txt',
];

function matches(pattern: string): string[] {
  const accepts = globTest(pattern);
  return paths.filter((path) => accepts(path)).map((path) => path.replace(/^files\//, ''));
}

describe('a pattern for paths', () => {
  it.each([
    ['config.php', ['workspace/config.php', 'workspace/custom/a/config.php']],
    ['[cC]onfig.*', ['workspace/config.php', 'workspace/custom/Config.php', 'workspace/custom/a/config.php']],
    ['[!c]onfig.php', ['workspace/custom/Config.php']],
    ['?.txt', ['workspace/custom/a/b.txt']],
    [
      '*.{txt,php}',
      paths
        .slice(1, 5)
        .concat(paths[6]!)
        .map((path) => path.replace(/^files\//, '')),
    ],
    ['custom/*.php', ['workspace/custom/Config.php']],
    [
      'custom/**',
      ['workspace/custom/Config.php', 'workspace/custom/a/config.php', 'workspace/custom/a/b.txt'],
    ],
    ['**/config.php', ['workspace/config.php', 'workspace/custom/a/config.php']],
    ['/config.php', ['workspace/config.php']],
    ['files/*/config.php', ['workspace/config.php']],
    ['\\[x\\]', ['uploads/[x]']],
    ['[x]', []],
    ['[\\[]x[\\]]', ['uploads/[x]']],
    ['?x[]]', ['uploads/[x]']],
    ['[^]]x?', ['uploads/[x]']],
    ['[[:punct:]]x[[:punct:]]', ['uploads/[x]']],
    ['[[:upper:]0-9]onfig.php', ['workspace/custom/Config.php']],
    ['[^[:upper:]_]onfig.php', ['workspace/config.php', 'workspace/custom/a/config.php']],
    ['new[[:space:]]line.[[:alnum:]xy]xt', ['uploads/new\nline.txt']],
    ['[a\\-c]onfig.php', ['workspace/config.php', 'workspace/custom/a/config.php']],
    ['[a\\-d]onfig.php', []],
    ['*', paths.map((path) => path.replace(/^files\//, ''))],
    ['a.c', []],
    ['{config.php', []],
  ])('%s', (pattern, expected) => {
    expect(matches(pattern)).toEqual(expected);
  });

  it('is refused when a set of characters makes no sense', () => {
    for (const pattern of ['[z-a]', '[[:letter:]]']) expect(() => globTest(pattern)).toThrow(SyntaxError);
  });
});
