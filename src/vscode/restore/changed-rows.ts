import type { OfBackup } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import type { CallOptions } from '../engine.ts';
import type { TableChanges } from './plan-text.ts';

/**
 * The rows in which live databases differ from a backup, in the tables that are restored.
 * @param paths what is restored; none for everything
 */
export async function rowsThatDiffer(
  app: App,
  { workspace, set, backup }: OfBackup,
  paths: readonly string[],
  databases: readonly string[],
  options: CallOptions,
): Promise<TableChanges> {
  const versions = { workspace, set, from: backup, to: null, databases };
  const { tables, problems } = await app.engine.call('tables', versions, options);
  const isRestored = (entry: string): boolean =>
    paths.length === 0 || paths.some((path) => `${entry}/`.startsWith(`${path}/`));
  return {
    problems,
    tables: tables.filter(({ database, path }) => isRestored(`databases/${database}/${path}`)),
  };
}
