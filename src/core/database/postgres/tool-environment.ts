import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { removeAbandoned } from '../abandoned.ts';
import type { PostgresAddress } from './address.ts';

const PREFIX = 'crm-backup-postgres-';

/**
 * Gives work an environment in which PostgreSQL’s tools find the server. The password stands in a file only its user
 * may read, which is removed when the work is done.
 */
export async function withToolEnvironment<T>(
  address: PostgresAddress,
  work: (env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
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
    ...(address.rootCertificate === undefined ? {} : { PGSSLROOTCERT: address.rootCertificate }),
  };
  if (address.password === undefined) {
    for (const name of ['PGPASSFILE', 'PGPASSWORD']) {
      if (process.env[name] !== undefined) env[name] = process.env[name];
    }
    return work(env);
  }
  removeAbandoned(os.tmpdir(), PREFIX);
  const folder = await mkdtemp(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
  try {
    const file = path.join(folder, 'pgpass');
    const password = address.password.replace(/[\\:]/g, '\\$&');
    await writeFile(file, `*:*:*:*:${password}\n`, { mode: 0o600, flag: 'wx' });
    return await work({ ...env, PGPASSFILE: file });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
