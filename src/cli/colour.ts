import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Puts emphasis on text, or leaves it as it is where no colour is wanted. */
export type Paint = (style: Style, text: string) => string;

/** Whether to use colour: on a terminal, unless `--no-color`, `NO_COLOR` or a dumb terminal speaks against it. */
export function wantsColour(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
  flag: boolean,
): boolean {
  return flag && isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** The painter to use. */
export function painter(colour: boolean): Paint {
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}
