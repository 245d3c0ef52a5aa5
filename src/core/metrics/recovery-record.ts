import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { replaceFile } from '../replace-file.ts';

/** How long one recovery took that really happened: a restore, or a drill. */
export interface RecoveryRecord {
  readonly version: 1;
  readonly kind: 'drill' | 'restore';
  readonly set: string;
  /** Id of the backup that was recovered. */
  readonly backup: string;
  /** When it was begun, ISO 8601 UTC. */
  readonly at: string;
  /** From the plan to the last check, without a safety backup. */
  readonly durationMs: number;
  /** Milliseconds by phase. */
  readonly phases: {
    readonly fetch: number;
    readonly decode: number;
    readonly write: number;
    readonly load: number;
    readonly verify: number;
  };
  /** Bytes of files written. */
  readonly bytes: number;
  /** Bytes of databases loaded, as the backup's sources tell them. */
  readonly databaseBytes: number;
  /** Files written. */
  readonly files: number;
  /** Tables loaded. */
  readonly tables: number;
  /** Whether it was the whole backup, to where nothing was before. */
  readonly isWhole: boolean;
  /** Whether all that came back was as it should be; only drills can say no. */
  readonly isGood: boolean;
}

/** The oldest are dropped when the file has grown past this; some hundred are left. */
const MOST_BYTES = 128 * 1024;

/** Keeps how long a recovery took, for figures and estimates; of a vault the last few hundred are kept. */
export function recordRecovery(home: string, vaultId: string, record: RecoveryRecord): void {
  const file = recoveriesFile(home, vaultId);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // One write at the end of the file: two processes do not mix their lines.
  appendFileSync(file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  if (statSync(file).size <= MOST_BYTES) return;
  const text = readFileSync(file, 'utf8');
  const cut = text.indexOf('\n', text.length - MOST_BYTES / 2) + 1;
  replaceFile(file, text.slice(cut));
}

/** The recoveries of a vault that were measured on this machine, newest first; lines that cannot be read are passed over. */
export function readRecoveries(home: string, vaultId: string): RecoveryRecord[] {
  let text: string;
  try {
    text = readFileSync(recoveriesFile(home, vaultId), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  const records = text.split('\n').flatMap((line) => {
    try {
      const record: unknown = JSON.parse(line);
      return isRecovery(record) ? [record] : [];
    } catch {
      return [];
    }
  });
  return records.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
}

function isRecovery(value: unknown): value is RecoveryRecord {
  const { version, at, durationMs, bytes, databaseBytes, phases } = value as Partial<RecoveryRecord>;
  const numbers = [durationMs, bytes, databaseBytes, phases?.load];
  return version === 1 && typeof at === 'string' && numbers.every((number) => Number.isFinite(number));
}

function recoveriesFile(home: string, vaultId: string): string {
  const name = createHash('sha256').update(vaultId).digest('hex').slice(0, 16);
  return join(home, 'recoveries', `${name}.jsonl`);
}
