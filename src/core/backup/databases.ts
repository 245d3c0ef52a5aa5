import { createHash } from 'node:crypto';
import type {
  DatabaseAddress,
  DatabaseConnection,
  DatabaseDescription,
  DatabaseSnapshot,
} from '../database/engine.ts';
import { engineAt } from '../database/engines.ts';
import { DatabaseError } from '../database/error.ts';
import { redactError, redactorOf } from '../database/redact.ts';
import type { BackupSet } from '../set/definition.ts';
import { SetError } from '../set/error.ts';
import type { Problem } from '../problem.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import type { ReadChunk } from '../vault/manifest.ts';
import { comparePaths } from '../vault/order.ts';
import type { BackupRecord } from '../vault/record.ts';
import type { Vault } from '../vault/vault.ts';
import type { ChunkWriter } from '../vault/writer.ts';
import { readDatabaseBase } from './database-base.ts';
import { DatabaseSink, type StoredDatabase } from './database-sink.ts';

/** A database of a set. */
export interface BackupDatabase {
  readonly name: string;
  /** As the set file has it, with its variables: by it another process finds it after a crash. */
  readonly source?: BackupSet['databases'][number];
  /** Why what is in it now may not be what it should be: a sentence for the backup. */
  readonly doubt?: string | undefined;
  /** Where it is. Secrets are asked for only now. @throws {SetError} `missing-variable`. */
  readonly address: () => Promise<DatabaseAddress>;
}

/** Where databases are backed up to. */
export interface DatabasesSink {
  readonly vault: Pick<Vault, 'chunker' | 'keys'>;
  readonly writer: ChunkWriter;
  readonly readManifestChunk: ReadChunk;
  readonly report: (problem: Problem) => void;
  /** The backup this one is told against. */
  readonly previous: BackupRecord | undefined;
  readonly startedAt: Date;
}

/** A database that went into the backup. */
export interface BackedUpDatabase extends StoredDatabase {
  readonly name: string;
}

/** The moment of all databases of a set. Disposing lets go of those that were not dumped. */
export interface FrozenDatabases extends AsyncDisposable {
  /**
   * Dumps all of them at once; those that fail are reported and left out.
   * @throws {CancelledError}, {StorageError}, {VaultError}
   */
  dump(sink: DatabasesSink, task: Task): Promise<BackedUpDatabase[]>;
}

interface Frozen {
  readonly name: string;
  readonly redact: (text: string) => string;
  readonly connection: DatabaseConnection;
  readonly snapshot: DatabaseSnapshot;
}

/**
 * Connects to all databases, then fixes the moment of each; what is dumped later is as it is now. Those that cannot be
 * reached are reported and left out.
 * @throws {CancelledError}; nothing stays open.
 */
export async function freezeDatabases(
  databases: readonly BackupDatabase[],
  report: (problem: Problem) => void,
  task: Task,
): Promise<FrozenDatabases> {
  const sorted = [...databases].sort((a, b) => comparePaths(a.name, b.name));
  for (const { name, doubt } of sorted) {
    if (doubt === undefined) continue;
    report({ code: 'database-unfinished', path: `databases/${name}`, message: doubt, incomplete: true });
  }
  const frozen: Frozen[] = [];
  const release = async (): Promise<void> => {
    await Promise.allSettled(
      frozen.splice(0).map(async ({ connection, snapshot }) => {
        await snapshot[Symbol.asyncDispose]();
        await connection[Symbol.asyncDispose]();
      }),
    );
  };
  // All are connected before the first moment is fixed: connecting may take its time.
  const connected = await Promise.allSettled(sorted.map(async (database) => connect(database, task)));
  const snapshots = await Promise.allSettled(
    connected.map(async (one) => {
      if (one.status === 'rejected') throw one.reason;
      try {
        frozen.push({ ...one.value, snapshot: await one.value.connection.snapshot(task) });
      } catch (error) {
        await one.value.connection[Symbol.asyncDispose]();
        throw redactError(error, one.value.redact);
      }
    }),
  );
  try {
    for (const [at, one] of snapshots.entries()) {
      if (one.status === 'rejected') report(problemOf(sorted[at]!.name, 'database-unreachable', one.reason));
    }
    throwIfCancelled(task);
  } catch (error) {
    await release();
    throw error;
  }
  return {
    dump: async (sink, dumpTask) => {
      const results = await Promise.allSettled(frozen.map(async (one) => dumpOne(one, sink, dumpTask)));
      const dumped: BackedUpDatabase[] = [];
      for (const [at, result] of results.entries()) {
        if (result.status === 'fulfilled') dumped.push(result.value);
        else sink.report(problemOf(frozen[at]!.name, 'database-failed', result.reason));
      }
      return dumped.sort((a, b) => comparePaths(a.name, b.name));
    },
    [Symbol.asyncDispose]: release,
  };
}

/**
 * Who answers where a database should be, and what is missing for backups and restores.
 * @throws {DatabaseError}, {SetError} when nobody does. {CancelledError}
 */
export async function describeDatabase(database: BackupDatabase, task: Task): Promise<DatabaseDescription> {
  const { connection, redact } = await connect(database, task);
  try {
    return await connection.describe(task);
  } catch (error) {
    throw redactError(error, redact);
  } finally {
    await connection[Symbol.asyncDispose]();
  }
}

async function connect(database: BackupDatabase, task: Task): Promise<Omit<Frozen, 'snapshot'>> {
  const address = await database.address();
  const redact = redactorOf(address.url);
  try {
    const engine = await engineAt(address);
    return { name: database.name, redact, connection: await engine.connect(address, task) };
  } catch (error) {
    throw redactError(error, redact);
  }
}

async function dumpOne(
  { name, snapshot, redact }: Frozen,
  sink: DatabasesSink,
  task: Task,
): Promise<BackedUpDatabase> {
  const { vault, writer, report, previous, startedAt, readManifestChunk } = sink;
  const root = `databases/${name}`;
  const baseSegment = previous?.manifest.find((segment) => segment.root === root);
  const total = snapshot.estimatedBytes;
  let done = 0;
  const database = new DatabaseSink({
    root,
    writer,
    chunker: vault.chunker,
    rowSeed: rowSeed(vault.keys.gear),
    base: await readDatabaseBase(baseSegment, readManifestChunk),
    baseSegment,
    startedAtNs: BigInt(startedAt.getTime()) * 1_000_000n,
    report,
    passed: (bytes) => {
      done += bytes;
      task.progress?.({
        phase: 'dump',
        done,
        unit: 'bytes',
        ...(total === undefined ? {} : { total: Math.max(total, done) }),
      });
      return task.pace?.(bytes);
    },
  });
  try {
    const info = await snapshot.dump(database, task);
    return { name, ...database.finish(info) };
  } catch (error) {
    throw redactError(error, redact);
  } finally {
    await snapshot[Symbol.asyncDispose]();
  }
}

/** What becomes of a failure: the backup goes on without the database, or with anything else it ends. */
function problemOf(name: string, code: 'database-unreachable' | 'database-failed', error: unknown): Problem {
  if (!(error instanceof DatabaseError || error instanceof SetError)) throw error;
  const { message, hint } = error;
  return {
    code,
    path: `databases/${name}`,
    message: hint === undefined ? message : `${message} ${hint}`,
    incomplete: true,
  };
}

/** A secret number of the vault that says nothing about its key. */
export function rowSeed(gear: Buffer): number {
  return createHash('sha256').update(gear).update('row chunks').digest().readUInt32LE(0);
}
