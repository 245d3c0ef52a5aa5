import type { JSONPath } from 'jsonc-parser';
import type { Conflict } from './conflict.ts';
import { field, isEmptyList, isObject, list } from './plain-value.ts';
import { conflictsOfOffPeak, conflictsOfRepeats, conflictsOfSchedule } from './schedule-conflicts.ts';
import { foldedName } from './segment.ts';

/**
 * What is wrong between the values of a set file. It takes the plain value of the text, valid or not, so that these
 * mistakes are told together with wrong values.
 */
export function findConflicts(file: unknown): Conflict[] {
  const sets = list(file, 'sets');
  return [
    ...duplicates(sets, ['sets'], 'set'),
    ...sets.flatMap((set, index) => conflictsOfSet(set, ['sets', index])),
  ];
}

function conflictsOfSet(set: unknown, path: JSONPath): Conflict[] {
  const roots = list(set, 'files');
  const databases = list(set, 'databases');
  const conflicts = [
    ...duplicates(roots, [...path, 'files'], 'root', 'workspace'),
    ...duplicates(databases, [...path, 'databases'], 'database'),
    ...databases.flatMap((database, index) => conflictsOfDatabase(database, [...path, 'databases', index])),
    ...list(set, 'schedule').flatMap((entry, index) =>
      conflictsOfSchedule(entry, [...path, 'schedule', index]),
    ),
    ...conflictsOfReplicas(list(set, 'replicas'), [...path, 'replicas']),
  ];
  const empty = isObject(set) && isEmptyList(set['files']) && isEmptyList(set['databases']);
  if (empty) conflicts.push({ path, message: 'this set backs up nothing; give it “files” or “databases”' });

  const retention = field(set, 'retention');
  if (isObject(retention) && keepsNothing(retention)) {
    conflicts.push({
      path: [...path, 'retention'],
      message: '“retention” keeps no backup at all; leave it out to keep every one',
    });
  }
  conflicts.push(
    ...conflictsOfOffPeak(field(set, 'offPeak'), [...path, 'offPeak']),
    ...conflictsOfRepeats(list(set, 'schedule'), [...path, 'schedule']),
  );
  return conflicts;
}

/** Safety backups alone are no history. */
function keepsNothing(retention: object): boolean {
  return Object.entries(retention).every(([rule, count]) => rule === 'safetyDays' || count === 0);
}

function conflictsOfDatabase(database: unknown, path: JSONPath): Conflict[] {
  if (!isObject(database)) return [];
  const hasUrl = 'url' in database;
  const hasCommand = 'command' in database;
  if (!hasUrl && !hasCommand) {
    return [{ path, message: '“url” is missing, or “command” for a database saved by its own tools' }];
  }
  if (hasUrl && hasCommand) {
    return [{ path: [...path, 'command'], message: '“url” and “command” exclude each other' }];
  }
  if (hasCommand && 'tools' in database) {
    return [
      { path: [...path, 'tools'], message: '“tools” belongs to “url”; “command” names its tools itself' },
    ];
  }
  return [];
}

function conflictsOfReplicas(replicas: readonly unknown[], path: JSONPath): Conflict[] {
  return replicas.flatMap((replica, index) =>
    typeof replica === 'string' && replicas.indexOf(replica) < index
      ? [{ path: [...path, index], message: `the replica “${replica}” stands here twice` }]
      : [],
  );
}

/** Items whose names another item before them has, also where a disk ignores case. */
function duplicates(items: readonly unknown[], path: JSONPath, what: string, unnamed?: string): Conflict[] {
  const seen = new Set<string>();
  const conflicts: Conflict[] = [];
  items.forEach((item, index) => {
    if (!isObject(item)) return;
    const name = item['name'] ?? unnamed;
    if (typeof name !== 'string') return;
    const folded = foldedName(name);
    if (seen.has(folded)) {
      const place = 'name' in item ? [...path, index, 'name'] : [...path, index];
      const advice = 'name' in item ? 'names must differ' : 'give one of them a “name”';
      conflicts.push({ path: place, message: `the ${what} “${name}” stands here twice; ${advice}` });
    }
    seen.add(folded);
  });
  return conflicts;
}
