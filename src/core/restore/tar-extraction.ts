import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { hasEscapes } from '../source/name.ts';
import { diskError } from './disk-failure.ts';
import { TAR_END } from './tar-member.ts';

/** What tar says of the system's errors, in the C locale. */
const SAYINGS: readonly (readonly [RegExp, string])[] = [
  [/No space left on device|Disk quota exceeded/, 'ENOSPC'],
  [/Permission denied|Operation not permitted/, 'EACCES'],
  [/Read-only file system/, 'EROFS'],
  [/File name too long/, 'ENAMETOOLONG'],
];

/** In the C locale names are bytes. */
function inBytes(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C' };
}

/** Whether GNU tar can be had, which sets times to the nanosecond, as Node cannot. */
export async function hasGnuTar(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const child = spawn('tar', ['--version'], { env: inBytes(), stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.setEncoding('latin1').on('data', (part: string) => (text += part));
  const code = await exitCode(child);
  return code === 0 && text.includes('GNU tar');
}

/** GNU tar, unpacking what it is given. Dispose of it to stop it. */
export class TarExtraction implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, null, Readable>;
  readonly #code: Promise<number | undefined>;
  #said = '';
  #sending: Promise<void> = Promise.resolve();

  /** What names in the archive count from, if they are not absolute. */
  readonly base: string;

  constructor(base = '/') {
    // A folder whose name is not UTF-8 cannot be handed over.
    this.base = hasEscapes(base) ? '/' : base;
    const owner = process.geteuid?.() === 0 ? '--same-owner' : '--no-same-owner';
    const args = ['-x', '-P', '-p', owner, '--numeric-owner', '--warning=none', '-f', '-'];
    this.#child = spawn('tar', args, { cwd: this.base, env: inBytes(), stdio: ['pipe', 'ignore', 'pipe'] });
    this.#code = exitCode(this.#child);
    // What is written to a tar that has died is told by its exit code.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.setEncoding('latin1').on('data', (part: string) => {
      if (this.#said.length < 10_000) this.#said += part;
    });
  }

  /** Hands over members, after those before; resolves when tar has taken them. */
  async write(members: Uint8Array): Promise<void> {
    const before = this.#sending;
    this.#sending = (async () => {
      await before;
      const { stdin } = this.#child;
      if (stdin.writable) await new Promise<void>((resolve) => stdin.write(members, () => resolve()));
    })();
    await this.#sending;
  }

  /**
   * Waits until all is unpacked.
   * @throws {RestoreError} `no-space`, `permission`, `unsupported-name`, `write-failed`.
   */
  async end(): Promise<void> {
    await this.write(TAR_END);
    this.#child.stdin.end();
    if ((await this.#code) === 0) return;
    const said = this.#said.trim();
    const code = SAYINGS.find(([pattern]) => pattern.test(said))?.[1] ?? 'EIO';
    throw diskError('write the files', code, new Error(`tar: ${said}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#code;
  }
}

/** Undefined when it could not be started or was killed. */
async function exitCode(
  child: ChildProcessByStdio<Writable | null, Readable | null, Readable | null>,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    child.on('error', () => resolve(undefined));
    child.on('close', (code: number | null) => resolve(code ?? undefined));
  });
}
