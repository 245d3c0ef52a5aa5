import { readRecoveries } from '../../core/metrics/recovery-record.ts';
import { recoveryTime } from '../../core/metrics/recovery-time.ts';
import { homeOf } from '../../core/surroundings.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** What lists of backups leave out and somebody wants to know of one. */
export function details(vaults: Vaults): Handler<'details'> {
  return async (target) => {
    const { vault, record } = await vaults.backup(target);
    const home = homeOf(vaults.surroundings);
    const recoveries = readRecoveries(home, vault.id).filter(({ set }) => set === target.set);
    const ofThis = recoveries.find(
      ({ backup, isGood, isWhole }) => backup === record.id && isGood && isWhole,
    );
    return {
      phases: record.phases,
      recoveryMs: ofThis?.durationMs ?? null,
      estimatedRecoveryMs: recoveryTime(recoveries, record).estimate,
    };
  };
}
