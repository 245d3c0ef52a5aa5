import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { findTool } from '../../../scripts/tools.mjs';
import { presets } from '../../../src/core/set/command-presets.ts';
import { useCli } from '../../build/cli.ts';
import { hasPostgres, startPostgres } from '../../build/postgres-server.ts';
import { noiseOf } from '../../build/random-tree.ts';
import { hasRedis, startRedis } from '../../build/redis-server.ts';

const cli = await useCli();
let stands: string;
beforeEach(() => {
  stands = join(cli.scratch, 'bin');
  mkdirSync(stands);
});

/** A program that stands in for one this machine has not; it tells with what it was called. */
function standIn(name: string, script: string): void {
  const file = join(stands, name);
  writeFileSync(
    file,
    `#!/bin/bash\nprintf '%s\\n' "${name} $*" >> ${join(cli.scratch, 'calls')}\n${script}\n`,
  );
  chmodSync(file, 0o755);
}

const calls = (): string => readFileSync(join(cli.scratch, 'calls'), 'utf8');

/** Sets up a workspace with the preset of a product as its only database. */
async function usePreset(label: string, env: Record<string, string>): Promise<void> {
  const preset = presets.find((each) => each.label === label)!;
  await useCommand({ ...preset, env: { ...preset.env, ...env } });
}

async function useCommand({
  dump,
  restore,
  ...more
}: {
  dump: string;
  restore: string;
  env?: object;
}): Promise<void> {
  const command = { dump, restore, env: more.env ?? {} };
  const files = [{ root: '.', include: ['kept'] }];
  writeFileSync(join(cli.workspace, 'kept'), 'kept');
  cli.writeSets({ name: 'crm', files, databases: [{ name: 'legacy', command }] });
  await cli.must(['init', '--yes']);
}

function secrets(values: Record<string, string>): Record<string, string> {
  const named = Object.entries(values).map(([name, value]) => [`CRM_BACKUP_SECRET_${name}`, value] as const);
  return { ...Object.fromEntries(named), PATH: `${stands}:${process.env['PATH'] ?? ''}` };
}

async function run(args: readonly string[], env: Record<string, string>): Promise<string> {
  const { code, text, stderr } = await cli.run(args, { env });
  if (code !== 0) throw new Error(`crm-backup ${args.join(' ')} ended with ${code}: ${stderr}`);
  return text;
}

describe('the preset of', () => {
  it.skipIf(!hasPostgres())('a whole PostgreSQL server brings back every database and role', async () => {
    await using server = await startPostgres();
    const { port } = new URL(server.url('postgres'));
    const env = secrets({ POSTGRES: server.password });
    await server.sql('postgres', 'CREATE ROLE clerk LOGIN; ');
    await server.sql('postgres', 'CREATE DATABASE crm OWNER clerk');
    await server.sql(
      'crm',
      "CREATE TABLE customer (id int PRIMARY KEY, name text); INSERT INTO customer VALUES (1, 'Zoë')",
    );
    await usePreset('PostgreSQL, a whole server', { PGPORT: port, PGUSER: 'root user' });
    await run(['backup'], env);
    await server.sql('crm', 'DROP TABLE customer');
    await server.sql('postgres', 'CREATE DATABASE later');
    await server.sql('postgres', 'ALTER ROLE clerk NOLOGIN');
    await run(['restore', 'latest'], env);
    expect(await server.sql('crm', 'SELECT * FROM customer')).toEqual([{ id: 1, name: 'Zoë' }]);
    const [role] = await server.sql('postgres', "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'clerk'");
    expect(role).toEqual({ rolcanlogin: true });
    // A wrong password is told in the tool’s words, without the password.
    const wrong = await cli.json(['backup'], { env: secrets({ POSTGRES: 'wrong-pass-word' }) });
    expect(wrong.value.status).toBe('partial');
    expect(JSON.stringify(wrong.value)).toContain('password authentication failed');
    expect(JSON.stringify(wrong.value)).not.toContain('wrong-pass-word');
  });

  it.skipIf(!hasRedis)('Redis brings back every key (the service manager is a stand-in)', async () => {
    await using server = await startRedis();
    standIn('systemctl', `case "$1" in stop) ${server.stop} ;; start) ${server.start} ;; esac`);
    const env = secrets({ REDIS: server.password });
    await server.cli('set', 'customer:1', 'Zoë');
    await server.cli('zadd', 'ranks', '1.5', 'a', '2', 'b');
    await usePreset('Redis', { REDIS_PORT: String(server.port), REDIS_FOLDER: server.folder });
    await run(['backup'], env);
    await server.cli('flushall');
    await server.cli('set', 'later', 'x');
    await run(['restore', 'latest'], env);
    expect(await server.cli('get', 'customer:1')).toBe('Zoë\n');
    expect(await server.cli('zrange', 'ranks', '0', '-1', 'withscores')).toBe('a\n1.5\nb\n2\n');
    expect(await server.cli('dbsize')).toBe('2\n');
    expect(calls()).toBe('systemctl stop redis-server\nsystemctl start redis-server\n');
  });

  it.skipIf(findTool('ldap') === undefined)(
    'OpenLDAP brings back every entry (the service manager is a stand-in)',
    async () => {
      standIn('systemctl', '');
      const [config, folder] = ['config', 'ldap'].map((name) => join(cli.scratch, name)) as [string, string];
      mkdirSync(config);
      mkdirSync(folder);
      const admin = (tool: string, args: string[], input?: string): string =>
        execFileSync(join('/usr/sbin', tool), args, {
          encoding: 'utf8',
          input,
          stdio: ['pipe', 'pipe', 'ignore'],
        });
      const conf = join(cli.scratch, 'slapd.conf');
      writeFileSync(
        conf,
        `include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\nsuffix "o=crm"\nrootdn "cn=admin,o=crm"\ndirectory ${folder}\n`,
      );
      // It converts the configuration, then complains that there is no database yet.
      spawnSync('/usr/sbin/slaptest', ['-f', conf, '-F', config]);
      rmSync(join(folder, 'data.mdb'), { force: true });
      const people = (...names: readonly string[]): string =>
        [
          'dn: o=crm\nobjectClass: organization\no: crm\n',
          ...names.map((name) => `dn: cn=${name},o=crm\nobjectClass: person\ncn: ${name}\nsn: ${name}\n`),
        ].join('\n');
      admin('slapadd', ['-q', '-F', config, '-n', '1'], people('ada', 'zoe'));
      const all = (): string => admin('slapcat', ['-F', config, '-n', '1']);
      const before = all();
      expect(before).toContain('dn: cn=zoe,o=crm');
      const env = { ...secrets({}), PATH: `${stands}:/usr/sbin:${process.env['PATH'] ?? ''}` };
      await usePreset('OpenLDAP', { LDAP_CONFIG: config, LDAP_FOLDER: folder, LDAP_USER: 'root' });
      await run(['backup'], env);
      rmSync(join(folder, 'data.mdb'));
      admin('slapadd', ['-q', '-F', config, '-n', '1'], people('other'));
      await run(['restore', 'latest'], env);
      expect(all()).toBe(before);
    },
  );

  it('MongoDB hands the tools their address in no argument (recorded stand-ins for mongodump and mongorestore)', async () => {
    const archive = noiseOf(1, 300_000);
    const live = join(cli.scratch, 'live');
    writeFileSync(live, archive);
    const config = `for arg in "$@"; do case "$arg" in --config=*) cat "\${arg#--config=}" > ${join(cli.scratch, 'config')}`;
    standIn('mongodump', `${config} ;; esac; done; echo "done dumping" >&2; cat ${live}`);
    standIn('mongorestore', `${config} ;; esac; done; cat > ${live}`);
    const env = secrets({ MONGO: 'p4ss-of-mongo' });
    await usePreset('MongoDB', {});
    await run(['backup'], env);
    expect(readFileSync(join(cli.scratch, 'config'), 'utf8')).toBe(
      'uri: "mongodb://crm:p4ss-of-mongo@127.0.0.1:27017/crm?authSource=admin"\n',
    );
    writeFileSync(live, 'other');
    await run(['restore', 'latest'], env);
    expect(readFileSync(live).equals(archive)).toBe(true);
    expect(calls()).toMatch(/mongodump --config=\S+ --archive\n/);
    expect(calls()).toMatch(/mongorestore --config=\S+ --archive --drop\n/);
    expect(calls()).not.toContain('p4ss-of-mongo');
  });

  it('Oracle takes the dump from the server’s folder and leaves nothing there (recorded stand-ins for expdp and impdp)', async () => {
    const folder = join(cli.scratch, 'oracle');
    mkdirSync(folder);
    const live = join(cli.scratch, 'live');
    writeFileSync(live, noiseOf(2, 200_000));
    standIn('expdp', `echo "Export: Release 19.0"; cp ${live} "$ORACLE_FOLDER/crm.dmp"`);
    standIn('impdp', `echo "Import: Release 19.0"; cp "$ORACLE_FOLDER/crm.dmp" ${live}`);
    await usePreset('Oracle Data Pump', { ORACLE_FOLDER: folder });
    const env = secrets({});
    await run(['backup'], env);
    writeFileSync(live, 'other');
    await run(['restore', 'latest'], env);
    expect(readFileSync(live).equals(noiseOf(2, 200_000))).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
    expect(calls()).toContain('expdp /@CRM schemas=CRM directory=CRM_BACKUP dumpfile=crm.dmp');
    standIn('expdp', 'echo "ORA-31626: job does not exist" >&2; exit 1');
    const failed = await cli.json(['backup'], { env });
    expect(JSON.stringify(failed.value)).toContain('ORA-31626: job does not exist');
  });

  it('SQL Server backs up and restores in the server’s folder (recorded stand-in for sqlcmd)', async () => {
    const folder = join(cli.scratch, 'mssql');
    mkdirSync(folder);
    const live = join(cli.scratch, 'live');
    writeFileSync(live, noiseOf(3, 200_000));
    standIn(
      'sqlcmd',
      `[ "$SQLCMDPASSWORD" = mssql-p4ss ] || exit 1; file=$(sed -E "s/.*DISK = '([^']*)'.*/\\1/" <<< "$*"); case "$*" in *"BACKUP DATABASE"*) cp ${live} "$file" ;; *"RESTORE DATABASE"*) cp "$file" ${live} ;; esac`,
    );
    await usePreset('SQL Server', { MSSQL_FOLDER: folder });
    const env = secrets({ MSSQL: 'mssql-p4ss' });
    await run(['backup'], env);
    writeFileSync(live, 'other');
    await run(['restore', 'latest'], env);
    expect(readFileSync(live).equals(noiseOf(3, 200_000))).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
    expect(calls()).toContain('SET SINGLE_USER WITH ROLLBACK IMMEDIATE; RESTORE DATABASE [crm]');
    expect(calls()).not.toContain('mssql-p4ss');
  });
});

describe('a database by command', () => {
  it('keeps its secret out of arguments, logs, JSON, the vault’s names and files', async () => {
    const secret = 's3cret-Of-The-Tool';
    const seen = join(cli.scratch, 'seen');
    // Every process of this user, as anybody can list them while the dump runs.
    const dump = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' > ${seen}; printf 'dump of %s' "\${#TOKEN}"; echo "error: $TOKEN" >&2; test -z "$FAIL"`;
    const env = secrets({ TOOL: secret });
    await useCommand({
      dump,
      restore: 'cat > /dev/null',
      env: { TOKEN: '${secret:tool}', FAIL: '${env:FAIL}' },
    });
    const printed: string[] = [];
    for (const [args, fail] of [
      [['backup', '--json'], ''],
      [['backup'], 'yes'],
      [['backup', '--json'], 'yes'],
      [['doctor', '--json'], ''],
      [['show', 'latest', '--json'], ''],
      [['cat', 'latest', 'databases/legacy/info.json'], ''],
      [['restore', 'latest', '--json'], ''],
      [['list', '--json'], ''],
    ] as const) {
      const { text, stderr } = await cli.run(args, { env: { ...env, FAIL: fail, CRM_BACKUP_DEBUG: '1' } });
      printed.push(text, stderr);
    }
    expect(printed.join('')).toContain('error: •••');
    expect(printed.join('')).not.toContain(secret);
    const processes = readFileSync(seen, 'latin1');
    expect(processes).toContain('pipefail');
    expect(processes).not.toContain(secret);
    const grep = (folder: string): string =>
      execFileSync('bash', ['-c', `grep -rlF '${secret}' '${folder}' || true`], { encoding: 'utf8' });
    for (const folder of [cli.workspace, cli.home, cli.scratch]) expect(grep(folder)).toBe('');
  });

  it('hides what the set file itself says of its environment, but for what explains a failure', async () => {
    const env = {
      TOKEN: 'literal-Secret-1',
      ADDRESS: 'mongodb://crm:hunter2@10.0.0.1/crm',
      HOST: '127.0.0.1',
      FOLDER: '/var/lib/crm',
      CHARSET: 'utf8',
      DEBUG: '1',
    };
    const dump = 'echo "error: $TOKEN hunter2 $HOST $FOLDER $CHARSET $DEBUG" >&2; exit 1';
    await useCommand({ dump, restore: 'cat', env });
    const { text } = await cli.run(['backup', '--json']);
    expect(text).toContain('error: ••• ••• 127.0.0.1 /var/lib/crm utf8 1.');
  });

  it('says what doctor can know of it without running it', async () => {
    const checked = { dump: 'touch ran && cat x', restore: 'no-such-loader' };
    const later = { dump: 'PATH=$PWD/bin:$PATH mydump', restore: 'cat > x' };
    await useCommand(checked);
    cli.writeSets({
      name: 'crm',
      files: [{ root: '.', include: ['kept'] }],
      databases: [
        { name: 'legacy', command: checked },
        { name: 'later', command: later },
      ],
    });
    const { value } = await cli.json(['doctor']);
    const { checks } = value as unknown as {
      checks: { name: string; status: string; detail: string; hint: string }[];
    };
    const own = checks.filter(({ name }) => name.startsWith('source crm/legacy'));
    expect(own.map(({ name, status }) => `${name}: ${status}`)).toEqual([
      'source crm/legacy: ok',
      'source crm/legacy dump command: ok',
      'source crm/legacy restore command: failed',
    ]);
    expect(own[2]).toMatchObject({ detail: 'The program “no-such-loader” was not found.' });
    expect(checks.find(({ name }) => name === 'source crm/later dump command')?.status).toBe('warning');
    expect(existsSync(join(cli.workspace, 'ran'))).toBe(false);
  });

  it.each([1, 2])('is ended with all it has started by %i Ctrl-C', async (times) => {
    const dump = `sleep 600 & echo $! > child; trap '' TERM; echo begun; while :; do sleep 0.2; done`;
    await useCommand({ dump, restore: 'cat' });
    const file = join(cli.workspace, 'child');
    let process: { kill(signal: NodeJS.Signals): void } | undefined;
    const running = cli.run(['backup'], { started: (started) => (process = started) });
    await expect
      .poll(() => existsSync(file) && readFileSync(file, 'utf8') !== '', { timeout: 30_000 })
      .toBe(true);
    for (let time = 0; time < times; time++) {
      process!.kill('SIGINT');
      await wait(500);
    }
    expect((await running).code).toBe(130);
    await expect.poll(() => existsSync(`/proc/${readFileSync(file, 'utf8').trim()}`)).toBe(false);
    expect((await cli.json(['list'])).value.backups).toEqual([]);
  });

  it('goes back with files and other databases when one of them cannot be restored', async () => {
    const databases = ['one', 'two'].map((name) => {
      const restore = name === 'one' ? 'cat > one.db' : 'cat > two.db && ! grep -q bad two.db';
      return { name, command: { dump: `cat ${name}.db`, restore } };
    });
    cli.writeSets({ name: 'crm', files: [{ root: '.', include: ['kept'] }], databases });
    const write = (...contents: readonly string[]): void => {
      for (const [at, name] of ['kept', 'one.db', 'two.db'].entries())
        writeFileSync(join(cli.workspace, name), contents[at]!);
    };
    const read = (): string[] =>
      ['kept', 'one.db', 'two.db'].map((name) => readFileSync(join(cli.workspace, name), 'utf8'));
    write('a', 'b', 'bad');
    await cli.must(['init', '--yes'], ['backup']);
    write('later', 'later', 'later');
    const { code, stderr } = await cli.run(['restore', 'latest']);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'The restore command of “two” ended with exit code 1.\nhint: Run the “restore” command',
    );
    expect(read()).toEqual(['later', 'later', 'later']);
    expect(readdirSync(cli.workspace).filter((name) => name.startsWith('.crm-backup'))).toEqual([]);
  });

  it('is run by a plain sh where there is no bash, but for pipes it could not check', async ({ skip }) => {
    const nothing = join(cli.scratch, 'nothing');
    writeFileSync(nothing, '');
    const script = `mount --bind ${nothing} "$(readlink -f /bin/bash)" && ! sh -o pipefail -c : 2>/dev/null && exec "$@"`;
    const env = { CRM_BACKUP_HOME: cli.home, PATH: process.env['PATH'], HOME: cli.workspace };
    const withoutBash = (...command: readonly string[]): string => {
      const args = ['-m', 'sh', '-c', script, 'sh', ...command];
      const { stdout, status } = spawnSync('unshare', args, { cwd: cli.workspace, env, encoding: 'utf8' });
      return status === null ? '' : stdout;
    };
    if (withoutBash('echo', 'it works') !== 'it works\n') skip('bash cannot be hidden here');
    const live = join(cli.workspace, 'live');
    writeFileSync(live, 'one\n');
    await useCommand({ dump: 'cat live; cat kept', restore: 'cat > live' });
    const cliHere = [process.execPath, cli.script];
    expect(JSON.parse(withoutBash(...cliHere, 'backup', '--json'))).toMatchObject({ status: 'complete' });
    writeFileSync(live, 'two\n');
    withoutBash(...cliHere, 'restore', 'latest');
    expect(readFileSync(live, 'utf8')).toBe('one\nkept');
    rmSync(join(cli.workspace, '.vscode/crm-backup.json'));
    await useCommand({ dump: 'false | cat live', restore: 'cat > live' });
    const refused = withoutBash(...cliHere, 'backup', '--json');
    expect(refused).toContain('use a pipe, and /bin/sh does not tell when its beginning fails. Install bash');
  });

  it('may not have a secret in its command', async () => {
    const command = { dump: 'tool -p ${secret:db}', restore: 'cat' };
    cli.writeSets({ name: 'crm', databases: [{ name: 'legacy', command }] });
    const { code, stderr } = await cli.run(['backup']);
    expect(code).toBe(1);
    expect(stderr).toContain('“dump” uses ${secret:db}, which others could read in the list of processes');
  });

  it('whose restore is killed in the middle is loaded to its end by the next start', async () => {
    const live = join(cli.workspace, 'live');
    const content = noiseOf(5, 400_000);
    writeFileSync(live, content);
    const restore =
      'touch loading && sleep 1 && cat > live && sleep "$(cat pause 2>/dev/null || echo 0)" && echo loaded >> log';
    await useCommand({ dump: 'cat live', restore });
    await cli.must(['backup']);
    writeFileSync(live, 'other');
    writeFileSync(join(cli.workspace, 'pause'), '1');
    let process: { kill(signal: NodeJS.Signals): void } | undefined;
    const killed = cli.run(['restore', 'latest'], { started: (started) => (process = started) });
    await expect.poll(() => existsSync(join(cli.workspace, 'loading')), { timeout: 30_000 }).toBe(true);
    process!.kill('SIGKILL');
    await killed;
    const [folder = ''] = readdirSync(cli.workspace).filter((name) =>
      name.startsWith('.crm-backup-database'),
    );
    expect(statSync(join(cli.workspace, folder)).mode & 0o777).toBe(0o700);
    // What was killed goes on by itself; the next start waits for it, then does it again.
    await cli.must(['restore', 'latest']);
    expect(readFileSync(live).equals(content)).toBe(true);
    expect(readFileSync(join(cli.workspace, 'log'), 'utf8')).toBe('loaded\nloaded\nloaded\n');
    expect(readdirSync(cli.workspace).filter((name) => name.startsWith('.crm-backup'))).toEqual([]);
  });
});
