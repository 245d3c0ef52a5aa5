import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { removeAbandoned } from '../abandoned.ts';
import type { PostgresAddress } from './address.ts';
import { certificateFiles } from './tls.ts';

const PREFIX = 'crm-backup-postgres-';

/**
 * Gives work an environment in which PostgreSQL’s tools find the server. The password stands in a file only its user
 * may read, which is removed when the work is done.
 */
export async function withToolEnvironment<T>(
  address: PostgresAddress,
  work: (env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const files = certificateFiles(address);
  const inherited = Object.entries(process.env).filter(([name]) => !/^PG(?!SYSCONFDIR)/.test(name));
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(inherited),
    LC_ALL: 'C',
    PGHOST: address.host,
    PGPORT: String(address.port),
    PGUSER: address.user,
    PGDATABASE: address.database,
    PGSSLMODE: address.tls,
    PGAPPNAME: 'CRM Backup',
    PGCONNECT_TIMEOUT: '15',
    ...(files.ca === undefined ? {} : { PGSSLROOTCERT: files.ca }),
    ...(files.cert === undefined ? {} : { PGSSLCERT: files.cert }),
    ...(files.key === undefined ? {} : { PGSSLKEY: files.key }),
  };
  if (address.password === undefined) {
    for (const name of ['PGPASSFILE', 'PGPASSWORD']) {
      if (process.env[name] !== undefined) env[name] = process.env[name];
    }
  }
  // The tools have no authorities of their own.
  const needsRoots = address.tls.startsWith('verify-') && files.ca === undefined;
  if (address.password === undefined && !needsRoots) return work(env);
  removeAbandoned(os.tmpdir(), PREFIX);
  const folder = await mkdtemp(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
    return file;
  };
  try {
    if (needsRoots) env['PGSSLROOTCERT'] = await write('root.crt', trustedHere().join('\n'));
    if (address.password !== undefined) {
      const password = address.password.replace(/[\\:]/g, '\\$&');
      env['PGPASSFILE'] = await write('pgpass', `*:*:*:*:${password}\n`);
    }
    return await work(env);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The authorities this runtime trusts; older ones do not tell what their user has added. */
function trustedHere(): readonly string[] {
  const { getCACertificates } = tls as Partial<Pick<typeof tls, 'getCACertificates'>>;
  return getCACertificates?.('default') ?? tls.rootCertificates;
}
