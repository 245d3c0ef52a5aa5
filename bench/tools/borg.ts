import { join } from 'node:path';
import { firstLine, run } from '../measure.ts';
import type { Repository, Tool } from './tool.ts';

/** BorgBackup, encrypted as the others are, with zstd at the level the comparison is made at. */
export const borg: Tool = {
  name: 'borg',
  keepsTimes: true,
  keepsHistory: true,
  setup: '`--encryption repokey`, `--compression zstd,3`, caches as by default',

  async version() {
    const line = await firstLine(['borg', '--version']);
    return line?.match(/^borg (\S+)/)?.[1];
  },

  async open(tree: string, directory: string): Promise<Repository> {
    const stored = join(directory, 'repository');
    const environment = {
      BORG_REPO: stored,
      BORG_PASSPHRASE: 'benchmark',
      BORG_BASE_DIR: join(directory, 'home'),
    };
    await run({ argv: ['borg', 'init', '--encryption', 'repokey'], environment });
    let archives = 0;
    const create = () => {
      archives += 1;
      return {
        argv: ['borg', 'create', '--compression', 'zstd,3', `::backup-${String(archives)}`, '.'],
        cwd: tree,
        environment,
      } as const;
    };
    return {
      first: create(),
      again: create,
      restore: (target) => ({
        argv: ['borg', 'extract', `::backup-${String(archives)}`],
        cwd: target,
        environment,
      }),
      restoredRoot: (target) => target,
      stored,
    };
  },
};
