import type { Check } from '../../core/doctor/check.ts';
import type { Verification } from '../../core/vault/verify.ts';
import type { InSet, InWorkspace, OfBackup } from './scope.ts';

/** Marks on backups, and the care of a vault. */
export interface UpkeepOperations {
  pin: { in: OfBackup & { readonly pinned: boolean }; out: null };
  label: { in: OfBackup & { readonly label: string | null }; out: null };
  forget: { in: OfBackup; out: null };
  /** Puts a forgotten backup back on the list, until a prune has freed its space. */
  unforget: { in: OfBackup; out: null };
  prune: { in: InSet; out: { readonly freedBytes: number } };
  verify: {
    in: InSet & { readonly backup?: string | undefined; readonly level: 'quick' | 'data' };
    out: Verification;
  };
  doctor: { in: InWorkspace; out: readonly Check[] };
}
