import type { ReadStream } from 'node:tty';
import { CancelledError } from '../core/errors.ts';

/** Where questions are asked and answered. */
export interface Dialogue {
  readonly input: NodeJS.ReadStream | ReadStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * Asks a question that is answered with yes or no; an empty answer means `preset`.
 * @throws {CancelledError} on Ctrl-C or the end of input.
 */
export async function confirm(dialogue: Dialogue, question: string, preset: boolean): Promise<boolean> {
  for (;;) {
    const answer = (await readLine(dialogue, `${question} ${preset ? '[Y/n]' : '[y/N]'} `, true)).trim();
    if (answer === '') return preset;
    if (/^(y|yes)$/i.test(answer)) return true;
    if (/^(n|no)$/i.test(answer)) return false;
  }
}

/**
 * Asks for something nobody may look at: what is typed is not shown.
 * @throws {CancelledError} on Ctrl-C or the end of input.
 */
export async function askSecret(dialogue: Dialogue, question: string): Promise<string> {
  return readLine(dialogue, `${question} `, false);
}

/** The first line of a stream that is not a terminal. */
export async function firstLine(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of input) {
    const bytes = Buffer.from(part);
    parts.push(bytes);
    if (bytes.includes(0x0a)) break;
  }
  return Buffer.concat(parts).toString('utf8').split(/\r?\n/, 1)[0] ?? '';
}

async function readLine(dialogue: Dialogue, question: string, echo: boolean): Promise<string> {
  const { createInterface } = await import('node:readline');
  const { Writable } = await import('node:stream');
  dialogue.output.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({
    input: dialogue.input,
    output: echo ? dialogue.output : silent,
    terminal: true,
  });
  try {
    return await new Promise<string>((resolve, reject) => {
      reader.once('line', resolve);
      reader.once('SIGINT', () => reject(new CancelledError()));
      reader.once('close', () => reject(new CancelledError()));
    });
  } finally {
    reader.close();
    if (!echo) dialogue.output.write('\n');
  }
}
