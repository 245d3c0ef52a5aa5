import { type CancelledError, CrmBackupError, systemCode } from '../../errors.ts';
import { throwIfCancelled, type Task } from '../../task.ts';
import { DatabaseError, type DatabaseErrorCode } from '../error.ts';
import { certificateRefusal } from '../certificate.ts';
import { redactorOf } from '../redact.ts';
import { type PostgresAddress, placeOf } from './address.ts';
import { exampleToRead } from './privileges.ts';

interface Sentence {
  readonly code: DatabaseErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** Turns what drivers and servers throw into one sentence without secrets. */
export interface Failures {
  /** Of an error while something is done, as “Reading public.account”. */
  readonly of: (error: unknown, doing: string, otherwise?: DatabaseErrorCode) => CrmBackupError;
  readonly redact: (text: string) => string;
}

/** The failures of one server; `url` tells the secrets. */
export function failuresAt(url: string, address: PostgresAddress, task: Task): Failures {
  const hideOfUrl = redactorOf(url);
  const secret = address.password;
  const redact = (text: string) => {
    const hidden = hideOfUrl(text);
    return secret === undefined ? hidden : hidden.replaceAll(secret, '•••');
  };
  return {
    redact,
    of(error, doing, otherwise = 'read-failed') {
      // What a stopped task broke off is no failure of the server.
      if (task.signal?.aborted === true) {
        try {
          throwIfCancelled(task);
        } catch (cancelled) {
          return cancelled as CancelledError;
        }
      }
      if (error instanceof CrmBackupError) return error;
      const { code, message, hint } = sentenceOf(error, doing, otherwise, address, redact);
      // The driver’s error may quote what was sent, so it is no cause.
      return new DatabaseError(code, message, hint === undefined ? {} : { hint });
    },
  };
}

/** PostgreSQL’s own code of an error, as `42501`; undefined when it comes from elsewhere. */
export function stateOf(error: unknown): string | undefined {
  const code = systemCode(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code) ? code : undefined;
}

function sentenceOf(
  error: unknown,
  doing: string,
  otherwise: DatabaseErrorCode,
  address: PostgresAddress,
  redact: (text: string) => string,
): Sentence {
  const state = stateOf(error);
  const place = placeOf(address);
  const server = place.slice(address.database.length + ' on '.length);
  const raw = error instanceof Error ? error.message : String(error);
  const said = redact(oneLine(raw));
  switch (state) {
    case '28P01':
    case '28000':
      return {
        code: 'login-refused',
        message: `The PostgreSQL server at ${server} refused the user “${address.user}”: ${said}.`,
        hint: 'Check the user and the password in the “url”, and pg_hba.conf on the server.',
      };
    case '3D000':
      return {
        code: 'no-database',
        message: `There is no database “${address.database}” on the PostgreSQL server at ${server}.`,
        hint: 'Check the database’s name in the “url”.',
      };
    case '53300':
      return {
        code: 'busy',
        message: `The PostgreSQL server at ${server} takes no more connections: ${said}.`,
        hint: 'Try again later, or raise max_connections.',
      };
    case '55P03':
      return {
        code: 'busy',
        message: `${doing} failed: another session keeps a table of ${place} locked.`,
        hint: 'Try again when the migration or maintenance that holds the lock is done.',
      };
    case '53200':
      return {
        code: 'busy',
        message: `${doing} failed: the PostgreSQL server at ${server} has too little memory: ${said}.`,
        hint: 'Raise max_locks_per_transaction when the message speaks of locks.',
      };
    case '53100':
      return {
        code: 'no-space',
        message: `${doing} failed: the disk of the PostgreSQL server at ${server} is full.`,
        hint: 'Free space on the server and try again.',
      };
    case '42501':
      return {
        code: 'missing-privilege',
        message: `${doing} failed: ${said}.`,
        hint: raw.includes('row-level security')
          ? `Let the owner of the table take the backup, or run: ALTER ROLE "${address.user}" BYPASSRLS;`
          : otherwise === 'write-failed'
            ? 'Restore as the owner of what the database holds, or as an administrator.'
            : exampleToRead(address.user),
      };
    default:
  }
  if (isLost(error, state)) {
    return {
      code: 'connection-lost',
      message: `${doing} failed: the PostgreSQL server at ${server} ended the connection.`,
      hint: 'Look into the server’s log, then try again.',
    };
  }
  return { code: otherwise, message: `${doing} failed: ${said}.` };
}

/** Of errors while connecting. */
export function unreachable(error: unknown, address: PostgresAddress, redact: (text: string) => string) {
  const place = placeOf(address).slice(address.database.length + ' on '.length);
  const refusal = certificateRefusal(error, `The PostgreSQL server at ${place}`, 'sslrootcert');
  if (refusal !== undefined) return refusal;
  if (error instanceof Error && /does not support SSL/i.test(error.message)) {
    return new DatabaseError('unreachable', `The PostgreSQL server at ${place} does not offer TLS.`, {
      hint: 'Turn it on there (ssl = on), or write another “sslmode” in the “url”.',
    });
  }
  const why = redact(oneLine(error instanceof Error ? error.message || (systemCode(error) ?? '') : ''));
  return new DatabaseError(
    'unreachable',
    `No PostgreSQL server answers at ${place}${why === '' ? '' : `: ${why}`}.`,
    { hint: 'Start the server, or correct host and port in the “url”.' },
  );
}

function isLost(error: unknown, state: string | undefined): boolean {
  if (state !== undefined) return /^(57P0[1234]|08)/.test(state);
  const code = systemCode(error);
  if (code !== undefined && ['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ECONNABORTED', 'ENOENT'].includes(code))
    return true;
  return (
    error instanceof Error &&
    /connection (terminated|error|ended)|was closed|not queryable/i.test(error.message)
  );
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(/\.$/, '').slice(0, 300);
}
