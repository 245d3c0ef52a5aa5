import { objectText } from '../../core/compare/objects.ts';
import type { Comparisons } from '../comparisons.ts';
import { EngineError } from '../error.ts';
import type { Handler } from '../serve.ts';

/** An object of a live database beside that of a backup. */
export function liveObject(comparisons: Comparisons): Handler<'liveObject'> {
  return async ({ workspace, set, backup, path }, task) => {
    const [, database = '', object = ''] = /^databases\/([^/]+)\/(.+)$/.exec(path) ?? [];
    return comparisons.use(
      { workspace, set, from: backup, to: null },
      database,
      async ({ before, after }) => {
        const [old, live] = [await objectText(before, object), await objectText(after, object)];
        if (old === undefined && live === undefined) throw noObject(path);
        return { before: old?.length, live };
      },
      task,
    );
  };
}

function noObject(path: string): EngineError {
  return new EngineError('no-object', `There is no ${path} in the backup, and none now.`);
}
