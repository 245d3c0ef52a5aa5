import { CancelledError } from '../core/errors.ts';
import { processSurroundings } from '../core/surroundings.ts';
import { painter, wantsColour } from './colour.ts';
import { ExitCode, exitCodeOf } from './exit-code.ts';
import { failureJson, failureText } from './failure.ts';
import { listenForInterrupts } from './interrupt.ts';
import { Output } from './output.ts';
import { plainText } from '../core/printable.ts';
import { ProgressBar } from './progress-bar.ts';
import { runProgram } from './program.ts';
import type { Act, GlobalOptions, Outcome, Session } from './session.ts';

/** Runs the command line of a process; resolves with its exit code when everything is written. */
export async function runCommandLine(process: NodeJS.Process): Promise<number> {
  const args = process.argv.slice(2);
  const stdout = new Output(process.stdout);
  const stderr = new Output(process.stderr);
  // What cannot be told there can be told nowhere.
  const tell = (text: string): Promise<void> => stderr.write(text).catch(() => undefined);
  const json = asksForJson(args);
  const colour = wantsColour(process.env, process.stdout.isTTY, !args.includes('--no-color'));
  const isDebugging = process.env['CRM_BACKUP_DEBUG'] === '1';
  let exitCode: number = ExitCode.done;

  const act =
    (options: GlobalOptions): Act =>
    async (work) => {
      const controller = new AbortController();
      const bar = progressBar(process, options);
      const say = (message: string): void => {
        bar?.clear();
        void tell(`${plainText(message)}\n`);
      };
      const ignoreInterrupts = listenForInterrupts(controller, say);
      const session: Session = {
        options,
        surroundings: processSurroundings(),
        task: { signal: controller.signal, ...(bar && { progress: (progress) => bar.update(progress) }) },
        paint: painter(colour),
        isTerminal: process.stdout.isTTY,
        nowMs: Date.now(),
        dialogue:
          process.stdin.isTTY && process.stderr.isTTY && options.json !== true
            ? { input: process.stdin, output: process.stderr }
            : undefined,
        stdin: process.stdin,
        say: options.quiet === true ? () => undefined : say,
        warn: (message) => say(`warning: ${message}`),
      };
      try {
        const outcome = await work(session);
        bar?.clear();
        await print(outcome, options, stdout, controller);
        const { failure } = outcome;
        if (failure !== undefined) await tell(failureText(failure, isDebugging));
        exitCode = failure === undefined ? (outcome.exitCode ?? ExitCode.done) : exitCodeOf(failure);
      } finally {
        bar?.clear();
        ignoreInterrupts();
      }
    };

  try {
    const shown = await runProgram(args, act, colour);
    if (shown !== undefined) await stdout.write(shown.text);
  } catch (error) {
    exitCode = exitCodeOf(error);
    await tell(failureText(error, isDebugging));
    if (json) {
      await stdout
        .write(`${JSON.stringify(failureJson(error))}\n`)
        .catch((failure: unknown) => tell(failureText(failure, isDebugging)));
    }
  }
  return exitCode;
}

async function print(
  outcome: Outcome,
  options: GlobalOptions,
  stdout: Output,
  controller: AbortController,
): Promise<void> {
  if (options.json === true) {
    await stdout.write(`${JSON.stringify(outcome.json)}\n`);
    return;
  }
  const { text, summary } = outcome;
  if (typeof text === 'string') await stdout.write(withNewline(text));
  else if (text !== undefined) {
    for await (const part of text) {
      if (controller.signal.aborted) throw new CancelledError('The output was cut short.');
      await stdout.write(part);
      if (stdout.closed) break;
    }
  }
  if (summary !== undefined && options.quiet !== true) await stdout.write(withNewline(summary));
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Whether an error is to be told as JSON too, asked before the arguments are known to make sense. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? args.length : end).includes('--json');
}

function progressBar(process: NodeJS.Process, options: GlobalOptions): ProgressBar | undefined {
  const { stderr } = process;
  if (!stderr.isTTY || options.quiet === true || process.env['TERM'] === 'dumb') return undefined;
  return new ProgressBar({
    write: (text) => stderr.write(text),
    columns: () => stderr.columns || 80,
    now: () => performance.now(),
  });
}
