import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { hasMariaDb, type MariaDbServer, startMariaDb } from '../../build/mariadb-server.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../build/postgres-server.ts';

interface Told {
  readonly status: string;
  readonly problems: readonly { readonly code: string; readonly path: string; readonly message: string }[];
  readonly checks: readonly { name: string; status: string; detail: string; hint: string | null }[];
}

const SECRET = 'never-T0-be/seen%';

const cli = await useCli();
beforeEach(() => {
  mkdirSync(join(cli.scratch, 'tmp'));
  writeFileSync(join(cli.workspace, 'kept'), 'kept');
});

/** A set with a file and databases; `url` may use `${secret:db}` and `${env:URL}`. */
async function use(...databases: readonly { name: string; url: string; tools?: string }[]): Promise<void> {
  cli.writeSets({ name: 'crm', files: [{ root: '.', include: ['kept'] }], databases });
  await cli.must(['init', '--yes']);
}

/** Runs a command with `--json`; nothing it prints or leaves among the temporary files may hold a secret. */
async function told(
  args: readonly string[],
  secret: string,
  env: Record<string, string> = {},
): Promise<Told> {
  const all = {
    TMPDIR: join(cli.scratch, 'tmp'),
    CRM_BACKUP_SECRET_DB: secret,
    CRM_BACKUP_DEBUG: '1',
    ...env,
  };
  const { stderr, text } = await cli.run([...args, '--json'], { env: all });
  for (const spelled of [secret, encodeURIComponent(secret)]) expect(text + stderr).not.toContain(spelled);
  expect(readdirSync(join(cli.scratch, 'tmp'))).toEqual([]);
  return JSON.parse(text) as Told;
}

/** Backs up; the one database must fail with one sentence and a hint, the rest must be there, doctor must say the same. */
async function mustFail(
  expected: { code: string; sentence: RegExp; hint: RegExp; doctor?: string },
  secret = SECRET,
  env: Record<string, string> = {},
): Promise<void> {
  const { status, problems } = await told(['backup'], secret, env);
  expect(status).toBe('partial');
  expect(problems).toHaveLength(1);
  const [{ code, path, message } = { code: '', path: '', message: '' }] = problems;
  expect([code, path]).toEqual([expected.code, 'databases/crm']);
  expect(message).toMatch(expected.sentence);
  expect(message).toMatch(expected.hint);
  expect(message).not.toMatch(/\n|\.\.|\bundefined\b|\bError:/);
  expect((await cli.run(['cat', 'latest', 'kept'])).text).toBe('kept');
  const { checks } = await told(['doctor'], secret, env);
  const own = checks.filter(({ name, status: is }) => name.startsWith('source crm/crm') && is === 'failed');
  expect(own.map(({ name }) => name)).toEqual([expected.doctor ?? 'source crm/crm']);
  expect(own[0]!.hint).toMatch(expected.hint);
}

const at = (url: string, login: string, database = 'crm'): string =>
  url.replace(/\/\/.*@/, `//${login}@`).replace(/\/[^/]*$/, `/${database}`);

describe('a database that is named badly', () => {
  it('by an engine there is not is told where it stands', async () => {
    cli.writeSets({ name: 'crm', databases: [{ name: 'crm', url: 'oracle://crm@127.0.0.1/crm' }] });
    const { code, stderr } = await cli.run(['backup']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /line 1, column \d+: .*must begin with mysql:\/\/.*write “command” for any other database/,
    );
  });

  it('by an engine there is not, in a variable, leaves the rest of the backup', async () => {
    await use({ name: 'crm', url: '${env:URL}' });
    const env = { URL: `oracle://crm:${SECRET}@127.0.0.1/crm` };
    const expected = {
      code: 'database-unreachable',
      sentence: /“oracle” is no database this version can read\./,
      hint: /Write its “url”/,
    };
    await mustFail(expected, SECRET, env);
  });

  it('by a secret nobody knows leaves the rest of the backup', async () => {
    await use({ name: 'crm', url: 'postgresql://crm:${secret:other}@127.0.0.1:1/crm' });
    const sentence = /uses the secret “other”, which is not known\./;
    await mustFail({ code: 'database-unreachable', sentence, hint: /Set CRM_BACKUP_SECRET_OTHER/ });
  });

  it('by a file there is not leaves the rest of the backup', async () => {
    await use({ name: 'crm', url: 'sqlite:var/gone.db' });
    await mustFail({ code: 'database-unreachable', sentence: /gone\.db/, hint: /Check|Correct/ });
  });

  it('by a port nobody listens on leaves the rest of the backup', async () => {
    for (const scheme of ['postgresql', 'mysql']) {
      await use({ name: 'crm', url: `${scheme}://crm:\${secret:db}@127.0.0.1:1/crm` });
      const hint = /(Start the server, or correct host and port|Check that the server runs)/;
      await mustFail({ code: 'database-unreachable', sentence: /127\.0\.0\.1:1/, hint });
      rmSync(join(cli.workspace, '.vscode/crm-backup.json'));
    }
  });
});

describe('a password with its signs written raw', () => {
  it.each(['postgresql', 'mysql'])('goes into no message and no name of a host: %s', async (scheme) => {
    for (const [login, where] of [
      ['crm:pa@ssw0rd-tail', /127\.0\.0\.1:1/],
      ['crm:12/ssw0rd-tail', /“@”/],
      ['crm:pa@b/ssw0rd-tail', /“@”/],
    ] as const) {
      await use({ name: 'crm', url: `${scheme}://${login}@127.0.0.1:1/crm` });
      const hint = /(Start the server|Check that the server runs|Write it as)/;
      await mustFail({ code: 'database-unreachable', sentence: where, hint }, 'ssw0rd-tail');
      rmSync(join(cli.workspace, '.vscode/crm-backup.json'));
    }
  });
});

describe.skipIf(!hasPostgres())('PostgreSQL', () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await startPostgres();
    url = server.url('crm');
    await server.sql('postgres', `CREATE ROLE clerk LOGIN PASSWORD '${SECRET}'`);
    await server.sql('postgres', 'CREATE DATABASE crm');
    await server.sql(
      'crm',
      'CREATE TABLE open (id int PRIMARY KEY); CREATE TABLE closed (id int PRIMARY KEY)',
    );
    await server.sql('crm', 'GRANT SELECT ON open TO clerk');
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  it('that is given a wrong password says so', async () => {
    await use({ name: 'crm', url: at(url, 'clerk:${secret:db}') });
    const sentence = /refused the user “clerk”: password authentication failed/;
    await mustFail(
      { code: 'database-unreachable', sentence, hint: /Check the user and the password/ },
      'wr0ng-P4ss',
    );
  });

  it('that has no such database says so', async () => {
    await use({ name: 'crm', url: at(url, 'clerk:${secret:db}', 'gone') });
    const sentence = /^There is no database “gone” on the PostgreSQL server at 127\.0\.0\.1:\d+\./;
    await mustFail({ code: 'database-unreachable', sentence, hint: /Check the database’s name/ });
  });

  it('that may not be read says what to grant', async () => {
    await use({ name: 'crm', url: at(url, 'clerk:${secret:db}') });
    await mustFail({
      code: 'database-unreachable',
      sentence: /failed: permission denied for table closed\./,
      hint: /GRANT pg_read_all_data TO "?clerk"?;/,
      doctor: 'source crm/crm privilege to read',
    });
  });

  it('keeps its password out of the arguments of its tools and removes the file it stands in', async () => {
    const tools = join(cli.scratch, 'tools');
    mkdirSync(tools);
    const seen = join(cli.scratch, 'seen');
    for (const tool of ['pg_dump', 'pg_restore']) {
      const spy = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >> ${seen}; env | sed 's/^/environment /' >> ${seen}; stat -c '%a %n' "\${PGPASSFILE:-/}" >> ${seen}`;
      writeFileSync(join(tools, tool), `#!/bin/bash\n${spy}\nexec ${join(server.tools, tool)} "$@"\n`);
      chmodSync(join(tools, tool), 0o755);
    }
    const login = 'root%20user:${secret:db}';
    await use({ name: 'crm', url: at(url, login), tools });
    expect((await told(['backup'], server.password)).status).toBe('complete');
    const text = readFileSync(seen, 'latin1');
    expect(text).toContain('--snapshot=');
    expect(text).toMatch(/^600 .*pgpass$/m);
    for (const spelled of [server.password, encodeURIComponent(server.password)]) {
      expect(text.replaceAll(/^environment CRM_BACKUP_SECRET_DB=.*$/gm, '')).not.toContain(spelled);
    }
  });

  it('removes what a killed process has left of its password', async () => {
    const left = join(cli.scratch, 'tmp/crm-backup-postgres-999999999-abc');
    mkdirSync(left);
    writeFileSync(join(left, 'pgpass'), '*:*:*:*:x');
    utimesSync(left, 1, 1);
    await use({ name: 'crm', url: at(url, 'root%20user:${secret:db}') });
    await told(['backup'], server.password);
  });

  it('whose disk is full says so, in a backup and in a restore, and keeps what it has', async ({ skip }) => {
    using disk = smallDisk('20m', skip);
    await server.sql('postgres', `CREATE TABLESPACE small LOCATION '${disk.folder}'`);
    await server.sql('postgres', 'CREATE DATABASE filled');
    const rows = (many: number): string =>
      `INSERT INTO r SELECT n, repeat(md5(n::text), 10) FROM generate_series(1, ${many}) n`;
    await server.sql(
      'filled',
      `CREATE TABLE first (id int); CREATE TABLE r (id int PRIMARY KEY, t text) TABLESPACE small; ALTER TABLE r ALTER t SET STORAGE PLAIN; ${rows(30_000)}`,
    );
    await use({ name: 'crm', url: at(url, 'root%20user:${secret:db}', 'filled') });
    expect((await told(['backup'], server.password)).status).toBe('complete');
    await server.sql('filled', "UPDATE r SET t = 'live' WHERE id = 1");
    const { code, stderr } = await cli.run(['restore', 'latest', '--no-safety-backup'], {
      env: { CRM_BACKUP_SECRET_DB: server.password },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /the disk of the PostgreSQL server at 127\.0\.0\.1:\d+ is full\.\nhint: Free space on the server/,
    );
    expect(await server.sql('filled', 'SELECT t FROM r WHERE id = 1')).toEqual([{ t: 'live' }]);
    // Sorting needs room, too.
    await server.sql('filled', `CREATE TABLE keyless AS SELECT * FROM r`);
    await server.sql('postgres', "ALTER DATABASE filled SET work_mem = '64kB'");
    await server.sql('postgres', "ALTER DATABASE filled SET temp_tablespaces = 'small'");
    disk.fill();
    const { status, problems } = await told(['backup'], server.password);
    expect(status).toBe('partial');
    expect(problems[0]!.message).toMatch(/failed: the disk of the PostgreSQL server .* is full\. Free space/);
    await server.sql('postgres', 'DROP DATABASE filled');
    await server.sql('postgres', 'DROP TABLESPACE small');
  });
});

describe.skipIf(!hasMariaDb)('MariaDB', () => {
  let server: MariaDbServer;
  let url: string;
  beforeAll(async () => {
    server = await startMariaDb();
    url = server.url('crm');
    await server.run(
      undefined,
      'CREATE DATABASE crm',
      'CREATE TABLE crm.open (id int PRIMARY KEY)',
      'CREATE TABLE crm.closed (id int PRIMARY KEY)',
      `CREATE USER clerk@'%' IDENTIFIED BY '${SECRET}'`,
      "GRANT SELECT ON crm.open TO clerk@'%'",
      `CREATE USER nobody@'%' IDENTIFIED BY '${SECRET}'`,
    );
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  it('that is given a wrong password says so', async () => {
    await use({ name: 'crm', url: at(url, 'clerk:${secret:db}') });
    const sentence = /Access denied for user 'clerk'@'\S+' \(using password: YES\)\./;
    await mustFail({ code: 'database-unreachable', sentence, hint: /Check user and password/ }, 'wr0ng-P4ss');
  });

  it('that has no such database says so', async () => {
    await use({ name: 'crm', url: at(url, 'root:${secret:db}', 'gone') });
    const root = decodeURIComponent(new URL(url).password);
    const sentence = /Unknown database 'gone'\./;
    await mustFail({ code: 'database-unreachable', sentence, hint: /Check the database’s name/ }, root);
  });

  it('that may not be read says what to grant', async () => {
    await use({ name: 'crm', url: at(url, 'nobody:${secret:db}') });
    const sentence = /Access denied for user 'nobody'@'\S+' to database 'crm'\./;
    await mustFail({ code: 'database-unreachable', sentence, hint: /Grant the privilege/ });
  });

  it('that may be read in part tells doctor what to grant', async () => {
    await use({ name: 'crm', url: at(url, 'clerk:${secret:db}') });
    const { checks } = await told(['doctor'], SECRET);
    const own = checks.filter(({ name, status }) => name.startsWith('source crm/crm') && status !== 'ok');
    expect(own.find(({ status }) => status === 'failed')!.hint).toMatch(
      /^GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON `crm`\.\* TO `clerk`@`%`$/,
    );
    const { status, problems } = await told(['backup'], SECRET);
    expect(status).toBe('partial');
    expect(problems[0]!.message).toMatch(
      /SELECT, .* may be missing unseen\. GRANT SELECT, .* ON `crm`\.\* TO `clerk`@`%`\./,
    );
  });

  it('whose disk is full says so, in a backup and in a restore, and keeps what it has', async ({ skip }) => {
    using disk = smallDisk('300m', skip);
    const { TMPDIR } = process.env;
    process.env['TMPDIR'] = disk.folder;
    let full: MariaDbServer;
    try {
      full = await startMariaDb();
    } finally {
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    }
    await using _full = full;
    const root = decodeURIComponent(new URL(url).password);
    await full.run(undefined, 'CREATE DATABASE crm');
    await full.run(
      'crm',
      'CREATE TABLE crm.r (id int PRIMARY KEY, t varchar(400) CHARACTER SET latin1)',
      'INSERT INTO crm.r SELECT seq, REPEAT(MD5(seq), 10) FROM seq_1_to_60000',
    );
    await use({ name: 'crm', url: at(full.url('crm'), 'root:${secret:db}') });
    expect((await told(['backup'], root)).status).toBe('complete');
    await full.run('crm', "UPDATE r SET t = 'live' WHERE id = 1");
    disk.fill(8_000_000);
    const { code, stderr } = await cli.run(['restore', 'latest', '--no-safety-backup'], {
      env: { CRM_BACKUP_SECRET_DB: root },
    });
    expect(stderr).toMatch(/\nhint: Free space on the server’s disk/);
    expect(code).toBe(1);
    expect(await full.rows('crm', 'SELECT t FROM r WHERE id = 1')).toEqual([['live']]);
  });
});

/** A file system of its own that is soon full. */
function smallDisk(
  size: string,
  skip: (why: string) => void,
): Disposable & { folder: string; fill(leave?: number): void } {
  const folder = join(cli.scratch, 'disk');
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=1777`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    skip('file systems cannot be mounted here');
  }
  for (const each of [join(cli.scratch, '..'), cli.scratch]) chmodSync(each, 0o755);
  execFileSync('chown', ['nobody', folder]);
  return {
    folder,
    fill: (leave = 0) => {
      const [, free = '0'] = execFileSync('df', ['-B1', '--output=avail', folder], {
        encoding: 'utf8',
      }).split('\n');
      const bytes = Math.max(0, Number(free) - leave);
      execFileSync('bash', ['-c', `head -c ${bytes} /dev/zero > ${join(folder, 'filler')} || true`], {
        stdio: 'ignore',
      });
    },
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', folder]);
    },
  };
}
