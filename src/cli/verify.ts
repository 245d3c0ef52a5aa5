import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Verification } from '../core/vault/verify.ts';
import { damageText } from './damage-text.ts';
import { ExitCode } from './exit-code.ts';
import { openBackup, openVault } from './opened.ts';
import { counted, formatBytes } from './quantity.ts';
import type { Act, Session } from './session.ts';

interface VerifyOptions {
  readonly level?: 'quick' | 'data';
  readonly sample?: number;
}

/** `verify`: whether all backups, or one, are as they were written. */
export function defineVerify(program: Command, act: Act): void {
  program
    .command('verify [backup]')
    .description('check that the backups are as they were written')
    .addOption(
      new Option('--level <level>', 'quick: whether all is there; data: every byte (default: quick)').choices(
        ['quick', 'data'],
      ),
    )
    .option('--sample <percent>', 'of the data, read a random share, as 10%', percentage)
    .action((reference: string | undefined, { level, sample }: VerifyOptions) =>
      act(async (session) => {
        const { verify } = await import('../core/vault/verify.ts');
        const { vault, record } =
          reference === undefined
            ? { ...(await openVault(session)), record: undefined }
            : await openBackup(session, reference);
        const options = {
          level: level ?? (sample === undefined ? 'quick' : 'data'),
          record,
          samplePercent: sample,
        };
        const result = await verify(vault, options, session.task);
        return {
          json: result,
          text: description(result, session),
          exitCode: result.damage.length > 0 ? ExitCode.damage : ExitCode.done,
        };
      }),
    );
}

function percentage(text: string): number {
  const value = Number(text.replace(/%$/, ''));
  if (value > 0 && value <= 100) return value;
  throw new InvalidArgumentError('It must be a share between 0% and 100%.');
}

function description({ level, checked, damage }: Verification, { paint }: Session): string {
  const looked = `${counted(checked.backups, 'backup')}, ${counted(checked.packs, 'pack')}, ${counted(checked.chunks, 'chunk')}, ${formatBytes(checked.bytes)}`;
  const depth = level === 'data' ? 'every byte read' : 'all there, content not read';
  if (damage.length === 0) return `${paint('green', 'No damage found')}: ${looked} (${depth})`;
  return [
    `${paint('red', `${counted(damage.length, 'object')} damaged`)}: ${looked} looked at`,
    ...damage.map(damageText),
    isOnlyLost(damage) ? LOST_HINT : '“crm-backup repair” mends what can be mended.',
  ].join('\n');
}

const LOST_HINT =
  'What is in no pack is lost; the rest of these backups can be restored. “crm-backup forget” takes them off the list.';

/** Whether repair has nothing left to mend. */
function isOnlyLost(damage: Verification['damage']): boolean {
  return damage.every(({ object }) => object === 'packs');
}
