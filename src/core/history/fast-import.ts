import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { gitEnded, gitEnvironment } from '../git.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import { historyFailure } from './error.ts';
import type { HistoryRepository } from './repository.ts';

/** A commit to be written. */
export interface NewCommit {
  readonly ref: string;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** A commit's id or mark; none for the first. */
  readonly parent: string | undefined;
}

/** So much is gathered before it is handed to git. */
const BLOCK_BYTES = 256 * 1024;
const MOST_STDERR = 4096;

/**
 * `git fast-import` at work: takes contents and commits, and makes all of it visible at its end. What ends before, or is
 * killed, has changed nothing that is visible.
 */
export class FastImport implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal | undefined;
  readonly #ended: Promise<void>;
  #failure: unknown;
  #stderr = '';
  #block: Buffer[] = [];
  #blockBytes = 0;
  #marks = 0;
  #finished = false;

  /** Starts git. Cancelling the task kills it. */
  constructor(repository: HistoryRepository, { signal }: Task) {
    this.#signal = signal;
    this.#child = spawn('git', ['fast-import', '--quiet', '--done', '--force'], {
      cwd: repository.gitDirectory,
      env: gitEnvironment(repository.environment),
      stdio: ['pipe', 'ignore', 'pipe'],
      windowsHide: true,
    });
    signal?.addEventListener('abort', this.#kill, { once: true });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MOST_STDERR);
    });
    // A broken pipe shows as the process's end.
    this.#child.stdin?.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#failure = error;
        resolve();
      });
      this.#child.once('close', (code) => {
        if (code === null) this.#failure ??= gitEnded(code);
        else if (code !== 0) this.#failure ??= new Error(`fast-import ended with ${code}:\n${this.#stderr}`);
        resolve();
      });
    });
  }

  readonly #kill = (): void => void this.#child.kill('SIGKILL');

  /** Adds a content and gives its mark. */
  async blob(bytes: Uint8Array): Promise<string> {
    const mark = this.#mark();
    this.#add(`blob\nmark ${mark}\ndata ${bytes.length}\n`, bytes, '\n');
    await this.#pass();
    return mark;
  }

  /** Adds a commit, whose changes are lines as {@link changed}, {@link deleted} … make them, and gives its mark. */
  async commit({ ref, message, atMs, parent }: NewCommit, changes: readonly string[]): Promise<string> {
    const mark = this.#mark();
    const text = Buffer.from(message);
    const who = `CRM Backup <> ${Math.floor(atMs / 1000)} +0000`;
    this.#add(`commit ${ref}\nmark ${mark}\nauthor ${who}\ncommitter ${who}\ndata ${text.length}\n`, text);
    this.#add(parent === undefined ? '\n' : `\nfrom ${parent}\n`);
    for (const change of changes) {
      this.#add(change);
      await this.#pass();
    }
    this.#add('\n');
    return mark;
  }

  /** Lets a ref name a commit. */
  reset(ref: string, commit: string): void {
    this.#add(`reset ${ref}\nfrom ${commit}\n\n`);
  }

  /**
   * Ends the import; from here on all of it is there.
   * @throws {HistoryError} `no-git`, `git-failed`. {CancelledError}
   */
  async finish(): Promise<void> {
    this.#add('done\n');
    this.#hand();
    this.#finished = true;
    this.#child.stdin?.end();
    await this.#ended;
    this.#check();
  }

  /** Ends git when it was not finished: nothing of the import is there then. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#finished) this.#kill();
    await this.#ended;
    this.#signal?.removeEventListener('abort', this.#kill);
  }

  #mark(): string {
    return `:${++this.#marks}`;
  }

  #add(...parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts) {
      const bytes = Buffer.from(part as Uint8Array);
      this.#block.push(bytes);
      this.#blockBytes += bytes.length;
    }
  }

  #hand(): boolean {
    const block = Buffer.concat(this.#block, this.#blockBytes);
    this.#block = [];
    this.#blockBytes = 0;
    return this.#child.stdin?.write(block) ?? true;
  }

  /** Hands on what has gathered, and waits while git is busy. */
  async #pass(): Promise<void> {
    if (this.#blockBytes < BLOCK_BYTES) return;
    this.#check();
    if (!this.#hand() && this.#child.stdin !== null) {
      await Promise.race([once(this.#child.stdin, 'drain').catch(() => undefined), this.#ended]);
      this.#check();
    }
  }

  #check(): void {
    throwIfCancelled({ signal: this.#signal });
    if (this.#failure !== undefined) throw historyFailure(this.#failure);
  }
}

/** A changed entry: `mode` as git knows it, `content` a mark. */
export function changed(path: string, mode: string, content: string): string {
  return `M ${mode} ${content} ${quoted(path)}\n`;
}

/** An entry that is gone. */
export function deleted(path: string): string {
  return `D ${quoted(path)}\n`;
}

/** Everything is as a tree that git has. */
export function wholeTree(tree: string): string {
  return `M 040000 ${tree} ""\n`;
}

/** Everything is gone; what follows is all there is. */
export const NOTHING_LEFT = 'deleteall\n';

function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
