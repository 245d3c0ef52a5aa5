import { markHeapAtOnce } from '../worker/collector.ts';
import type { DatabaseAddress, DatabaseEngine } from './engine.ts';
import { DatabaseError } from './error.ts';

interface KnownEngine {
  /** As in `info.json`. */
  readonly name: string;
  /** Of URLs, without the colon. */
  readonly schemes: readonly string[];
  readonly load: () => Promise<DatabaseEngine>;
}

/** Every engine there is. Each is loaded when it is used. */
const ENGINES: readonly KnownEngine[] = [
  { name: 'sqlite', schemes: ['sqlite'], load: async () => (await import('./sqlite/engine.ts')).sqlite },
  {
    name: 'postgresql',
    schemes: ['postgresql', 'postgres'],
    load: async () => (await import('./postgres/engine.ts')).postgresql,
  },
  {
    name: 'mysql',
    schemes: ['mysql', 'mariadb'],
    load: async () => (await import('./mysql/engine.ts')).mysql,
  },
  // No URL: the set file has its commands.
  { name: 'command', schemes: [], load: async () => (await import('./command/engine.ts')).command },
];

/**
 * The engine of a database.
 * @throws {DatabaseError} `unknown-engine`.
 */
export async function engineAt({ name, url, command }: DatabaseAddress): Promise<DatabaseEngine> {
  if (command !== undefined) return engineNamed('command');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const known = ENGINES.find(({ schemes }) => schemes.includes(scheme ?? ''));
  if (known !== undefined) return loaded(known);
  const what = scheme === undefined ? 'An address without a scheme' : `“${scheme}”`;
  throw new DatabaseError('unknown-engine', `${what} is no database this version can read.`, {
    hint: `Write its “url” in the set file of “${name}” as one of ${listed()}.`,
  });
}

/**
 * The engine that has made a dump.
 * @throws {DatabaseError} `unknown-engine`.
 */
export async function engineNamed(name: string): Promise<DatabaseEngine> {
  const known = ENGINES.find((engine) => engine.name === name);
  if (known !== undefined) return loaded(known);
  throw new DatabaseError('unknown-engine', `A database of “${name}” cannot be restored by this version.`, {
    hint: 'Update CRM Backup to the version that took the backup, or a newer one.',
  });
}

async function loaded(known: KnownEngine): Promise<DatabaseEngine> {
  const engine = await known.load();
  markHeapAtOnce();
  return engine;
}

function listed(): string {
  return ENGINES.flatMap(({ schemes }) => schemes.map((scheme) => `${scheme}:`)).join(', ');
}
