import type { DatabaseAddress } from '../engine.ts';
import { DatabaseError } from '../error.ts';

const DEFAULT_PORT = 3306;
const LONGEST_NAME = 64;

/** Where a server is and who logs in there. Holds the password: never print it as a whole. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** A Unix socket, which goes before host and port. */
  readonly socket: string | undefined;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Undefined: not encrypted. `required`: encrypted, whoever answers. `verified`: the certificate is checked, too. */
  readonly tls: 'required' | 'verified' | undefined;
  /** Whether collations the server lacks may be replaced by the nearest it has. */
  readonly nearestCollations: boolean;
  /** What may be said of it: `crm on 127.0.0.1:3306`. */
  readonly place: string;
}

/**
 * Takes `mysql://user:password@host:port/database` apart. Parameters: `socket` (path), `ssl-mode` (`disabled`,
 * `required`, `verify-identity`), `collations=nearest`.
 * @param target Another database of the same server.
 * @throws {DatabaseError} `invalid-address`.
 */
export function parseAddress(address: DatabaseAddress, target?: string): ServerAddress {
  let url: URL;
  try {
    url = new URL(address.url);
  } catch {
    throw invalid(address.name, 'is not a URL');
  }
  const part = (text: string) => decoded(text, address.name);
  const database = target ?? part(url.pathname.replace(/^\//, ''));
  if (database === '') throw invalid(address.name, 'names no database');
  if (database.length > LONGEST_NAME || /[\0/\\]/.test(database) || database.endsWith(' '))
    throw new DatabaseError('invalid-address', `“${database}” cannot be the name of a MySQL database.`, {
      hint: 'Use at most 64 characters, without slashes.',
    });
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1';
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const socket = url.searchParams.get('socket') ?? undefined;
  return {
    host,
    port,
    socket,
    user: part(url.username),
    password: part(url.password),
    database,
    tls: tlsOf(url, address.name),
    nearestCollations: url.searchParams.get('collations') === 'nearest',
    place: `${database} on ${socket ?? `${host}:${String(port)}`}`,
  };
}

function tlsOf(url: URL, name: string): ServerAddress['tls'] {
  const mode = url.searchParams.get('ssl-mode')?.toLowerCase().replaceAll('_', '-') ?? 'disabled';
  if (mode === 'disabled' || mode === 'preferred') return undefined;
  if (mode === 'required') return 'required';
  if (mode === 'verify-identity' || mode === 'verify-ca') return 'verified';
  throw invalid(name, 'has an unknown ssl-mode');
}

function decoded(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(name, 'has a “%” that begins no escape');
  }
}

function invalid(name: string, what: string): DatabaseError {
  return new DatabaseError('invalid-address', `The address of “${name}” ${what}.`, {
    hint: 'Write it as mysql://user:password@host:3306/database; special characters of the password as %xx.',
  });
}
