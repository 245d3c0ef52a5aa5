import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Opens the sample in VS Code with this extension, its backups below `home`: in the desktop one where there is
 * one, else in VS Code's server, whose address is printed and which runs until Ctrl-C.
 *
 * @returns whether the workspace is still in use
 */
export async function openInCode(
  project: string,
  workspace: string,
  home: string,
): Promise<'still-open' | 'closed'> {
  const environment = { ...process.env, CRM_BACKUP_HOME: home };
  const code = findDesktopCode();
  if (code !== undefined) {
    const child = spawn(code, ['--new-window', `--extensionDevelopmentPath=${project}`, workspace], {
      env: environment,
      stdio: 'inherit',
      shell: process.platform === 'win32', // code is a .cmd there
    });
    await finish(child);
    return 'still-open';
  }
  // Ctrl-C reaches the server too; it tidies up and this process then does.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  try {
    const host = join(project, 'scripts/vscode-host.mjs');
    const child = spawn(process.execPath, [host, 'open', workspace], { env: environment, stdio: 'inherit' });
    await finish(child);
  } finally {
    process.off('SIGINT', ignore);
  }
  return 'closed';
}

async function finish(child: ReturnType<typeof spawn>): Promise<void> {
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0 && status !== null)
    throw new Error(`VS Code could not be opened (status ${String(status)}).`);
}

/** The `code` command, where there is also a display to show a window on. */
function findDesktopCode(): string | undefined {
  const hasDisplay =
    process.platform !== 'linux' ||
    process.env['DISPLAY'] !== undefined ||
    process.env['WAYLAND_DISPLAY'] !== undefined;
  if (!hasDisplay) return undefined;
  const name = process.platform === 'win32' ? 'code.cmd' : 'code';
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
