/**
 * The programs of the system that tests, benchmarks and the sample run use: one table says which, where to look
 * for them, and which Debian packages bring them.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';

/**
 * @typedef {{
 *   commands: readonly string[],
 *   apt: readonly string[],
 *   alsoIn?: readonly string[],
 *   environment?: string,
 * }} Tool
 * `commands`: any one will do. `alsoIn`: folders outside PATH (globs). `environment`: a variable that names the
 * program.
 */

/** @satisfies {Record<string, Tool>} */
const table = {
  git: { commands: ['git'], apt: ['git'] },
  chromium: {
    commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    apt: ['chromium'],
    alsoIn: ['/Applications/Google Chrome.app/Contents/MacOS', '/Applications/Chromium.app/Contents/MacOS'],
    environment: 'CHROMIUM_EXECUTABLE',
  },
  /** Builds the two native modules of the VS Code server. */
  compiler: { commands: ['g++', 'clang++'], apt: ['g++', 'make', 'python3'] },
  /** A display for desktop VS Code on a machine without one. */
  xvfb: { commands: ['Xvfb'], apt: ['xvfb'] },
  postgres: {
    commands: ['postgres'],
    apt: ['postgresql'],
    alsoIn: ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql*/bin'],
  },
  mariadb: {
    commands: ['mariadbd', 'mysqld'],
    apt: ['mariadb-server'],
    alsoIn: ['/usr/sbin'],
    environment: 'MARIADB_EXECUTABLE',
  },
  redis: { commands: ['redis-server'], apt: ['redis-server', 'redis-tools'] },
  ldap: { commands: ['slapcat'], apt: ['slapd'], alsoIn: ['/usr/sbin'] },
  openssl: { commands: ['openssl'], apt: ['openssl'] },
  /** Runs a program with another clock. */
  faketime: { commands: ['faketime'], apt: ['faketime'] },
  cron: { commands: ['cron', 'crond'], apt: ['cron'], alsoIn: ['/usr/sbin'] },
  /** Checks unit files. */
  systemd: { commands: ['systemd-analyze'], apt: ['systemd'] },
  sqlite: { commands: ['sqlite3'], apt: ['sqlite3'] },
  restic: { commands: ['restic'], apt: ['restic'] },
  borg: { commands: ['borg'], apt: ['borgbackup'] },
  zstd: { commands: ['zstd'], apt: ['zstd'] },
};

/** @typedef {keyof typeof table} ToolName */

/** @type {Readonly<Record<ToolName, Tool>>} */
const tools = table;

/** @param {string} file */
function isProgram(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Where a program is, or undefined when the machine has none of the names it goes by.
 * @param {ToolName} name
 * @returns {string | undefined}
 */
export function findTool(name) {
  const { commands, alsoIn = [], environment } = tools[name];
  const named = environment === undefined ? undefined : process.env[environment];
  if (named) return isProgram(named) ? named : undefined;
  const extensions = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  const folders = [
    ...(process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean),
    ...alsoIn.flatMap((folder) => (folder.includes('*') ? fs.globSync(folder) : [folder])),
  ];
  for (const folder of folders) {
    for (const command of commands) {
      const found = extensions.map((extension) => path.join(folder, command + extension)).find(isProgram);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/**
 * @param {readonly string[]} args
 * @returns {boolean} whether it went well
 */
function aptGet(args) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync('apt-get', ['-qq', ...args], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  });
  return status === 0;
}

/**
 * Sees to it that programs are there: installs what is missing where that is allowed (root, apt-get). Returns
 * the names of those the machine still lacks.
 * @param {readonly ToolName[]} names
 * @returns {readonly ToolName[]}
 */
export function provideTools(names) {
  const missing = () => names.filter((name) => findTool(name) === undefined);
  const wanted = missing();
  const mayInstall = process.getuid?.() === 0 && isProgram('/usr/bin/apt-get');
  if (wanted.length === 0 || !mayInstall) return wanted;
  console.log(`Installing ${wanted.join(', ')} …`);
  const install = ['install', '--yes', '--no-install-recommends'];
  const packages = wanted.flatMap((name) => tools[name].apt);
  aptGet(['update']);
  // One that cannot be had must not keep the others away.
  if (!aptGet([...install, ...packages])) for (const name of wanted) aptGet([...install, ...tools[name].apt]);
  return missing();
}
