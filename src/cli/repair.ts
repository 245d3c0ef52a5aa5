import type { Command } from 'commander';
import type { RepairResult } from '../core/vault/repair.ts';
import { damageText, lossLines } from './damage-text.ts';
import { ExitCode } from './exit-code.ts';
import { openVault } from './opened.ts';
import { counted, formatTime } from './quantity.ts';
import type { Act, Session } from './session.ts';
import { shortId } from './shown-record.ts';

/** `repair`: mend a damaged vault as far as it can be mended. */
export function defineRepair(program: Command, act: Act): void {
  program
    .command('repair')
    .description('mend a damaged vault and tell what is lost for good')
    .option('--dry-run', 'only tell what would be done')
    .action(({ dryRun = false }: { dryRun?: boolean }) =>
      act(async (session) => {
        const { repair } = await import('../core/vault/repair.ts');
        const { vault } = await openVault(session);
        const result = await repair(vault, { dryRun }, session.task);
        return {
          json: result,
          text: description(result, dryRun, session),
          exitCode: result.backups.length > 0 ? ExitCode.damage : ExitCode.done,
        };
      }),
    );
}

function description(result: RepairResult, dryRun: boolean, { paint }: Session): string {
  const { damage, written, setAside, backups } = result;
  if (damage.length === 0) return paint('green', 'Nothing is damaged.');
  const would = dryRun ? 'would be ' : '';
  const lines = [
    `${counted(damage.length, 'object')} damaged:`,
    ...damage.map(damageText),
    `${counted(written.length, 'object')} ${would}written anew, ${counted(setAside.length, 'damaged one')} ${would}set aside`,
  ];
  if (backups.length === 0) lines.push(paint('green', 'No backup has lost anything.'));
  for (const backup of backups) {
    const { id, createdAt, isRecordLost, pathCount } = backup;
    if (isRecordLost || createdAt === null) {
      lines.push(
        paint('red', `${shortId(id)} is lost as a whole: its record cannot be read.`),
        recordHint(id),
      );
      continue;
    }
    const what = `${shortId(id)} of ${formatTime(createdAt)} has lost ${counted(pathCount, 'path')} for good:`;
    lines.push(paint('red', what), ...lossLines(backup));
  }
  return lines.join('\n');
}

function recordHint(id: string): string {
  return `  If a copy of the vault still has backups/${id}, put it back before the next “crm-backup prune”, which frees what it needs.`;
}
