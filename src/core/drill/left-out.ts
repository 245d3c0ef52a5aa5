import { DatabaseError, type DatabaseErrorCode } from '../database/error.ts';
import { SetError } from '../set/error.ts';

/** Something in a backup that a drill had to leave out, and why. */
export interface DrillProblem {
  /**
   * `no-target`: no server is known; `database-unreachable`: it is known, but nothing can be done there now;
   * `path-too-long`: the system cannot keep it below the scratch folder.
   */
  readonly code: 'no-target' | 'database-unreachable' | 'path-too-long';
  /** In the backup. */
  readonly path: string;
  /** One sentence. */
  readonly message: string;
}

/** What says something of the server or the way to it, and nothing of the backup. */
const OUT_OF_REACH: readonly DatabaseErrorCode[] = [
  'unreachable',
  'login-refused',
  'untrusted-server',
  'busy',
  'connection-lost',
];

/** A database that no set in use names. */
export function leftOut(name: string): DrillProblem {
  return {
    code: 'no-target',
    path: `databases/${name}`,
    message: `No set in use names the database “${name}”, so no server is known to load it into: it was left out.`,
  };
}

/** A database whose server cannot be used now; undefined when something else failed, which a drill is to find. */
export function outOfReach(name: string, error: unknown): DrillProblem | undefined {
  const isSecretMissing = error instanceof SetError && error.code === 'missing-variable';
  const isServerAway = error instanceof DatabaseError && OUT_OF_REACH.includes(error.code);
  if (!isSecretMissing && !isServerAway) return undefined;
  const why = error.message.replace(/\.$/, '');
  return {
    code: 'database-unreachable',
    path: `databases/${name}`,
    message: `Database “${name}” was left out, because its server cannot be used now: ${why}.`,
  };
}
