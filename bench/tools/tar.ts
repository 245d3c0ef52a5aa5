import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { firstLine } from '../measure.ts';
import type { Repository, Tool } from './tool.ts';

/** A compressed tar archive: no encryption, no deduplication, no history; the floor to stay near. */
export const tar: Tool = {
  name: 'tar | zstd',
  keepsTimes: false,
  keepsHistory: false,
  setup: '`tar -c | zstd -3 -T0`; neither encrypted nor flushed to the disk',

  async version() {
    if ((await firstLine(['tar', '--version'])) === undefined) return undefined;
    const line = await firstLine(['zstd', '--version']);
    return line?.match(/v(\d[\d.]*)/)?.[1];
  },

  async open(tree: string, directory: string): Promise<Repository> {
    const stored = join(directory, 'repository');
    await mkdir(stored);
    const environment = { TREE: tree, ARCHIVE: join(stored, 'archive.tar.zst') };
    const first = {
      argv: ['sh', '-c', 'tar -C "$TREE" -cf - . | zstd -3 -T0 -q -f -o "$ARCHIVE"'],
      environment,
    } as const;
    return {
      first,
      again: () => first,
      restore: (target) => ({
        argv: ['sh', '-c', 'zstd -d -q -c "$ARCHIVE" | tar -C "$TARGET" -xpf -'],
        environment: { ...environment, TARGET: target },
      }),
      restoredRoot: (target) => target,
      stored,
    };
  },
};
