import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { type CertificateFiles, readCertificates } from '../certificate.ts';
import type { PostgresAddress } from './address.ts';

const SETTINGS = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' } as const;

/** The files of an address; where it names no authorities, those of PostgreSQL’s own tools count, if there are any. */
export function certificateFiles({ rootCertificate, certificate, key }: PostgresAddress): CertificateFiles {
  const folder =
    process.platform === 'win32'
      ? path.join(process.env['APPDATA'] ?? '', 'postgresql')
      : path.join(os.homedir(), '.postgresql');
  const usual = path.join(folder, 'root.crt');
  return { ca: rootCertificate ?? (existsSync(usual) ? usual : undefined), cert: certificate, key };
}

/**
 * The ways in which a connection is tried, one after the other; false is without TLS. As PostgreSQL’s own tools do it,
 * `require` checks the server’s certificate when an authority is named.
 * @throws {DatabaseError} `invalid-address`.
 */
export async function tlsAttempts(address: PostgresAddress): Promise<(ConnectionOptions | false)[]> {
  const { host, tls, rootCertificate } = address;
  if (tls === 'disable' || host.startsWith('/')) return [false];
  const isChecked = tls.startsWith('verify-') || (tls === 'require' && rootCertificate !== undefined);
  const { ca, ...own } = await readCertificates(
    isChecked ? certificateFiles(address) : { ...certificateFiles(address), ca: undefined },
    SETTINGS,
  );
  if (!isChecked) {
    const unchecked = { ...own, rejectUnauthorized: false };
    return tls === 'prefer' ? [unchecked, false] : [unchecked];
  }
  const authorities = ca === undefined ? {} : { ca };
  const names = tls === 'verify-full' ? {} : { checkServerIdentity: () => undefined };
  return [{ ...own, ...authorities, ...names }];
}
