import type { DamageReport } from './damage.ts';
import type { BackupRecord } from './record.ts';
import type { Vault } from './vault.ts';

/** Damage that was found in a backup before, and that nothing has said to be mended. */
export interface KnownDamage {
  readonly backup: string;
  /** When it was found, ISO 8601 UTC. */
  readonly damagedAt: string;
}

/** The damage that is noted on some backups and of which a report has nothing: who did not read it all cannot deny it. */
export async function knownDamage(
  vault: Vault,
  backups: readonly Pick<BackupRecord, 'id'>[],
  report: DamageReport,
): Promise<KnownDamage[]> {
  const looked = new Set(backups.map(({ id }) => id));
  const { records } = await vault.records();
  return records.flatMap(({ id: backup, damagedAt }) =>
    damagedAt === undefined || !looked.has(backup) || report.lossesOf(backup).pathCount > 0
      ? []
      : [{ backup, damagedAt }],
  );
}
