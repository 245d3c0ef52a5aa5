import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as NodeSqlite from 'node:sqlite';
import { DatabaseError } from '../error.ts';

type Sqlite = typeof NodeSqlite;
/** A database that is open. */
export type Connection = NodeSqlite.DatabaseSync;

/** Builtin modules by name; what this Node lacks is undefined, whatever its types say. */
const getBuiltin: (name: 'node:sqlite') => Sqlite | undefined = (name) => process.getBuiltinModule(name);

let loaded: Sqlite | undefined;
let backupWorks: Promise<boolean> | undefined;

/**
 * This runtime’s SQLite.
 * @throws {DatabaseError} `unsupported-runtime` when it has none.
 */
export function loadSqlite(): Sqlite {
  if (loaded !== undefined) return loaded;
  // Node says on stderr that it is experimental; whether it works is for us to find out (below).
  const warn = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) {
      (warn as (...all: unknown[]) => void)(warning, ...rest);
    }
  };
  try {
    loaded = getBuiltin('node:sqlite');
  } finally {
    process.emitWarning = warn;
  }
  if (loaded !== undefined) return loaded;
  throw new DatabaseError(
    'unsupported-runtime',
    `Node ${process.version} has no SQLite, so SQLite databases cannot be backed up.`,
    { hint: 'Use Node 22.19 or newer, 24.6 or newer, or VS Code 1.116 or newer.' },
  );
}

/**
 * Whether `backup()` works here; tried once on a tiny database. Electron is built with it, but nobody tests it there.
 */
export async function canBackUp(): Promise<boolean> {
  backupWorks ??= tryBackup().catch(() => false);
  return backupWorks;
}

async function tryBackup(): Promise<boolean> {
  const { DatabaseSync, backup } = loadSqlite();
  if (typeof (backup as unknown) !== 'function') return false;
  const target = join(tmpdir(), `crm-backup-probe-${randomBytes(8).toString('hex')}.sqlite`);
  const source = new DatabaseSync(':memory:');
  try {
    source.exec("CREATE TABLE probe (value); INSERT INTO probe VALUES ('works')");
    await backup(source, target, { rate: 1000 });
    const copy = new DatabaseSync(target);
    try {
      return copy.prepare('SELECT value FROM probe').get()?.['value'] === 'works';
    } finally {
      copy.close();
    }
  } finally {
    source.close();
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(target + end, { force: true });
  }
}
