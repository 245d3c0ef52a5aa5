import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import { systemCode } from '../../errors.ts';
import { readCertificates } from '../certificate.ts';
import type { ServerAddress } from './address.ts';

const SETTINGS = { ca: 'ssl-ca', cert: 'ssl-cert', key: 'ssl-key' } as const;

/** What of a connection of mysql2 the encryption needs; see `session.ts` for why we know its inside. */
interface Inside {
  stream: Duplex;
  readonly packetParser: { execute(bytes: Buffer): void };
  startTLS: (onSecure: (error?: Error) => void) => void;
  _handleNetworkError(error: Error): void;
}

/** How a connection is encrypted; undefined when it is not. @throws {DatabaseError} `invalid-address`. */
export async function tlsOptions({
  host,
  socket,
  tls,
  certificates,
}: ServerAddress): Promise<ConnectionOptions | undefined> {
  if (tls === 'disabled' || socket !== undefined) return undefined;
  const isChecked = tls.startsWith('verify-');
  const files = await readCertificates(
    isChecked ? certificates : { ...certificates, ca: undefined },
    SETTINGS,
  );
  return {
    ...files,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: isChecked,
    ...(tls === 'verify-identity' ? {} : { checkServerIdentity: () => undefined }),
  };
}

/**
 * Has a connection that has not begun to log in encrypt our way: the driver’s own compares the certificate of a server
 * that is named by its IP address with `localhost`.
 */
export function encryptWith(connection: object, options: ConnectionOptions): void {
  const inside = connection as Inside;
  inside.startTLS = (onSecure) => {
    let isSecure = false;
    inside.stream.removeAllListeners('data');
    const secure = connect({ ...options, socket: inside.stream }, () => {
      isSecure = true;
      onSecure();
    });
    secure.on('error', (error: Error) => {
      if (isSecure) inside._handleNetworkError(error);
      // The driver writes a code of its own on what it is given.
      else onSecure(new Error(error.message, { cause: error }));
    });
    secure.on('data', (bytes: Buffer) => inside.packetParser.execute(bytes));
    inside.stream = secure;
  };
}

/** Whether a server cannot encrypt. */
export function isWithoutTls(error: unknown): boolean {
  return systemCode(error) === 'HANDSHAKE_NO_SSL_SUPPORT';
}
