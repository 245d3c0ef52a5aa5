import { homedir } from 'node:os';
import type { DatabaseAddress } from '../database/engine.ts';
import { engineAt } from '../database/engines.ts';
import { CrmBackupError } from '../errors.ts';
import { secretsOf } from '../set/interpolation.ts';
import { resolveDatabase } from '../set/resolve.ts';
import type { SecretSource } from '../surroundings.ts';
import {
  DatabaseSwitcher,
  type JournalDatabase,
  openDatabase,
  type WorkedDatabase,
} from './database-targets.ts';
import { RestoreError } from './error.ts';

/** The databases of a journal, connected to again. Disposing closes the connections. */
export interface ReopenedDatabases extends AsyncDisposable {
  readonly switcher: DatabaseSwitcher;
  /** Those that could not be reached; the switcher has none of them. */
  readonly lost: readonly JournalDatabase[];
  /** Why. */
  readonly failure: Error | undefined;
}

/** Connects to the databases of a restore that died. Those that cannot be reached are left out and told. */
export async function reopenDatabases(
  databases: readonly JournalDatabase[],
  set: string,
  secret: SecretSource | undefined,
): Promise<ReopenedDatabases> {
  const worked: WorkedDatabase[] = [];
  const lost: JournalDatabase[] = [];
  let failure: Error | undefined;
  for (const journal of databases) {
    try {
      const address = await addressOf(journal, set, secret)();
      worked.push({ journal, open: await openDatabase(address, journal.target) });
    } catch (error) {
      if (!(error instanceof CrmBackupError)) throw error;
      lost.push(journal);
      failure ??= error;
    }
  }
  return {
    switcher: new DatabaseSwitcher(worked, failure),
    lost,
    failure,
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(worked.map(async ({ open }) => open[Symbol.asyncDispose]()));
    },
  };
}

/** The address as the set file had it, with the variables of this process. */
function addressOf(
  { name, source, workspace }: JournalDatabase,
  set: string,
  secret: SecretSource | undefined,
): () => Promise<DatabaseAddress> {
  if (source === undefined)
    throw new RestoreError('no-target', `Where database “${name}” is was not written down.`);
  const { env } = process;
  const variables = {
    env,
    userHome: homedir(),
    workspaceFolder: workspace,
    secret: secretsOf({ env, secret }, workspace),
  };
  return resolveDatabase(source, set, variables).address;
}

/** Where a restore may have left what a database was before, or would have become; in words. Needs no server. */
export async function besideOf({
  name,
  source,
  workspace,
  ticket,
}: JournalDatabase): Promise<readonly string[]> {
  if (source === undefined) return [];
  const { url = '', command } = source;
  try {
    const engine = await engineAt({
      name,
      url,
      workspace,
      ...(command && { command: { dump: '', restore: '' } }),
    });
    return engine.beside({ name, workspace }, ticket);
  } catch (error) {
    if (!(error instanceof CrmBackupError)) throw error;
    return [];
  }
}
