import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { upperCaseDrive } from '../../../src/core/path/drive.ts';
import { oneSpelling } from '../../../src/core/real-folder.ts';
import { temporaryFolder } from '../../build/tree.ts';

it('a folder has one spelling, by whatever links it is reached and also when it is gone', async () => {
  await using folder = temporaryFolder();
  const real = join(folder.path, 'real');
  mkdirSync(join(real, 'crm'), { recursive: true });
  symlinkSync(real, join(folder.path, 'link'));
  symlinkSync('link/crm', join(folder.path, 'crm'));
  const one = oneSpelling(join(real, 'crm'));
  for (const name of ['link/crm', 'crm', 'real/../link/crm/'])
    expect(oneSpelling(`${folder.path}/${name}`)).toBe(one);
  rmSync(join(real, 'crm'), { recursive: true });
  expect(oneSpelling(join(folder.path, 'link/crm'))).toBe(one);
  expect(oneSpelling(one)).toBe(one);
});

it('a drive is spelled in upper case', () => {
  expect(upperCaseDrive('c:\\www\\crm', 'win32')).toBe('C:\\www\\crm');
  expect(upperCaseDrive('C:\\www\\crm', 'win32')).toBe('C:\\www\\crm');
  expect(upperCaseDrive('\\\\server\\c:\\crm', 'win32')).toBe('\\\\server\\c:\\crm');
  expect(upperCaseDrive('c:/crm', 'linux')).toBe('c:/crm');
});
