import path from 'node:path';
import type { DatabaseAddress } from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { serverLiveName } from '../live-name.ts';
import { AT_AFTER_HOST } from '../url.ts';

/** `prefer` takes TLS where the server offers it; the `verify-` modes check whom they talk to. */
export type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** Where a PostgreSQL database is, taken apart. Holds the password: it goes into no message. */
export interface PostgresAddress {
  /** A host, or the folder of the server’s socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Without one, `~/.pgpass` and PGPASSWORD are asked, as by PostgreSQL’s own tools. */
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: TlsMode;
  /** A file with the certificates that may have signed the server’s. */
  readonly rootCertificate: string | undefined;
  /** Files of the certificate with which the user shows who they are, and of its key. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

const DEFAULT_PORT = 5432;
const SOCKET_FOLDER = '/var/run/postgresql';
/** Where a server’s socket is by default. */
const SOCKET_FOLDERS: ReadonlySet<string> = new Set([SOCKET_FOLDER, '/run/postgresql', '/tmp']);
const TLS_MODES: readonly TlsMode[] = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * Takes a URL `postgresql://user:password@host:port/database?sslmode=…&sslrootcert=…&sslcert=…&sslkey=…` apart. `?host=/folder` names a
 * socket.
 * @throws {DatabaseError} `invalid-address`.
 */
export function parsePostgresAddress({ name, url, workspace }: DatabaseAddress): PostgresAddress {
  // The last “@” ends the login: a password may hold others.
  const parts =
    /^[a-z]+:\/\/(?:([^/?#]*)@)?(\[[^\]@]*\]|[^/?#:@]*)(?::(\d*))?(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(url);
  if (parts === null) throw invalid(name, 'is not of the form postgresql://user:password@host:port/database');
  const [, login = '', host = '', port = '', database = '', query = ''] = parts;
  if (database.includes('@')) throw invalid(name, AT_AFTER_HOST);
  const [user = '', ...password] = login.split(':');
  const settings = new URLSearchParams(query);
  const tls = settings.get('sslmode') ?? 'prefer';
  if (!isTlsMode(tls)) throw invalid(name, `has an unknown “sslmode”; known are ${TLS_MODES.join(', ')}`);
  const parsed = {
    host: settings.get('host') ?? (decode(name, host).replace(/^\[(.*)\]$/, '$1') || defaultHost()),
    port: Number(settings.get('port') ?? (port || DEFAULT_PORT)),
    user: settings.get('user') ?? decode(name, user),
    database: settings.get('dbname') ?? decode(name, database),
  };
  if (parsed.user === '') throw invalid(name, 'names no user');
  if (parsed.database === '') throw invalid(name, 'names no database');
  if (!Number.isInteger(parsed.port) || parsed.port < 1 || parsed.port > 65535) {
    throw invalid(name, 'has a port that is none');
  }
  const file = (setting: string): string | undefined => {
    const written = settings.get(setting);
    return written === null || written === '' ? undefined : path.resolve(workspace, written);
  };
  const written = settings.get('password') ?? (password.length > 0 ? decode(name, password.join(':')) : '');
  return {
    ...parsed,
    password: written === '' ? undefined : written,
    tls,
    // What the system trusts is what Node trusts.
    rootCertificate: settings.get('sslrootcert') === 'system' ? undefined : file('sslrootcert'),
    certificate: file('sslcert'),
    key: file('sslkey'),
  };
}

/** How a database of a server is called in messages: `crm on 127.0.0.1:5432`. */
export function placeOf({ host, port, database }: PostgresAddress): string {
  return `${database} on ${host.startsWith('/') ? host : `${host}:${port}`}`;
}

/** See `DatabaseEngine.liveName`. */
export function liveName(address: DatabaseAddress, target: string | undefined): string {
  const { host, port, database } = parsePostgresAddress(address);
  return serverLiveName(target ?? database, SOCKET_FOLDERS.has(host) ? 'localhost' : host, port);
}

function isTlsMode(text: string): text is TlsMode {
  return (TLS_MODES as readonly string[]).includes(text);
}

function defaultHost(): string {
  return process.platform === 'win32' ? 'localhost' : SOCKET_FOLDER;
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(name, 'has a “%” that begins no character; write a percent sign as %25');
  }
}

function invalid(name: string, what: string): DatabaseError {
  return new DatabaseError('invalid-address', `The “url” of the database “${name}” ${what}.`, {
    hint: 'Write it as postgresql://user:${env:PASSWORD}@host:5432/database.',
  });
}
