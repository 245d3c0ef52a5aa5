import { systemCode } from '../../errors.ts';
import { certificateRefusal } from '../certificate.ts';
import type { DatabaseAddress } from '../engine.ts';
import { DatabaseError, type DatabaseErrorCode } from '../error.ts';
import { redactorOf } from '../redact.ts';
import { parseAddress, type ServerAddress } from './address.ts';
import { ConnectionLost, ServerRefusal } from './wire.ts';

interface Known {
  readonly code: DatabaseErrorCode;
  readonly hint: string;
}

const GRANT = 'Grant the privilege, or use another account; “doctor” lists what is missing.';
const GRANT_SYSTEM_USER =
  'Grant SYSTEM_USER ON *.* to the account: what an account with that privilege has made (views, routines, events), MySQL lets no other replace.';
const REACH = 'Check that the server runs and that host and port (or socket) of its “url” are right.';
const FREE = 'Free space on the server’s disk, then try again.';
const AGAIN = 'Try again.';

/** What the server’s error numbers mean to us. */
const BY_NUMBER: ReadonlyMap<number, Known> = new Map<number, Known>([
  ...each(
    [1045, 1698, 1251, 1862, 1820, 1130, 3118, 4151],
    'login-refused',
    'Check user and password of its “url”.',
  ),
  ...each([1049], 'no-database', 'Check the database’s name in its “url”.'),
  ...each([1044, 1142, 1143, 1227, 1370, 1410, 1419, 1290], 'missing-privilege', GRANT),
  ...each([1040, 1203, 1226], 'busy', 'Wait until fewer connections are open, then try again.'),
  ...each([1205, 1213, 1969, 3024], 'busy', 'Others hold a lock for too long; try again later.'),
  ...each(
    [1412, 1146, 1051, 1054],
    'changed-while-reading',
    'Wait until the migration is done, then try again.',
  ),
  ...each([1021, 1114, 1041], 'no-space', FREE),
  ...each([1053, 1927, 1317, 1152, 1159, 1161, 4031], 'connection-lost', AGAIN),
  ...each(
    [1273, 1115, 1253, 1286, 1289],
    'cannot-hold',
    'Restore to a server of the kind the backup came from.',
  ),
  ...each(
    [1194, 1195, 1034, 1035, 144, 145],
    'damaged',
    'Repair the table with REPAIR TABLE or from an older backup.',
  ),
]);

const BY_SYSTEM_CODE: ReadonlyMap<string, Known> = new Map<string, Known>([
  ...each(
    [
      'ECONNREFUSED',
      'ENOENT',
      'EACCES',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'ENOTFOUND',
      'EAI_AGAIN',
      'ENOTSOCK',
    ],
    'unreachable',
    REACH,
  ),
  ...each(
    ['ECONNRESET', 'EPIPE', 'PROTOCOL_CONNECTION_LOST', 'ERR_STREAM_DESTROYED'],
    'connection-lost',
    AGAIN,
  ),
  ...each(
    [
      'HANDSHAKE_NO_SSL_SUPPORT',
      'HANDSHAKE_SSL_ERROR',
      'AUTH_SWITCH_PLUGIN_ERROR',
      'HANDSHAKE_UNKNOWN_ERROR',
    ],
    'login-refused',
    'Check “ssl-mode” of its “url” and the account’s way of logging in.',
  ),
]);

/** Turns what went wrong with a server into sentences without secrets. */
export class Failures {
  readonly #place: string;
  readonly #redact: (text: string) => string;

  constructor(address: DatabaseAddress, server: ServerAddress = parseAddress(address)) {
    this.#place = server.place;
    this.#redact = redactorOf(address.url);
  }

  /**
   * @param action What was to be done, as in “… could not be <read>”.
   * @param otherwise The code of an error nobody has foreseen.
   */
  of(error: unknown, action: string, otherwise: 'read-failed' | 'write-failed' = 'read-failed'): Error {
    if (!(error instanceof Error) || error instanceof DatabaseError || error.name === 'CancelledError')
      return error as Error;
    const refusal = certificateRefusal(error, `The server of ${this.#place}`, 'ssl-ca');
    if (refusal !== undefined) return refusal;
    const lost = error instanceof ConnectionLost;
    const number = error instanceof ServerRefusal ? error.number : numberOf(error);
    const system = lost ? 'PROTOCOL_CONNECTION_LOST' : systemCode(error);
    const known = BY_NUMBER.get(number ?? 0) ?? BY_SYSTEM_CODE.get(system ?? '');
    if (known === undefined && number === undefined && system === undefined) return error;
    const hint = /\bSYSTEM_USER\b/.test(error.message) ? GRANT_SYSTEM_USER : (known?.hint ?? AGAIN);
    const why = this.#redact(error.message).replaceAll(/\s+/g, ' ').slice(0, 300).replace(/\.$/, '');
    return new DatabaseError(known?.code ?? otherwise, `${this.#place} could not be ${action}: ${why}.`, {
      hint,
    });
  }
}

/** The number of a refusal during the login, which mysql2 has read. */
function numberOf(error: Error): number | undefined {
  return 'errno' in error && typeof error.errno === 'number' && error.errno > 0 ? error.errno : undefined;
}

function each<K>(keys: readonly K[], code: DatabaseErrorCode, hint: string): [K, Known][] {
  return keys.map((key) => [key, { code, hint }]);
}
