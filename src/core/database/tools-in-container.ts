import { existsSync } from 'node:fs';
import path from 'node:path';
import { systemCode } from '../errors.ts';
import type { Task } from '../task.ts';
import { DatabaseError } from './error.ts';
import { runTool, ToolFailure } from './run-tool.ts';

/*
 * Client tools in the container of a Docker Compose service: `docker compose exec -T SERVICE`. No secret is in an
 * argument, where all users of the machine could read it, nor in the container’s description, where `docker inspect`
 * shows it: it comes as the first line of the standard input, which a shell inside reads and makes a variable of.
 */

const COMPOSE_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const ASK_TIMEOUT_MS = 15_000;

/** How a tool is run in a container. */
export interface ContainerRun {
  /** Variables it gets, not secret. */
  readonly env: Readonly<Record<string, string>>;
  /** A variable that is secret; of its value nothing after a line break is taken. */
  readonly secret?: { readonly variable: string; readonly value: string } | undefined;
  readonly task: Task;
  readonly input?: Buffer | undefined;
  readonly onStderr?: ((text: string) => void) | undefined;
}

/** A running container of a Compose project. */
export interface Container {
  readonly service: string;
  /** Folder of the Compose file. */
  readonly project: string;
}

/** The service that `docker:SERVICE` names; undefined when it is a folder’s name. */
export function serviceOf(tools: string | undefined): string | undefined {
  return tools?.startsWith('docker:') === true ? tools.slice('docker:'.length) : undefined;
}

/**
 * Runs a program in a container to its end.
 * @throws {ToolFailure} {CancelledError} {DatabaseError} `missing-tool` without Docker.
 */
export async function runInContainer(
  { service, project }: Container,
  program: string,
  args: readonly string[],
  { env, secret, task, input, onStderr }: ContainerRun,
): Promise<Buffer> {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const inside = ['env', ...variables, program, ...args];
  const command =
    secret === undefined ? inside : ['sh', '-c', secretScript(secret.variable), 'sh', ...inside];
  const line = secret === undefined ? Buffer.alloc(0) : Buffer.from(`${secret.value}\n`);
  try {
    return await runTool('docker', ['compose', 'exec', '-T', service, ...command], {
      env: withoutOurs(process.env),
      cwd: project,
      task,
      input: Buffer.concat([line, input ?? Buffer.alloc(0)]),
      onStderr,
    });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new DatabaseError(
      'missing-tool',
      'Docker is not installed, so no tool of a container can be used.',
      {
        hint: 'Install Docker, or let “tools” in the set file name a folder with the tools.',
      },
    );
  }
}

/**
 * The container whose published port is a server’s, if the workspace has a Compose project with one; undefined when
 * there is none or Docker cannot say.
 */
export async function containerAt(
  workspace: string,
  { host, port }: { readonly host: string; readonly port: number },
  task: Task,
): Promise<Container | undefined> {
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (!isLocal || !COMPOSE_FILES.some((file) => existsSync(path.join(workspace, file)))) return undefined;
  const signal = AbortSignal.any([
    AbortSignal.timeout(ASK_TIMEOUT_MS),
    ...(task.signal ? [task.signal] : []),
  ]);
  try {
    const listed = await runTool('docker', ['compose', 'ps', '--format', 'json'], {
      env: withoutOurs(process.env),
      cwd: workspace,
      task: { signal },
    });
    const found = parseContainers(listed.toString('utf8')).find(({ Publishers }) =>
      Publishers?.some(({ PublishedPort }) => PublishedPort === port),
    );
    return found?.Service === undefined ? undefined : { service: found.Service, project: workspace };
  } catch (error) {
    if (task.signal?.aborted === true) throw error;
    return undefined;
  }
}

/** As `docker compose ps` tells of a container, as far as it matters here. */
interface ListedContainer {
  readonly Service?: string;
  readonly Publishers?: readonly { readonly PublishedPort?: number }[] | null;
}

/** One list in older versions, an object a line in newer ones. */
function parseContainers(text: string): ListedContainer[] {
  const documents = text.trimStart().startsWith('[')
    ? [text]
    : text.split('\n').filter((line) => line !== '');
  return documents.flatMap((document) => JSON.parse(document) as ListedContainer | ListedContainer[]);
}

/** What a container that cannot be used says of itself. */
export function containerFailure({ service }: Container, error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  if (!(error instanceof ToolFailure)) throw error;
  const last = error.stderr.trim().split('\n').at(-1) ?? '';
  const why = last === '' ? error.message : last.replace(/\.$/, '').slice(0, 300);
  return new DatabaseError(
    'missing-tool',
    `The tools in the container of “${service}” cannot be used: ${why}.`,
    {
      hint: `Start it with “docker compose up -d ${service}”, or correct “tools” in the set file.`,
    },
  );
}

function secretScript(variable: string): string {
  return `IFS= read -r ${variable} && export ${variable} && exec "$@"`;
}

function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^CRM_BACKUP_/i.test(name)));
}
