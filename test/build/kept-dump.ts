import type {
  DatabaseEngine,
  DatabaseAddress,
  DumpedTable,
  DumpProblem,
  DumpSink,
  DumpSource,
  TableExtra,
} from '../../src/core/database/engine.ts';
import { TableChecksum } from '../../src/core/database/table-checksum.ts';
import { tablePath } from '../../src/core/database/table-path.ts';
import type { Task } from '../../src/core/task.ts';

/** A dump in memory, as a vault would give it back. */
export interface KeptDump extends DumpSource {
  readonly problems: readonly DumpProblem[];
  /** The content of an entry. */
  content(path: string): Buffer;
}

const PIECE_BYTES = 48 * 1024;

/** Dumps a database into memory. @param betweenTables Runs when the snapshot stands and before rows are read. */
export async function keepDump(
  engine: DatabaseEngine,
  address: DatabaseAddress,
  { task = {}, meanwhile }: { task?: Task; meanwhile?: () => Promise<void> } = {},
): Promise<KeptDump> {
  await using connection = await engine.connect(address, task);
  await using snapshot = await connection.snapshot(task);
  await meanwhile?.();
  const problems: DumpProblem[] = [];
  const contents = new Map<string, Buffer[]>();
  const tables: DumpedTable[] = [];
  const objects: string[] = [];
  const open = (path: string) => {
    if (contents.has(path)) throw new Error(`${path} comes twice.`);
    const blocks: Buffer[] = [];
    contents.set(path, blocks);
    return blocks;
  };
  const keep = (extra: TableExtra, path: string, bytes: number) => tables.push({ ...extra, path, bytes });
  const sink: DumpSink = {
    report: (problem) => problems.push(problem),
    object: (path, content) => {
      open(path).push(Buffer.from(content as string));
      objects.push(path);
    },
    table: (head) => {
      const path = tablePath(head.schema, head.name);
      const blocks = open(path);
      const checksum = new TableChecksum(head.key);
      return {
        // Blocks are used again by the engine once this promise is fulfilled.
        write: async (block) => {
          blocks.push(Buffer.from(block));
          checksum.update(block);
          await new Promise(setImmediate);
          block.fill(0);
        },
        abandon: () => void contents.delete(path),
        finish: async () => {
          const { bytes, ...sums } = checksum.value;
          keep({ ...head, ...sums }, path, bytes);
          return Promise.resolve(sums);
        },
      };
    },
    storedTable: (extra) => keep(extra, tablePath(extra.schema, extra.name), 0),
    stream: (path) => {
      const blocks = open(path);
      return {
        write: (block) => void blocks.push(Buffer.from(block)),
        finish: async () => Promise.resolve(),
      };
    },
  };
  const info = await snapshot.dump(sink, task);
  const content = (path: string) => Buffer.concat(contents.get(path) ?? []);
  return {
    name: address.name,
    problems,
    info,
    tables: tables.sort((a, b) => (a.path < b.path ? -1 : 1)),
    objects: objects.sort().map((path) => ({ path, bytes: content(path).length })),
    content,
    async *read(path) {
      const bytes = content(path);
      for (let at = 0; at < bytes.length; at += PIECE_BYTES)
        yield await Promise.resolve(bytes.subarray(at, at + PIECE_BYTES));
    },
  };
}
