import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildCli } from '../../build/cli.ts';

const MODULE = pathToFileURL(join(import.meta.dirname, '../../../src/cli/code-cache.ts')).href;

describe('a program that is loaded with what was compiled of it', () => {
  let folder: string;
  let program: string;
  let cache: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'code-cache '));
    program = join(folder, 'program.js');
    cache = join(folder, 'cache');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Loads the program in a process of its own and calls it. */
  function run(): string {
    const script = `
      import { requireCompiled } from ${JSON.stringify(MODULE)};
      const program = requireCompiled(${JSON.stringify(program)}, ${JSON.stringify(cache)}, 'run');
      process.stdout.write(await program.main());`;
    const argv = [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module-typescript',
      '--eval',
      script,
    ];
    return execFileSync(process.execPath, argv, { encoding: 'utf8', stdio: 'pipe' });
  }

  function kept(): Buffer {
    const names = readdirSync(cache);
    expect(names).toHaveLength(1);
    return readFileSync(join(cache, names[0]!));
  }

  /** Another number where it was written anew. */
  function whichKept(): number {
    return statSync(join(cache, readdirSync(cache)[0]!)).ino;
  }

  function write(word: string): void {
    writeFileSync(
      program,
      `const { basename } = require('node:path');
       exports.main = async () => {
         const { sep } = await import('node:path');
         return ${JSON.stringify(word)} + basename(__filename) + typeof sep + require('./other.cjs').word + module.exports.main.length;
       };`,
    );
    writeFileSync(join(folder, 'other.cjs'), `exports.word = 'other';`);
  }

  test('runs as one that is required does, and what was called is kept for the next run', () => {
    write('one ');
    expect(run()).toBe('one program.jsstringother0');
    const first = whichKept();
    expect(run()).toBe('one program.jsstringother0');
    expect(whichKept(), 'what is kept is used as it is').toBe(first);
  });

  test('what is kept is used also after a run that changed how V8 collects', () => {
    writeFileSync(
      program,
      `exports.main = () => {
         require('node:v8').setFlagsFromString('--no-incremental-marking');
         return 'done';
       };`,
    );
    run();
    const first = whichKept();
    expect(run()).toBe('done');
    expect(whichKept()).toBe(first);
  });

  test('runs as it is now, where its text has changed but not its length', () => {
    write('one ');
    run();
    write('two ');
    expect(run()).toBe('two program.jsstringother0');
    expect(run()).toBe('two program.jsstringother0');
  });

  test.each([
    ['cut short', (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length >> 1)],
    ['empty', (): Buffer => Buffer.alloc(0)],
    [
      'changed in one byte',
      (bytes: Buffer): Buffer => {
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 4, bytes.length - 9);
        return bytes;
      },
    ],
  ])('runs where what is kept is %s, and keeps it anew', (_, damage) => {
    write('one ');
    run();
    const good = kept();
    const name = join(cache, readdirSync(cache)[0]!);
    writeFileSync(name, damage(Buffer.from(good)));
    const damaged = readFileSync(name);
    expect(run()).toBe('one program.jsstringother0');
    expect(kept().equals(damaged)).toBe(false);
    expect(run()).toBe('one program.jsstringother0');
  });

  test('characters beyond ASCII are what they were', () => {
    write('客户 🗂 ¹');
    expect(run()).toBe('客户 🗂 ¹program.jsstringother0');
    expect(run()).toBe('客户 🗂 ¹program.jsstringother0');
  });

  test('nothing is kept of a run that failed', () => {
    writeFileSync(program, `exports.main = () => { process.exitCode = 3; return 'failed'; };`);
    expect(() => run()).toThrow();
    expect(() => readdirSync(cache)).toThrow(/ENOENT/);
  });

  test('runs where nothing can be kept', () => {
    write('one ');
    writeFileSync(cache, 'in the way');
    expect(run()).toBe('one program.jsstringother0');
  });
});

test('the command line keeps what its commands have called, where the cache is', async () => {
  await using cli = await buildCli();
  cli.writeSets({ name: 'crm', files: [{ root: '.' }] });
  const cache = join(cli.scratch, 'cache');
  const env = { CRM_BACKUP_CACHE: cache };
  expect((await cli.run(['--version'], { env })).code).toBe(0);
  expect(() => readdirSync(cache), 'nothing for who has nothing yet').toThrow(/ENOENT/);
  await cli.must(['init', '--yes']);
  const kept = (): string[] => readdirSync(join(cache, 'code')).map((name) => name.split('-')[0]!);
  for (const command of ['backup', 'list']) expect((await cli.run([command], { env })).code).toBe(0);
  expect(kept().sort()).toEqual(['backup', 'list']);
});
