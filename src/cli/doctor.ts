import type { Command } from 'commander';
import type { Check } from '../core/doctor/check.ts';
import { ExitCode } from './exit-code.ts';
import { plainText } from '../core/printable.ts';
import type { Act, Session } from './session.ts';
import { displayWidth } from './table.ts';

/** `doctor`: look at everything backups depend on. */
export function defineDoctor(program: Command, act: Act): void {
  program
    .command('doctor')
    .description('check everything backups depend on')
    .action(() =>
      act(async (session) => {
        const { examine } = await import('../core/doctor.ts');
        const checks = await examine(session.options, session.surroundings, session.task);
        return {
          json: { checks: checks.map((check) => ({ ...check, hint: check.hint ?? null })) },
          text: lines(checks, session),
          exitCode: checks.some(({ status }) => status === 'failed') ? ExitCode.failed : ExitCode.done,
        };
      }),
    );
}

const MARKS = { ok: '✓', warning: '!', failed: '✗' } as const;
const COLOURS = { ok: 'green', warning: 'yellow', failed: 'red' } as const;

function lines(checks: readonly Check[], { paint }: Session): string {
  const width = Math.max(...checks.map(({ name }) => displayWidth(plainText(name))));
  return checks
    .map(({ name, status, detail, hint }) => {
      const title = plainText(name);
      const space = ' '.repeat(width - displayWidth(title) + 2);
      const line = `${paint(COLOURS[status], MARKS[status])} ${title}${space}${plainText(detail)}`;
      return hint === undefined ? line : `${line}\n  ${' '.repeat(width + 2)}${plainText(hint)}`;
    })
    .join('\n');
}
