import { createHash } from 'node:crypto';
import path from 'node:path';
import { upperCaseDrive } from './path/drive.ts';

/** The names and values of environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

const SLUG_LENGTH = 40;

/**
 * The folder with everything the tool keeps for its user (default vaults, keys, caches): `CRM_BACKUP_HOME`, else
 * the platform's place for data. `osHome` is the user's home folder; a relative `CRM_BACKUP_HOME` counts from
 * `cwd`. Pure: the folder is not created.
 */
export function homeDirectory(
  env: Environment,
  platform: NodeJS.Platform,
  osHome: string,
  cwd: string = process.cwd(),
): string {
  const paths = pathsOf(platform);
  const chosen = env['CRM_BACKUP_HOME'];
  if (chosen) return paths.resolve(cwd, chosen);
  if (platform === 'win32') {
    return paths.join(env['LOCALAPPDATA'] || paths.join(osHome, 'AppData', 'Local'), 'crm-backup');
  }
  if (platform === 'darwin') return paths.join(osHome, 'Library', 'Application Support', 'crm-backup');
  // The XDG specification has relative paths ignored.
  const data = env['XDG_DATA_HOME'];
  const base = data && paths.isAbsolute(data) ? data : paths.join(osHome, '.local', 'share');
  return paths.join(base, 'crm-backup');
}

/**
 * Where a workspace's backups go unless its sets say otherwise; all its sets share one vault.
 * `workspaceRealPath` comes from `fs.realpath.native`, so that every spelling of one folder gives one vault.
 */
export function defaultVaultDirectory(
  home: string,
  workspaceRealPath: string,
  platform: NodeJS.Platform = process.platform,
): string {
  const paths = pathsOf(platform);
  const spelled = upperCaseDrive(workspaceRealPath, platform);
  const digest = createHash('sha256').update(spelled).digest('hex').slice(0, 8);
  return paths.join(vaultsFolder(home, platform), `${slug(paths.basename(spelled))}-${digest}`);
}

/** Where the vaults of workspaces are that name no place for theirs. */
export function vaultsFolder(home: string, platform: NodeJS.Platform = process.platform): string {
  return pathsOf(platform).join(home, 'vaults');
}

/** Where the key file lies that opens the vault of this id without a prompt. */
export function keyFilePath(
  home: string,
  vaultId: string,
  platform: NodeJS.Platform = process.platform,
): string {
  return pathsOf(platform).join(home, 'keys', `${vaultId}.key`);
}

function pathsOf(platform: NodeJS.Platform): path.PlatformPath {
  return platform === 'win32' ? path.win32 : path.posix;
}

/** Letters and digits of a name with single dashes between them, so that people recognise their vault. */
function slug(name: string): string {
  const words = name
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-');
  const short = Array.from(words).slice(0, SLUG_LENGTH).join('');
  return short.replace(/^-+|-+$/g, '') || 'workspace';
}
