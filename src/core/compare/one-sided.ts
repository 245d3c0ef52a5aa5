import type { Problem } from '../problem.ts';
import { isWithin } from '../vault/order.ts';
import type { BackupRecord } from '../vault/record.ts';

type Compared = Pick<BackupRecord, 'id' | 'manifest'>;

/** Whether a backup has anything of a database. */
export function hasDatabase({ manifest }: Pick<Compared, 'manifest'>, name: string): boolean {
  return manifest.some(({ root }) => root === `databases/${name}`);
}

/**
 * What of two backups cannot be compared, a problem each: databases that only one of them has. That the other was taken
 * without them does not mean that all their rows came or went.
 */
export function oneSidedDatabases(from: Compared, to: Compared): Problem[] {
  const roots = new Set([...from.manifest, ...to.manifest].map(({ root }) => root));
  return [...roots]
    .filter((root) => isWithin(root, 'databases'))
    .map((root) => root.slice('databases/'.length))
    .flatMap((name) => {
      const without = [from, to].find((backup) => !hasDatabase(backup, name));
      return without === undefined ? [] : [lacksDatabase(without, name)];
    });
}

/** Says that a backup has nothing of a database that it is compared with. */
export function lacksDatabase({ id }: Pick<Compared, 'id'>, name: string): Problem {
  const message = `Backup ${id.slice(0, 8)} does not have database “${name}”, so there is nothing to compare.`;
  return { code: 'database-incomplete', path: `databases/${name}`, message, incomplete: true };
}

/** Says that a set does not name a database any more that a backup of it has. */
export function notInSet(name: string): Problem {
  const message = `The set has no database “${name}” any more, so there is nothing to compare.`;
  return { code: 'database-incomplete', path: `databases/${name}`, message, incomplete: true };
}
