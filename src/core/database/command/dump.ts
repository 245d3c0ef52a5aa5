import { createHash } from 'node:crypto';
import type { DatabaseInfo, DatabaseSnapshot, DumpSink } from '../engine.ts';
import type { Task } from '../../task.ts';
import { DatabaseError } from '../error.ts';
import { type Commands, productOf } from './commands.ts';
import { startDump } from './run-dump.ts';

/** The entry of a backup that holds what the dump command wrote. */
export const DUMP = 'dump';

/** What is remembered of a dump besides its bytes. */
export interface DumpDetails {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Starts the dump command: its moment is the one its tool fixes at its beginning. What it writes waits until it is asked
 * for.
 */
export function takeSnapshot(commands: Commands): DatabaseSnapshot {
  const running = startDump(commands);
  return {
    estimatedBytes: undefined,
    dump: async (sink, task) => dump(commands, running.blocks(task), sink),
    [Symbol.asyncDispose]: async () => running[Symbol.asyncDispose](),
  };
}

async function dump(
  commands: Commands,
  blocks: AsyncIterable<Buffer>,
  sink: DumpSink,
): Promise<DatabaseInfo> {
  const stream = sink.stream(DUMP, 'content');
  const details = await passOn(commands, blocks, async (block) => stream.write(block));
  await stream.finish();
  return {
    engine: 'command',
    product: productOf(commands),
    database: commands.name,
    charset: undefined,
    collation: undefined,
    objects: {},
    details: { ...details },
  };
}

/**
 * Runs the dump command and hands on what it writes.
 * @throws {DatabaseError} `read-failed` also when it wrote nothing: a restore of nothing would be none.
 */
export async function dumpTo(
  commands: Commands,
  write: (block: Buffer) => Promise<void>,
  task: Task,
): Promise<DumpDetails> {
  await using running = startDump(commands);
  return await passOn(commands, running.blocks(task), write);
}

async function passOn(
  { name }: Commands,
  blocks: AsyncIterable<Buffer>,
  write: (block: Buffer) => Promise<void>,
): Promise<DumpDetails> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const block of blocks) {
    hash.update(block);
    bytes += block.length;
    await write(block);
  }
  if (bytes > 0) return { bytes, sha256: hash.digest('hex') };
  throw new DatabaseError(
    'read-failed',
    `The dump command of “${name}” wrote nothing to its standard output.`,
    {
      hint: 'Let it write the dump there and not to a file; see docs/databases.md.',
    },
  );
}
