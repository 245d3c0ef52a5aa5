import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replaceFile } from '../../../src/core/replace-file.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'replace-file '))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.skipIf(process.platform === 'win32')('writes what only its user may read, folders included', () => {
  const file = join(folder, 'a/b/c');
  for (const text of ['first', 'second']) {
    replaceFile(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(folder, 'a/b'))).toEqual(['c']);
});

it('leaves nothing where it fails', () => {
  mkdirSync(join(folder, 'c/in the way'), { recursive: true });
  expect(() => replaceFile(join(folder, 'c'), 'text')).toThrow();
  expect(readdirSync(folder)).toEqual(['c']);
});
