import path from 'node:path';
import type { CertificateFiles } from '../certificate.ts';
import type { DatabaseAddress } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { serverLiveName } from '../live-name.ts';
import { AT_AFTER_HOST } from '../url.ts';

const DEFAULT_PORT = 3306;
const LONGEST_NAME = 64;

/**
 * Whether the connection is encrypted: `preferred` where the server can, `required` whoever answers; `verify-ca` checks
 * who signed the server’s certificate, `verify-identity` also its name.
 */
export type TlsMode = 'disabled' | 'preferred' | 'required' | 'verify-ca' | 'verify-identity';

/** Also as PostgreSQL spells them: a check that is asked for in the wrong words must not be left out. */
const TLS_MODES: ReadonlyMap<string, TlsMode> = new Map([
  ['disabled', 'disabled'],
  ['disable', 'disabled'],
  ['preferred', 'preferred'],
  ['prefer', 'preferred'],
  ['required', 'required'],
  ['require', 'required'],
  ['verify-ca', 'verify-ca'],
  ['verify-identity', 'verify-identity'],
  ['verify-full', 'verify-identity'],
]);

/** Where a server is and who logs in there. Holds the password: never print it as a whole. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** A Unix socket, which goes before host and port. */
  readonly socket: string | undefined;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: TlsMode;
  readonly certificates: CertificateFiles;
  /** Whether collations the server lacks may be replaced by the nearest it has. */
  readonly nearestCollations: boolean;
  /** What may be said of it: `crm on 127.0.0.1:3306`. */
  readonly place: string;
}

/**
 * Takes `mysql://user:password@host:port/database` apart. Parameters: `socket` (path), `ssl-mode` (see {@link TlsMode}),
 * `ssl-ca`, `ssl-cert`, `ssl-key` (files), `collations=nearest`.
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
  if (url.pathname.includes('@')) throw invalid(address.name, AT_AFTER_HOST);
  const part = (text: string) => decoded(text, address.name);
  const database = target ?? part(url.pathname.replace(/^\//, ''));
  if (database === '') throw invalid(address.name, 'names no database');
  if (database.length > LONGEST_NAME || /[\0/\\]/.test(database) || database.endsWith(' '))
    throw new DatabaseError('invalid-address', `“${database}” cannot be the name of a MySQL database.`, {
      hint: 'Use at most 64 characters, without slashes.',
    });
  const file = (kind: string): string | undefined => {
    const written = url.searchParams.get(`ssl-${kind}`) ?? '';
    return written === '' ? undefined : path.resolve(address.workspace, written);
  };
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
    certificates: { ca: file('ca'), cert: file('cert'), key: file('key') },
    nearestCollations: url.searchParams.get('collations') === 'nearest',
    place: `${database} on ${socket ?? `${host}:${String(port)}`}`,
  };
}

/** See `DatabaseEngine.liveName`. There are servers that tell names apart by case, and those that do not. */
export function liveName(address: DatabaseAddress, target: string | undefined, isExact = false): string {
  const { host, port, socket, database } = parseAddress(address, target);
  const name = isExact ? database : database.toLowerCase();
  return socket === undefined
    ? serverLiveName(name, host, port)
    : `The database “${name}” on ${path.resolve(address.workspace, socket)}`;
}

function tlsOf({ searchParams }: URL, name: string): TlsMode {
  const written = searchParams.get('ssl-mode') ?? searchParams.get('sslmode');
  // Authorities are named to be asked.
  if (written === null) return searchParams.has('ssl-ca') ? 'verify-identity' : 'disabled';
  const mode = TLS_MODES.get(written.toLowerCase().replaceAll('_', '-'));
  if (mode !== undefined) return mode;
  throw invalid(
    name,
    'has an unknown “ssl-mode”; known are disabled, preferred, required, verify-ca, verify-identity',
  );
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
