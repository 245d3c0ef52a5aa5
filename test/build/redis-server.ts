import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findTool } from '../../scripts/tools.mjs';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './tree.ts';

const run = promisify(execFile);
const PASSWORD = 'redis s3cret/%';
const START_TIMEOUT_MS = 10_000;

/** Whether this machine has Redis; tests skip by name where it has not. */
export const hasRedis = findTool('redis') !== undefined;

/** A Redis server of its own on a free port: `await using server = await startRedis()`. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly password: string;
  /** Where its `dump.rdb` is. */
  readonly folder: string;
  /** Shell commands that stop and start it, as a service manager would. */
  readonly stop: string;
  readonly start: string;
  /** What `redis-cli` prints. */
  cli(...args: readonly string[]): Promise<string>;
}

/** Makes an empty server and starts it. */
export async function startRedis(): Promise<RedisServer> {
  const folder = temporaryFolder();
  const port = await freePort();
  const options = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--requirepass', PASSWORD],
    ...[
      '--save',
      '',
      '--repl-diskless-sync-delay',
      '0',
      '--pidfile',
      `${folder.path}/pid`,
      '--logfile',
      `${folder.path}/log`,
    ],
  ];
  const quoted = options.map((option) => `'${option}'`).join(' ');
  const client = `redis-cli -p ${port}`;
  const login = `REDISCLI_AUTH='${PASSWORD}'`;
  const cli = async (...args: readonly string[]) => {
    const env = { ...process.env, REDISCLI_AUTH: PASSWORD };
    return (await run('redis-cli', ['-p', String(port), ...args], { env })).stdout;
  };
  const server: ChildProcess = spawn(findTool('redis')!, options, { stdio: 'ignore' });
  const end = Date.now() + START_TIMEOUT_MS;
  while (!(await cli('ping').catch(() => '')).includes('PONG')) {
    if (Date.now() > end || server.exitCode !== null) throw new Error('Redis did not start.');
    await wait(50);
  }
  return {
    port,
    password: PASSWORD,
    folder: folder.path,
    stop: `${login} ${client} shutdown nosave; while ${client} ping 2>/dev/null; do sleep 0.05; done`,
    start: `${findTool('redis')!} ${quoted} --daemonize yes; until ${login} ${client} ping | grep -q PONG; do sleep 0.05; done`,
    cli,
    async [Symbol.asyncDispose]() {
      await cli('shutdown', 'nosave').catch(() => undefined);
      await folder[Symbol.asyncDispose]();
    },
  };
}
