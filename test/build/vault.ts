import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LocalStorage } from '../../src/core/storage/local.ts';
import type { Storage } from '../../src/core/storage/storage.ts';
import { createSecret } from '../../src/core/vault/key.ts';
import { ManifestWriter } from '../../src/core/vault/manifest.ts';
import { comparePaths } from '../../src/core/vault/order.ts';
import type { BackupRecord, RecordContent } from '../../src/core/vault/record.ts';
import { Vault } from '../../src/core/vault/vault.ts';
import { ChunkWriter, type ContentKind } from '../../src/core/vault/writer.ts';
import type { WorkerPool } from '../../src/core/worker/pool.ts';
import { workerTasks } from '../../src/core/worker/tasks.ts';
import { bareRecord } from './bare-record.ts';
import { temporaryFolder } from './tree.ts';

/** A vault in a temporary folder: `await using built = await buildVault()`. */
export interface BuiltVault extends AsyncDisposable {
  /** The vault's own directory. */
  readonly directory: string;
  readonly storage: Storage;
  readonly secret: Buffer;
  readonly vault: Vault;
  /** The same vault as another process opens it. */
  readonly reopen: (storage?: Storage) => Promise<Vault>;
}

/** Makes an empty vault with a key file's secret. */
export async function buildVault(): Promise<BuiltVault> {
  const folder = temporaryFolder();
  const directory = join(folder.path, 'vault');
  const storage = new LocalStorage(directory);
  const secret = createSecret();
  const vault = await Vault.create(storage, 'key-file', { secret });
  return {
    directory,
    storage,
    secret,
    vault,
    reopen: async (other = new LocalStorage(directory)) => Vault.open(other, { secret }),
    [Symbol.asyncDispose]: async () => folder[Symbol.asyncDispose](),
  };
}

/** Content by path below `files/workspace`. */
export type Content = Readonly<Record<string, Uint8Array | string>>;

export interface StoreOptions {
  /** The backup this one is told against: what changed is stored as deltas against its content. */
  readonly base?: BackupRecord | undefined;
  readonly set?: string;
  readonly label?: string;
  readonly createdAt?: string;
  /** The size of the pieces content is cut into; by default it is cut as the vault's chunker says. */
  readonly pieceBytes?: number;
  readonly contentKind?: ContentKind;
  /** Ends before the record is written, as a killed backup does. */
  readonly unfinished?: boolean;
}

const ROOT = 'files/workspace';
/** A day in 2026, so that what is built is the same every time. */
const MTIME_NS = 1_772_000_000_000_000_000n;

/** Does at once what a pool does in its threads: with little content these would take longer to start. */
const inPlace = {
  size: 1,
  run: async (name: 'code', input: Parameters<typeof workerTasks.code>[0]) =>
    Promise.resolve(workerTasks[name](input).output),
} as unknown as WorkerPool;

/** Stores content as one backup, through the same writers a real backup uses. */
export async function storeBackup(
  vault: Vault,
  content: Content,
  options: StoreOptions = {},
): Promise<BackupRecord> {
  const { index, adopted } = await vault.writableIndex();
  const { base } = options;
  const settings = { selfContained: base === undefined, dryRun: false };
  const writer = new ChunkWriter(vault, index, inPlace, settings, adopted);
  const baseChunks = base === undefined ? new Map<string, Buffer>() : await chunksByPath(vault, base);
  const baseSegment = base?.manifest.find(({ root }) => root === ROOT);
  const manifest = new ManifestWriter(writer, ROOT, baseSegment);
  const metadata = { mode: 0o644, mtimeNs: MTIME_NS, ctimeNs: 0n, inode: 0n };
  manifest.add({ path: ROOT, type: 'directory', size: 0, chunks: Buffer.alloc(0), ...metadata });
  let total = 0;
  let source = 0;
  for (const name of Object.keys(content).sort(comparePaths)) {
    const bytes = Buffer.from(content[name]!);
    const path = `${ROOT}/${name}`;
    const ids: Buffer[] = [];
    const before = baseChunks.get(path) ?? Buffer.alloc(0);
    for (const piece of pieces(vault, bytes, options.pieceBytes)) {
      const candidates = before.subarray(ids.length * 32, ids.length * 32 + 64);
      ids.push(writer.put(options.contentKind ?? 'binary', piece, candidates));
      if (writer.isBusy) await writer.drain();
    }
    manifest.add({ path, type: 'file', size: bytes.length, chunks: Buffer.concat(ids), ...metadata });
    total++;
    source += bytes.length;
  }
  const segment = manifest.finish();
  await writer.finish();
  const record: RecordContent = {
    format: 1,
    set: options.set ?? 'test',
    kind: base === undefined ? 'full' : 'incremental',
    base: base?.id,
    createdAt: options.createdAt ?? new Date().toISOString(),
    durationMs: 1,
    status: 'complete',
    label: options.label,
    pinned: false,
    safety: false,
    sources: [
      {
        type: 'files',
        name: 'workspace',
        directory: '/somewhere',
        include: [],
        exclude: [],
        entries: total,
        bytes: source,
      },
    ],
    files: { total, added: total, modified: 0, deleted: 0, unchanged: 0 },
    tables: { total: 0, added: 0, modified: 0, deleted: 0, unchanged: 0 },
    bytes: { source, read: source, new: writer.written.new, stored: writer.written.stored },
    phases: {},
    problems: [],
    git: undefined,
    manifest: [segment],
  };
  if (options.unfinished) return { ...record, id: '', verifiedAt: undefined };
  const committed = await vault.commit(record);
  vault.forgetIndex();
  return committed;
}

/** A backup that could not read a path. */
export function unable(record: BackupRecord, path: string): BackupRecord {
  const message = 'The system denied permission to read it.';
  return { ...record, problems: [{ code: 'permission-denied', path, message, incomplete: true }] };
}

function* pieces(vault: Vault, bytes: Buffer, pieceBytes: number | undefined): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const length = pieceBytes ?? vault.chunker.cut(bytes, at, bytes.length);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function chunksByPath(vault: Vault, record: BackupRecord): Promise<Map<string, Buffer>> {
  const chunks = new Map<string, Buffer>();
  vault.forgetIndex();
  for await (const entry of vault.entries(record)) chunks.set(entry.path, Buffer.from(entry.chunks));
  return chunks;
}

/** What a backup holds, read back from the vault: content by path below `files/workspace`. */
export async function readBackup(vault: Vault, record: BackupRecord): Promise<Record<string, Buffer>> {
  const content = bareRecord<Buffer>();
  vault.forgetIndex();
  const index = await vault.index();
  for await (const entry of vault.entries(record)) {
    if (entry.type !== 'file') continue;
    const parts: Buffer[] = [];
    for await (const part of vault.reader.readContent(entry, index)) parts.push(part);
    content[entry.path.slice(ROOT.length + 1)] = Buffer.concat(parts);
  }
  return content;
}

/** A copy of a vault in a folder of its own. */
export async function copyVault(built: BuiltVault): Promise<BuiltVault> {
  const folder = temporaryFolder();
  const directory = join(folder.path, 'vault');
  cpSync(built.directory, directory, { recursive: true, preserveTimestamps: true });
  const { secret } = built;
  const storage = new LocalStorage(directory);
  return {
    directory,
    storage,
    secret,
    vault: await Vault.open(storage, { secret }),
    reopen: async (other = new LocalStorage(directory)) => Vault.open(other, { secret }),
    [Symbol.asyncDispose]: async () => folder[Symbol.asyncDispose](),
  };
}

/** Removes all locks, as the next process does with those of a dead one; here both are the same process. */
export function removeLocks(built: BuiltVault): void {
  rmSync(join(built.directory, 'locks'), { recursive: true, force: true });
}

/** Names of the objects in a folder of a vault, in order. */
export function objectsIn({ directory }: BuiltVault, folder: string): string[] {
  if (!existsSync(join(directory, folder))) return [];
  return readdirSync(join(directory, folder), { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name).slice(directory.length + 1))
    .sort();
}

/** Content with a few bytes changed. */
export function edited(content: Uint8Array | string, at: number): Buffer {
  const bytes = Buffer.from(content);
  bytes.write('edited', at);
  return bytes;
}
