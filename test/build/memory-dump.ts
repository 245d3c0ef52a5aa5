import type {
  DatabaseAddress,
  DatabaseEngine,
  DatabaseInfo,
  DumpedTable,
  DumpProblem,
  DumpSink,
  DumpSource,
} from '../../src/core/database/engine.ts';
import { TableChecksum } from '../../src/core/database/table-checksum.ts';
import { tablePath } from '../../src/core/database/table-path.ts';

/** A dump that was taken, with all its bytes. */
export interface MemoryDump extends DumpSource {
  readonly content: ReadonlyMap<string, Buffer>;
  /** What was reported while it was taken. */
  readonly problems: readonly DumpProblem[];
  text(path: string): string;
}

/** Dumps a database into memory. `between` is run when the moment is fixed and nothing is read yet. */
export async function dumpToMemory(
  engine: DatabaseEngine,
  address: DatabaseAddress,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<MemoryDump> {
  await using connection = await engine.connect(address, {});
  await using snapshot = await connection.snapshot({});
  await between();
  const { sink, finish } = memorySink(address.name);
  return finish(await snapshot.dump(sink, {}));
}

/** A sink that keeps what it gets. `onWrite` sees every block of a table first, and may fail or wait. */
export function memorySink(
  name: string,
  onWrite: (table: string, block: Buffer) => Promise<void> | undefined = () => undefined,
): { readonly sink: DumpSink; readonly finish: (info: DatabaseInfo) => MemoryDump } {
  const content = new Map<string, Buffer>();
  const tables: DumpedTable[] = [];
  const problems: DumpProblem[] = [];
  const add = (path: string, bytes: Buffer) => {
    if (content.has(path)) throw new Error(`${path} was written twice`);
    content.set(path, bytes);
  };
  const sink: DumpSink = {
    object: (path, bytes) => add(path, Buffer.from(bytes)),
    table(head) {
      const path = tablePath(head.schema, head.name);
      const sum = new TableChecksum(head.key);
      const blocks: Buffer[] = [];
      return {
        write(block) {
          sum.update(block);
          blocks.push(Buffer.from(block));
          return onWrite(path, block);
        },
        abandon() {
          // What was written is kept nowhere else.
        },
        finish() {
          const { rows, bytes, checksum } = sum.value;
          add(path, Buffer.concat(blocks));
          tables.push({ ...head, path, rows, bytes, checksum });
          return Promise.resolve({ rows, checksum });
        },
      };
    },
    storedTable: (extra) => {
      throw new Error(`${extra.name} stands elsewhere`);
    },
    report: (problem) => problems.push(problem),
    stream: (path) => {
      throw new Error(`${path} is a stream`);
    },
  };
  const finish = (info: DatabaseInfo): MemoryDump => {
    const isTable = new Set(tables.map(({ path }) => path));
    return {
      name,
      // As it comes back from the vault.
      info: JSON.parse(JSON.stringify(info)) as DatabaseInfo,
      tables: tables.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))),
      objects: [...content]
        .filter(([path]) => !isTable.has(path))
        .map(([path, bytes]) => ({ path, bytes: bytes.length })),
      content,
      problems,
      text: (path) => content.get(path)?.toString('utf8') ?? '',
      async *read(path) {
        const bytes = content.get(path);
        if (bytes === undefined) throw new Error(`${path} is not in the dump`);
        await Promise.resolve();
        for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
      },
    };
  };
  return { sink, finish };
}
