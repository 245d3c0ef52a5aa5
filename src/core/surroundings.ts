import { homedir } from 'node:os';
import path from 'node:path';
import { type Environment, homeDirectory } from './home.ts';

/** What the process stands in, as far as it decides where things are. Each face makes one and hands it on. */
export interface Surroundings {
  readonly env: Environment;
  /** What relative paths count from. */
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  /** The user's home folder. */
  readonly userHome: string;
  /** Where `${secret:NAME}` comes from when the environment has no `CRM_BACKUP_SECRET_NAME`. */
  readonly secret?: SecretSource | undefined;
}

/** Finds the value of a secret that the set file of a workspace names; undefined when it is not known. */
export type SecretSource = (name: string, workspace: string) => Promise<string | undefined>;

/** The surroundings of this process. */
export function processSurroundings(): Surroundings {
  return { env: process.env, cwd: process.cwd(), platform: process.platform, userHome: homedir() };
}

/** The folder with everything the tool keeps for its user; see {@link homeDirectory}. */
export function homeOf({ env, platform, userHome, cwd }: Surroundings): string {
  return homeDirectory(env, platform, userHome, cwd);
}

/** The folder for what can be made anew: `CRM_BACKUP_CACHE`, else one below the user's data. */
export function cacheOf(surroundings: Surroundings): string {
  const chosen = surroundings.env['CRM_BACKUP_CACHE'];
  return chosen ? path.resolve(surroundings.cwd, chosen) : path.join(homeOf(surroundings), 'cache');
}
