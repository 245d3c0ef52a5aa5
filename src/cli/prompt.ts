import type { ReadStream } from 'node:tty';
import { CancelledError } from '../core/errors.ts';
import { savedText } from '../core/saved-text.ts';

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
  return withReader(dialogue, true, async (ask) => {
    for (;;) {
      const answer = (await ask(`${question} ${preset ? '[Y/n]' : '[y/N]'} `)).trim();
      if (answer === '') return preset;
      if (/^(y|yes)$/i.test(answer)) return true;
      if (/^(n|no)$/i.test(answer)) return false;
    }
  });
}

/**
 * Asks for things nobody may look at: what is typed is not shown.
 * @throws {CancelledError} on Ctrl-C or the end of input.
 */
export async function askSecrets(dialogue: Dialogue, questions: readonly string[]): Promise<string[]> {
  return withReader(dialogue, false, async (ask) => {
    const answers: string[] = [];
    for (const question of questions) answers.push(await ask(`${question} `));
    return answers;
  });
}

/** More is no answer to a question. */
const MOST_BYTES_OF_A_LINE = 1_000_000;

/** The first line of a stream that is not a terminal; of one that is too long, the beginning. */
export async function firstLine(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  let bytes = Buffer.alloc(0);
  for await (const part of input) {
    bytes = Buffer.concat([bytes, Buffer.from(part)]);
    if (bytes.length > MOST_BYTES_OF_A_LINE || savedText(bytes).includes('\n')) break;
  }
  return savedText(bytes).split(/\r?\n/, 1)[0] ?? '';
}

/** Lets several lines be asked for through one reader, so that those typed ahead are not lost. */
async function withReader<T>(
  { input, output }: Dialogue,
  echo: boolean,
  work: (ask: (question: string) => Promise<string>) => Promise<T>,
): Promise<T> {
  const { createInterface } = await import('node:readline');
  const { Writable } = await import('node:stream');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input, output: echo ? output : silent, terminal: true });
  reader.once('SIGINT', () => reader.close());
  const lines = reader[Symbol.asyncIterator]();
  try {
    return await work(async (question) => {
      output.write(question);
      const line = await lines.next();
      if (!echo) output.write('\n');
      if (line.done === true) throw new CancelledError();
      return line.value;
    });
  } finally {
    reader.close();
  }
}
