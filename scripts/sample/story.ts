import { stdout } from 'node:process';
import { styleText } from 'node:util';

/** Prints what happens, step by step, in one column. */
export interface Story {
  readonly title: (text: string) => void;
  /** One finished step: what it was, what came of it. */
  readonly step: (name: string, outcome: string) => void;
  /** Something more about the step before. */
  readonly detail: (text: string) => void;
  readonly note: (text: string) => void;
  readonly failed: (error: Error) => void;
}

const nameWidth = 14;

/** Makes the printer; colours only where stdout shows them. */
export function createStory(): Story {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream: stdout });
  const print = (text: string): void => void stdout.write(`${text}\n`);
  return {
    title: (text) => {
      print(`\n${style('bold', text)}\n`);
    },
    step: (name, outcome) => {
      print(`${style('green', '✓')} ${style('bold', name.padEnd(nameWidth))} ${outcome}`);
    },
    detail: (text) => {
      print(`  ${' '.repeat(nameWidth)} ${style('dim', text)}`);
    },
    note: print,
    failed: ({ message }) => {
      print(`\n${style('red', '✗')} ${style('bold', 'It went wrong.')} ${message}\n`);
      print('Run it again with  npm start -- --keep  to look at what is left.');
    },
  };
}
