import { isAscii } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { constants, Script } from 'node:vm';
import { replaceFile } from '../core/replace-file.ts';

/** After so long what is kept is made anew, with the functions that were called since. */
const FRESH_MS = 24 * 60 * 60 * 1000;
const DIGEST_BYTES = 32;

type Wrapper = (
  exports: object,
  require: NodeJS.Require,
  module: object,
  file: string,
  directory: string,
) => void;

/**
 * Loads a CommonJS file as `require` does, with what V8 compiled of it in an earlier run, which is kept in `directory`
 * under `name`. Unlike Node's own compile cache this holds the functions that were called, too; runs that call the same
 * ones should share a name. Whatever is wrong with what was kept, the file is loaded.
 * @returns the module's exports
 * @throws what the file throws
 */
export function requireCompiled(file: string, directory: string, name: string): unknown {
  const bytes = readFileSync(file);
  const digest = hash('sha256', bytes);
  // As one byte a character it is compiled faster.
  const source = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
  const kept = join(directory, `${name}-${process.versions.node}-${process.arch}`);
  const known = readKept(kept, digest);
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: file,
    cachedData: known?.code,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (known === undefined || !known.isFresh || script.cachedDataRejected === true) {
    // Else what has not been called for a while would be gone by then.
    setFlagsFromString('--no-flush-bytecode');
    process.once('exit', (exitCode) => {
      if (exitCode === 0) keep(kept, digest, script);
    });
  }
  const module = { exports: {} };
  const run = script.runInThisContext() as Wrapper;
  run(module.exports, createRequire(file), module, file, dirname(file));
  return module.exports;
}

function readKept(
  file: string,
  digest: string,
): { readonly code: Buffer; readonly isFresh: boolean } | undefined {
  try {
    const bytes = readFileSync(file);
    const code = bytes.subarray(DIGEST_BYTES);
    // V8 looks at the length of the source only, and trusts the rest: a broken file would crash it.
    if (!bytes.subarray(0, DIGEST_BYTES).equals(seal(digest, code))) return undefined;
    return { code, isFresh: Date.now() - statSync(file).mtimeMs < FRESH_MS };
  } catch {
    return undefined;
  }
}

function keep(file: string, digest: string, script: Script): void {
  try {
    // V8 takes back only what was made under the flags it starts with.
    setFlagsFromString('--flush-bytecode');
    setFlagsFromString('--incremental-marking');
    const code = script.createCachedData();
    replaceFile(file, Buffer.concat([seal(digest, code), code]), false);
  } catch {
    // The next start takes longer, that is all.
  }
}

function seal(digest: string, code: Buffer): Buffer {
  return createHash('sha256').update(digest).update(code).digest();
}
