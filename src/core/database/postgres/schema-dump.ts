import { type CrmBackupError } from '../../errors.ts';
import type { Task } from '../../task.ts';
import { DatabaseError } from '../error.ts';
import { ToolFailure } from '../run-tool.ts';
import { exampleToRead } from './privileges.ts';
import type { Server } from './session.ts';
import { settingsIn } from './schema-text.ts';
import type { ClientTools } from './tools.ts';

/** The schema in two texts: what rows need, and what comes when they are in. */
export interface SchemaDump {
  readonly preData: string;
  readonly postData: string;
}

/** pg_dump at work. */
export interface RunningSchemaDump {
  /** Resolves when it has locked all tables, or has ended. */
  readonly locked: Promise<void>;
  /** @throws {DatabaseError} `changed-while-reading`, `missing-privilege`, `read-failed`. {CancelledError} */
  readonly schema: Promise<SchemaDump>;
}

/** What pg_dump says when its locks are taken. */
const LOCKED = 'reading user-defined functions';
const LOCK_TIMEOUT_MS = 5000;

/** Starts pg_dump on an exported snapshot. */
export function startSchemaDump(
  server: Server,
  tools: ClientTools,
  snapshot: string,
  task: Task,
): RunningSchemaDump {
  let haveLocked: () => void = () => undefined;
  const locked = new Promise<void>((resolve) => (haveLocked = resolve));
  const dumpSchema = async (): Promise<SchemaDump> => {
    const args = [
      '--format=custom',
      '--compress=0',
      '--section=pre-data',
      '--section=post-data',
      '--no-blobs',
    ];
    for (const beside of ['new', 'old']) args.push(`--exclude-schema=crm_backup_${beside}_*`);
    args.push(
      `--snapshot=${snapshot}`,
      '--verbose',
      '--no-password',
      `--lock-wait-timeout=${LOCK_TIMEOUT_MS}`,
    );
    const onStderr = (text: string) => {
      if (text.includes(LOCKED)) haveLocked();
    };
    const dump = await tools.run('pg_dump', args, server.address, { task, onStderr });
    const section = async (name: string) => {
      const options = { task, input: dump };
      const text = await tools.run('pg_restore', [`--section=${name}`, '--file=-'], server.address, options);
      return entriesOnly(text.toString('utf8'));
    };
    const [preData, postData] = await Promise.all([section('pre-data'), section('post-data')]);
    return { preData, postData };
  };
  const schema = dumpSchema().catch((error: unknown) => {
    throw failureOf(error, server);
  });
  schema.then(haveLocked, haveLocked);
  return { locked, schema };
}

/**
 * The statements without what pg_dump writes around them: settings that a restore has its own of, versions, and the
 * random key of `\restrict`, which would make every dump another.
 */
function entriesOnly(text: string): string {
  const first = text.search(/^--\n-- Name: /m);
  if (first < 0) return '';
  const end = text.lastIndexOf('\n--\n-- PostgreSQL database dump complete\n--');
  // Where the first table belongs stands before it, among what is left out.
  const settings = settingsIn(text.slice(0, first)).map((line) => `${line}\n\n`);
  return `${settings.join('')}${text.slice(first, end < 0 ? undefined : end).trimEnd()}\n`;
}

function failureOf(error: unknown, server: Server): CrmBackupError {
  if (!(error instanceof ToolFailure)) return server.failures.of(error, 'Reading the schema');
  const [said = 'it gave no reason'] = /(?:error: |ERROR: {2}).*/.exec(error.stderr)?.[0].split('\n') ?? [
    error.stderr.trim().split('\n').at(-1) ?? '',
  ];
  const message = `Reading the schema failed: ${error.message}: ${server.failures.redact(said).replace(/\s+/g, ' ').slice(0, 300)}.`;
  if (/lock timeout|could not obtain lock|cache lookup failed|could not open relation/.test(error.stderr)) {
    return new DatabaseError('changed-while-reading', message, {
      hint: 'Run the backup again when the migration is done.',
    });
  }
  if (error.stderr.includes('permission denied')) {
    return new DatabaseError('missing-privilege', message, {
      hint: exampleToRead(server.address.user),
    });
  }
  if (/server closed the connection|terminating connection|connection to server/.test(error.stderr)) {
    return new DatabaseError('connection-lost', message, {
      hint: 'Look into the server’s log, then try again.',
    });
  }
  if (error.stderr.includes('No space left on device')) {
    const { host, port } = server.address;
    const full = `Reading the schema failed: the disk of the PostgreSQL server at ${host.startsWith('/') ? host : `${host}:${port}`} is full.`;
    return new DatabaseError('no-space', full, { hint: 'Free space on the server and try again.' });
  }
  return new DatabaseError('read-failed', message, {
    hint: 'Run pg_dump by hand to see more, then try again.',
  });
}
