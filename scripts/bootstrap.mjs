/**
 * From a fresh clone and any Node ≥ 20.11 to a machine that can run the project: installs the packages when
 * they are missing or old, then runs the script again on the Node that package.json pins, so that everyone's
 * results come from the same one. Uses nothing but Node's own modules.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';

/** The checkout. */
export const root = path.dirname(import.meta.dirname);

const modules = path.join(root, 'node_modules');
const pinnedNode = path.join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/**
 * Runs a command with the terminal's own streams; resolves to its exit status (128 + n when signal n ended it).
 * Rejects when it cannot be started. Being stopped is left to the command: Ctrl-C reaches it anyway, a request
 * to end is passed on.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export async function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    const wait = () => undefined;
    const passOn = () => child.kill('SIGTERM');
    process.on('SIGINT', wait).on('SIGTERM', passOn);
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      process.off('SIGINT', wait).off('SIGTERM', passOn);
      resolve(status ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

/**
 * What a lock file says is installed where.
 * @param {string} file
 */
function lockedPackages(file) {
  if (!existsSync(file)) return {};
  /** @typedef {{ version?: string, optional?: boolean, devOptional?: boolean }} Package */
  const lock = /** @type {unknown} */ (JSON.parse(readFileSync(file, 'utf8')));
  return /** @type {{ packages: Record<string, Package> }} */ (lock).packages;
}

/** Whether node_modules lacks anything package-lock.json asks for. Optional packages may be for other machines. */
function packagesAreMissing() {
  const wanted = Object.entries(lockedPackages(path.join(root, 'package-lock.json')));
  const present = lockedPackages(path.join(modules, '.package-lock.json'));
  const missing = wanted.some(
    ([place, { version, optional, devOptional }]) =>
      place !== '' && !optional && !devOptional && present[place]?.version !== version,
  );
  return missing || !existsSync(pinnedNode);
}

/**
 * npm, as the one that runs this script if there is one: also on Windows, where `npm` is no executable.
 * @param {readonly string[]} args
 */
async function npm(args) {
  const script = process.env['npm_execpath'];
  const status = script?.endsWith('.js')
    ? await run(process.execPath, [script, ...args])
    : await run('npm', args, { shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed with status ${status}.`);
}

async function installPackages() {
  console.log('Installing the packages of package-lock.json …');
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  // Only two packages need their install scripts; the others' would fetch things from elsewhere.
  await npm(['ci', '--ignore-scripts', ...quiet]);
  await npm(['rebuild', 'esbuild', 'node', ...quiet]);
}

/**
 * Returns only on the project's own Node with all packages in place. On any other it installs what is missing,
 * runs `script` there with the same arguments, and exits with its status.
 * @param {string} script
 */
export async function inProjectNode(script) {
  if (packagesAreMissing()) await installPackages();
  if (realpathSync(process.execPath) === realpathSync(pinnedNode)) return;
  const search = [path.dirname(pinnedNode), path.join(modules, '.bin'), process.env['PATH'] ?? ''];
  const environment = { ...process.env, PATH: search.join(path.delimiter) };
  process.exit(await run(pinnedNode, [script, ...process.argv.slice(2)], { env: environment }));
}
