import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '../../..');

function answer(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  return { status, lines: (stdout + stderr).trimEnd().split('\n') };
}

test.each([
  [['scripts/test.mjs', '--nope'], 'Unknown option '],
  [['scripts/test.mjs', '--only'], 'Option '],
  [['scripts/test.mjs', 'unit'], 'Unexpected argument '],
  [['scripts/build.mjs', '--nope'], 'Unknown option '],
  [['scripts/package.mjs', '--nope'], 'Unknown option '],
  [['scripts/schema.mjs', '--nope'], 'Unknown option '],
])('%j says what is wrong and how it is called, and does nothing', (args, begins) => {
  const { status, lines } = answer(...args);
  expect(status).toBe(2);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(new RegExp(`^${begins}`));
  expect(lines[1]).toMatch(/^Usage: (npm|node)/);
});

test('a script that is asked how it is called says so', () => {
  expect(answer('scripts/test.mjs', '--help')).toEqual({
    status: 0,
    lines: ['Usage: npm test [-- --only STAGE,…]'],
  });
});
