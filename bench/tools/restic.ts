import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { firstLine, run } from '../measure.ts';
import type { Repository, Tool } from './tool.ts';

/** restic with its defaults: a version 2 repository, compression `auto`, its local cache on. */
export const restic: Tool = {
  name: 'restic',
  keepsTimes: true,
  keepsHistory: true,
  setup: 'repository version 2, `--compression auto`, cache as by default',

  async version() {
    const line = await firstLine(['restic', 'version']);
    return line?.match(/^restic (\S+)/)?.[1];
  },

  async open(tree: string, directory: string): Promise<Repository> {
    const stored = join(directory, 'repository');
    const passwordFile = join(directory, 'password');
    await writeFile(passwordFile, 'benchmark\n');
    await mkdir(join(directory, 'cache'));
    const environment = {
      RESTIC_REPOSITORY: stored,
      RESTIC_PASSWORD_FILE: passwordFile,
      RESTIC_CACHE_DIR: join(directory, 'cache'),
    };
    await run({ argv: ['restic', 'init', '--repository-version', '2'], environment });
    const first = {
      argv: ['restic', 'backup', '--compression', 'auto', '.'],
      cwd: tree,
      environment,
    } as const;
    return {
      first,
      again: () => first,
      restore: (target) => ({ argv: ['restic', 'restore', 'latest', '--target', target], environment }),
      restoredRoot: (target) => target,
      stored,
    };
  },
};
