import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { firstLine, run } from '../measure.ts';
import { ownCommand } from './own-command.ts';
import type { Repository, Tool } from './tool.ts';

/** This tool, through its bundled command line `cli`, as a user runs it: encrypted, flushed to the disk. */
export function createCrmBackup(cli: string): Tool {
  return {
    name: 'CRM Backup',
    keepsTimes: true,
    keepsHistory: true,
    setup:
      '`dist/cli.js`: full first, then incremental; what V8 compiled while warming up is kept, as for any later run',

    async version() {
      if (!existsSync(cli)) return undefined;
      const version = await firstLine([process.execPath, cli, '--version']);
      return version === undefined ? undefined : `${version} on Node ${process.versions.node}`;
    },

    async open(tree: string, directory: string): Promise<Repository> {
      const workspace = join(directory, 'workspace');
      await mkdir(join(workspace, '.vscode'), { recursive: true });
      const set = { version: 1, sets: [{ name: 'bench', files: [{ root: tree }] }] };
      await writeFile(join(workspace, '.vscode/crm-backup.json'), JSON.stringify(set, null, 2));
      const command = ownCommand(cli, workspace, {
        CRM_BACKUP_HOME: join(directory, 'home'),
        // Shared by all rounds: each finds the program compiled, as any later command does.
        CRM_BACKUP_CACHE: join(dirname(directory), 'cache'),
      });
      const { vault } = JSON.parse(await run(command('init', '--yes'))) as { readonly vault: string };
      return {
        first: command('backup', '--kind', 'full'),
        again: () => command('backup', '--kind', 'incremental'),
        restore: (target) => command('restore', 'latest', '--to', target),
        restoredRoot: (target) => join(target, 'files/workspace'),
        stored: vault,
      };
    },
  };
}
