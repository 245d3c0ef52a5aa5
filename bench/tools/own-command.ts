import { delimiter, dirname } from 'node:path';
import type { Command } from '../measure.ts';

/** Makes commands of this tool as a user runs them: the bundle itself names its interpreter, and how it is to be run. */
export function ownCommand(
  cli: string,
  workspace: string,
  environment: Readonly<Record<string, string>>,
): (...args: readonly string[]) => Command {
  const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
  return (...args) => ({
    argv: [cli, '-C', workspace, '--json', ...args],
    environment: { ...environment, PATH: path },
  });
}
