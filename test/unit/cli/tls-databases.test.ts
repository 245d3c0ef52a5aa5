import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Certificates, hasOpenssl, makeCertificates } from '../../build/certificates.ts';
import { useCli } from '../../build/cli.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../build/mariadb-server.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../build/postgres-server.ts';

const cli = await useCli();
let made: Certificates;
beforeAll(() => {
  made = makeCertificates();
});
afterAll(() => made[Symbol.asyncDispose]());
beforeEach(() => {
  mkdirSync(join(cli.workspace, 'certs'));
  for (const file of ['ca.pem', 'other.pem', 'clerk.pem', 'clerk.key']) {
    copyFileSync(made.file(file), join(cli.workspace, 'certs', file));
  }
  writeFileSync(join(cli.workspace, 'kept'), 'kept');
});

/** Backs up one database; its problem, or that it is complete. */
async function backUp(url: string, env: Record<string, string> = {}): Promise<string> {
  cli.writeSets({
    name: 'crm',
    files: [{ root: '.', include: ['kept'] }],
    databases: [{ name: 'crm', url }],
  });
  await cli.must(['init', '--yes']);
  const { value } = await cli.json(['backup'], { env: { CRM_BACKUP_SECRET_DB: 'p4ss', ...env } });
  const { status, problems } = value as unknown as { status: string; problems: { message: string }[] };
  return problems.length === 0 ? status : problems.map(({ message }) => message).join('\n');
}

const UNTRUSTED = (server: string, setting: string): string =>
  `${server} was refused: its certificate is not signed by an authority that is trusted here. Let “${setting}” in the “url” name the file of the authority that signed it, or see who really answers there.`;

describe.skipIf(!hasPostgres() || !hasOpenssl)('PostgreSQL with TLS', () => {
  let server: PostgresServer;
  let port: string;
  let hba: string;
  beforeAll(async () => {
    hba = made.file('pg_hba.conf');
    // The clerk comes encrypted, the certified one with a certificate; the administrator of the test as he likes.
    writeFileSync(
      hba,
      'host all "root user" all scram-sha-256\nhostssl all clerk all scram-sha-256\nhostssl all certified all cert map=m\nhostnossl all open all scram-sha-256\n',
    );
    const ident = made.file('pg_ident.conf');
    writeFileSync(ident, 'm clerk certified\n');
    server = await startPostgres({
      hba_file: hba,
      ident_file: ident,
      ssl: 'on',
      ssl_cert_file: made.file('server.pem'),
      ssl_key_file: made.file('server.key'),
      ssl_ca_file: made.file('ca.pem'),
    });
    ({ port } = new URL(server.url('postgres')));
    await server.sql(
      'postgres',
      "CREATE ROLE clerk LOGIN PASSWORD 'p4ss' CREATEDB; CREATE ROLE certified LOGIN; CREATE ROLE open LOGIN PASSWORD 'p4ss'",
    );
    await server.sql('postgres', 'CREATE DATABASE crm OWNER clerk');
    await server.sql(
      'crm',
      'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); GRANT SELECT ON t TO PUBLIC; ALTER TABLE t OWNER TO clerk',
    );
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  const url = (query: string, { login = 'clerk:${secret:db}', host = '127.0.0.1' } = {}): string =>
    `postgresql://${login}@${host}:${port}/crm${query}`;
  const place = (): string => `The PostgreSQL server at 127.0.0.1:${port}`;

  it.each([
    'sslmode=verify-full&sslrootcert=certs/ca.pem',
    'sslmode=verify-ca&sslrootcert=certs/ca.pem',
    'sslmode=require&sslrootcert=certs/ca.pem',
    'sslmode=require',
    'sslmode=prefer',
    '',
  ])('is read, and written back, with “%s”', async (query) => {
    expect(await backUp(url(`?${query}`))).toBe('complete');
    const restored = await cli.run(['restore', 'latest', '--end-sessions', '--no-safety-backup'], {
      env: { CRM_BACKUP_SECRET_DB: 'p4ss' },
    });
    expect([restored.stderr, restored.code]).toEqual(['', 0]);
  });

  it('is read by the name its certificate has', async () => {
    expect(await backUp(url('?sslmode=verify-full&sslrootcert=certs/ca.pem', { host: 'localhost' }))).toBe(
      'complete',
    );
  });

  it.each(['verify-full', 'verify-ca', 'require'])(
    'whose authority is another one is refused with “%s”',
    async (mode) => {
      const told = await backUp(url(`?sslmode=${mode}&sslrootcert=certs/other.pem`));
      expect(told).toBe(UNTRUSTED(place(), 'sslrootcert'));
    },
  );

  it('whose authority nobody named is refused where it is to be checked', async () => {
    expect(await backUp(url('?sslmode=verify-full'))).toBe(UNTRUSTED(place(), 'sslrootcert'));
  });

  it('whose authority this machine trusts is read without naming it, by its tools, too', async () => {
    const env = { NODE_EXTRA_CA_CERTS: made.file('ca.pem') };
    for (const query of ['?sslmode=verify-full', '?sslmode=verify-full&sslrootcert=system']) {
      expect(await backUp(url(query), env)).toBe('complete');
    }
  });

  it('that has no password for a user but a certificate takes it', async () => {
    const own = '&sslcert=certs/clerk.pem&sslkey=certs/clerk.key';
    const login = 'certified';
    const query = '?sslmode=verify-full&sslrootcert=certs/ca.pem';
    expect(await backUp(url(`${query}${own}`, { login }))).toBe('complete');
    expect(await backUp(url(query, { login }))).toMatch(/refused the user “certified”|certificate/);
  });

  it('is told when a file is not there', async () => {
    expect(await backUp(url('?sslmode=verify-full&sslrootcert=certs/gone.pem'))).toBe(
      `The file ${cli.workspace}/certs/gone.pem that “sslrootcert” of the “url” names cannot be read: ENOENT. Correct its path, which begins at the workspace, or its permissions.`,
    );
  });

  it('that offers no TLS is told to, and read where it is not demanded', async () => {
    await using plain = await startPostgres();
    await plain.sql('postgres', "CREATE ROLE clerk LOGIN PASSWORD 'p4ss'");
    const at = plain.url('postgres').replace(/\/\/.*@/, '//clerk:${secret:db}@');
    expect(await backUp(`${at}?sslmode=require`)).toMatch(
      /^The PostgreSQL server at 127\.0\.0\.1:\d+ does not offer TLS\. Turn it on there/,
    );
    expect(await backUp(`${at}?sslmode=prefer`)).toBe('complete');
  });

  it('whose certificate is for another name is refused when that is checked', async () => {
    await using elsewhere = await startPostgres({
      ssl: 'on',
      ssl_cert_file: made.file('elsewhere.pem'),
      ssl_key_file: made.file('elsewhere.key'),
    });
    await elsewhere.sql('postgres', "CREATE ROLE clerk LOGIN PASSWORD 'p4ss'");
    const at = elsewhere.url('postgres').replace(/\/\/.*@/, '//clerk:${secret:db}@');
    expect(await backUp(`${at}?sslmode=verify-full&sslrootcert=certs/ca.pem`)).toMatch(
      /^The PostgreSQL server at \S+ was refused: its certificate is for other names\. Write the host as the certificate has it/,
    );
    expect(await backUp(`${at}?sslmode=verify-ca&sslrootcert=certs/ca.pem`)).toBe('complete');
  });
});

describe.skipIf(!hasMariaDb || !hasOpenssl)('MariaDB with TLS', () => {
  let server: MariaDbServer;
  let elsewhere: MariaDbServer;
  const tls = (name: string): string[] => [
    `--ssl-cert=${made.file(`${name}.pem`)}`,
    `--ssl-key=${made.file(`${name}.key`)}`,
    `--ssl-ca=${made.file('ca.pem')}`,
  ];
  const accounts = [
    'CREATE DATABASE crm',
    'CREATE TABLE crm.t (id int PRIMARY KEY)',
    'INSERT INTO crm.t VALUES (1)',
    "CREATE USER clerk@'%' IDENTIFIED BY 'p4ss' REQUIRE SSL",
    "CREATE USER certified@'%' IDENTIFIED BY 'p4ss' REQUIRE SUBJECT '/CN=clerk'",
    "CREATE USER open@'%' IDENTIFIED BY 'p4ss'",
    ...['clerk', 'certified', 'open'].map((user) => `GRANT ALL ON *.* TO ${user}@'%'`),
  ];
  beforeAll(async () => {
    server = await startMariaDb(tls('server'));
    elsewhere = await startMariaDb(tls('elsewhere'));
    for (const each of [server, elsewhere]) await each.run(undefined, ...accounts);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await elsewhere[Symbol.asyncDispose]();
  });

  const url = (query: string, { user = 'clerk', host = '127.0.0.1', port = server.port } = {}): string =>
    `mysql://${user}:\${secret:db}@${host}:${port}/crm${query}`;
  const place = (): string => `The server of crm on 127.0.0.1:${server.port}`;

  it.each([
    'ssl-mode=verify-identity&ssl-ca=certs/ca.pem',
    'ssl-mode=VERIFY_CA&ssl-ca=certs/ca.pem',
    'sslmode=verify-full&ssl-ca=certs/ca.pem',
    'ssl-ca=certs/ca.pem',
    'ssl-mode=required',
    'ssl-mode=preferred',
  ])('is read, and written back, with “%s”', async (query) => {
    expect(await backUp(url(`?${query}`))).toBe('complete');
    const restored = await cli.run(['restore', 'latest', '--end-sessions', '--no-safety-backup'], {
      env: { CRM_BACKUP_SECRET_DB: 'p4ss' },
    });
    expect([restored.stderr, restored.code]).toEqual(['', 0]);
  });

  it('is read by the name its certificate has', async () => {
    expect(await backUp(url('?ssl-mode=verify-identity&ssl-ca=certs/ca.pem', { host: 'localhost' }))).toBe(
      'complete',
    );
  });

  it('that demands TLS of an account refuses it without', async () => {
    expect(await backUp(url('?ssl-mode=disabled'))).toMatch(/Access denied for user 'clerk'/);
  });

  it.each(['verify-identity', 'verify-ca'])(
    'whose authority is another one is refused with “%s”',
    async (mode) => {
      expect(await backUp(url(`?ssl-mode=${mode}&ssl-ca=certs/other.pem`))).toBe(
        UNTRUSTED(place(), 'ssl-ca'),
      );
      expect(await backUp(url(`?ssl-mode=${mode}`))).toBe(UNTRUSTED(place(), 'ssl-ca'));
    },
  );

  it('whose certificate is for another name is refused when that is checked', async () => {
    const at = { port: elsewhere.port };
    expect(await backUp(url('?ssl-mode=verify-identity&ssl-ca=certs/ca.pem', at))).toMatch(
      /^The server of crm on \S+ was refused: its certificate is for other names\. Write the host as the certificate has it/,
    );
    expect(await backUp(url('?ssl-mode=verify-ca&ssl-ca=certs/ca.pem', at))).toBe('complete');
  });

  it('takes a certificate of a user who needs one', async () => {
    const query = '?ssl-mode=verify-identity&ssl-ca=certs/ca.pem';
    const user = 'certified';
    expect(await backUp(url(`${query}&ssl-cert=certs/clerk.pem&ssl-key=certs/clerk.key`, { user }))).toBe(
      'complete',
    );
    expect(await backUp(url(query, { user }))).toMatch(/Access denied for user 'certified'/);
  });

  it('that offers no TLS is told to, and read where it is not demanded', async () => {
    await using plain = await startMariaDb(['--skip-ssl']);
    await plain.run(undefined, ...accounts);
    const at = { user: 'open', port: plain.port };
    expect(await backUp(url('?ssl-mode=required', at))).toMatch(/does not support secure connection/);
    expect(await backUp(url('?ssl-mode=preferred', at))).toBe('complete');
  });

  it('that is asked in unknown words is not read unencrypted', async () => {
    expect(await backUp(url('?ssl-mode=verify'))).toMatch(
      /unknown “ssl-mode”; known are disabled, preferred/,
    );
  });
});
