import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../build/postgres-server.ts';

const cli = await useCli();

/** No Docker runs here: `docker` is a stand-in that is recorded and runs the real tools against a real server. */
describe.skipIf(!hasPostgres())(
  'a PostgreSQL server in Docker Compose (docker is a recorded stand-in)',
  () => {
    let server: PostgresServer;
    let env: Record<string, string>;
    let port: string;
    beforeAll(async () => {
      server = await startPostgres();
      ({ port } = new URL(server.url('postgres')));
      await server.sql('postgres', 'CREATE DATABASE crm');
      await server.sql('crm', 'CREATE TABLE customer (id int PRIMARY KEY, name text)');
      await server.sql(
        'crm',
        "INSERT INTO customer VALUES (1, 'Zoë'); CREATE VIEW names AS SELECT name FROM customer",
      );
    });
    afterAll(async () => server[Symbol.asyncDispose]());
    beforeEach(() => {
      mkdirSync(join(cli.scratch, 'bin'));
      writeFileSync(join(cli.workspace, 'kept'), 'kept');
      writeFileSync(join(cli.workspace, 'compose.yaml'), 'services: { db: { image: "postgres:15" } }\n');
      env = {
        PATH: `${join(cli.scratch, 'bin')}:${process.env['PATH'] ?? ''}`,
        CRM_BACKUP_SECRET_PG: server.password,
        DOCKER_HOST: 'unix:///run/user/1000/docker.sock',
      };
      standInForDocker(server.tools);
    });

    const calls = (): string[] => {
      const file = join(cli.scratch, 'calls');
      return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    };

    function standInForDocker(tools: string): void {
      const file = join(cli.scratch, 'bin/docker');
      const listed = JSON.stringify({
        Service: 'db',
        Publishers: [{ TargetPort: 5432, PublishedPort: Number(port) }],
      });
      writeFileSync(
        file,
        `#!/bin/bash
echo "$PWD $*" >> ${join(cli.scratch, 'calls')}
env >> ${join(cli.scratch, 'environment')}
case "$*" in
  "compose exec -T db "*) shift 4; PGHOST=127.0.0.1 PGPORT=${port} PATH=${tools}:/usr/bin:/bin exec "$@" ;;
  "compose exec -T "*) echo "service \\"$4\\" is not running" >&2; exit 1 ;;
  "compose ps --format json") echo '${listed}' ;;
  *) exit 125 ;;
esac
`,
      );
      chmodSync(file, 0o755);
    }

    async function use(tools: string | undefined): Promise<void> {
      const [user, at] = [encodeURIComponent('root user'), `127.0.0.1:${port}/crm`];
      const database = {
        name: 'crm',
        url: `postgresql://${user}:\${secret:pg}@${at}`,
        ...(tools === undefined ? {} : { tools }),
      };
      cli.writeSets({ name: 'crm', files: [{ root: '.', include: ['kept'] }], databases: [database] });
      await cli.must(['init', '--yes']);
    }

    it('is read with the tools of its container, and its password is in no argument and no variable of docker’s', async () => {
      await use('docker:db');
      const { value } = await cli.json(['backup'], { env });
      expect(value).toMatchObject({ status: 'complete', problems: [] });
      const schema = await cli.run(['cat', 'latest', 'databases/crm/schema/post-data.sql'], { env });
      const before = await cli.run(['cat', 'latest', 'databases/crm/schema/pre-data.sql'], { env });
      expect(before.text + schema.text).toContain('CREATE VIEW public.names');
      expect(calls().filter((call) => call.includes(' pg_dump '))).toHaveLength(2);
      expect(calls().filter((call) => call.includes(' pg_restore '))).toHaveLength(2);
      for (const call of calls()) {
        expect(call).toMatch(new RegExp(`^${cli.workspace} compose exec -T db `));
        expect(call).not.toContain(server.password);
      }
      const environment = readFileSync(join(cli.scratch, 'environment'), 'utf8');
      expect(environment).not.toContain(server.password);
      expect(environment).toContain('DOCKER_HOST=');
      await server.sql('crm', 'DELETE FROM customer');
      const restored = await cli.run(['restore', 'latest', '--end-sessions'], { env });
      expect([restored.stderr, restored.code]).toEqual(['', 0]);
      expect(await server.sql('crm', 'SELECT name FROM names')).toEqual([{ name: 'Zoë' }]);
    });

    it('is well for doctor, who says where the tools are', async () => {
      await use('docker:db');
      const { value } = await cli.json(['doctor'], { env });
      const { checks } = value as unknown as { checks: { name: string; status: string; detail: string }[] };
      expect(checks).toContainEqual(
        expect.objectContaining({
          name: 'source crm/crm client tools',
          status: 'ok',
          detail: expect.stringMatching(/^pg_dump \S+ in the container of “db” fits the server\.$/) as string,
        }),
      );
    });

    it('says when its container is not there, and everything else is backed up', async () => {
      await use('docker:web');
      const { value } = await cli.json(['backup'], { env });
      expect(value).toMatchObject({ status: 'partial' });
      expect(JSON.stringify(value)).toContain(
        'The tools in the container of “web” cannot be used: service \\"web\\" is not running. Start it with “docker compose up -d web”',
      );
      const text = (await cli.run(['cat', 'latest', 'kept'], { env })).text;
      expect(text).toBe('kept');
    });

    it('says when there is no docker', async () => {
      await use('docker:db');
      const { value } = await cli.json(['backup'], { env: { ...env, PATH: join(cli.scratch, 'nothing') } });
      expect(JSON.stringify(value)).toContain('Docker is not installed');
    });

    it('may not be named so that it would be an option', async () => {
      await expect(use('docker:--privileged')).rejects.toThrow('must name a service, as “docker:db”');
    });

    it('is found by its published port when this machine has no tools', async ({ skip }) => {
      const installed = dirname(dirname(server.tools));
      if (installed !== '/usr/lib/postgresql') skip('PostgreSQL is not where Debian puts it');
      await use(undefined);
      const away = join(cli.scratch, 'away');
      mkdirSync(away);
      standInForDocker(server.tools.replace(installed, away));
      // In a view of the file system of its own, where nothing is installed.
      const hide = `mount --bind ${installed} ${away} && mount -t tmpfs tmpfs ${installed} && exec "$@"`;
      const inView = async (...command: readonly string[]): Promise<string> => {
        const home = { CRM_BACKUP_HOME: cli.home, HOME: cli.workspace };
        const args = ['-m', 'bash', '-c', hide, 'bash', ...command];
        return (await promisify(execFile)('unshare', args, { cwd: cli.workspace, env: { ...env, ...home } }))
          .stdout;
      };
      try {
        await inView('true');
      } catch {
        skip('file systems cannot be mounted here');
      }
      const backup = [process.execPath, cli.script, 'backup', '--json'];
      expect(JSON.parse(await inView(...backup))).toMatchObject({ status: 'complete' });
      expect(calls()[0]).toBe(`${cli.workspace} compose ps --format json`);
      rmSync(join(cli.workspace, 'compose.yaml'));
      const without = await inView(...backup).catch((error: unknown) => (error as { stdout: string }).stdout);
      expect(JSON.parse(without)).toMatchObject({ status: 'partial' });
      expect(without).toContain('pg_dump and pg_restore are not installed');
      expect(without).toContain('docker:SERVICE');
    });
  },
);
