/**
 * The real VS Code on a machine that cannot download the desktop one: npm's code-server package carries the
 * same workbench and extension host. Prepared once, in the user's cache folder.
 *
 *   node scripts/vscode-host.mjs              prepares it
 *   node scripts/vscode-host.mjs open DIR     serves DIR with the packaged extension until Ctrl-C
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { inProjectNode, root, run } from './bootstrap.mjs';
import { cacheDirectory, quiet, step } from './cache.mjs';
import { provideTools } from './tools.mjs';

/** code-server 4.139.1 carries VS Code 1.139.1. */
const version = '4.139.1';

/** Native modules belong to one version of Node and one kind of machine. */
const serverDirectory = path.join(
  cacheDirectory,
  `code-server-${version}-node${process.versions.modules}-${process.platform}-${process.arch}`,
);

/** The npm package that holds Node for this kind of machine, with its C++ headers. */
function nodePackage() {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  return `${prefix}-${process.platform}-${process.arch}`;
}

/** Fetches and builds the server in a folder of its own, which then takes its name in one step. */
async function prepareServer() {
  const lacking = provideTools(['compiler']);
  if (lacking.length > 0) throw new Error('The VS Code server needs a C++ compiler, make and python3.');
  console.log(`Preparing VS Code's server ${version} in ${cacheDirectory} (once, about two minutes) …`);
  await mkdir(cacheDirectory, { recursive: true });
  const work = await mkdtemp(path.join(cacheDirectory, 'preparing-'));
  try {
    const node = path.join(work, 'node');
    await mkdir(node);
    await step(work, 'npm', ['pack', `code-server@${version}`, ...quiet]);
    await step(work, 'tar', ['-xzf', `code-server-${version}.tgz`, 'package/lib/vscode']);
    await step(node, 'npm', ['pack', `${nodePackage()}@${process.versions.node}`, ...quiet]);
    await step(node, 'tar', ['-xzf', `${nodePackage()}-${process.versions.node}.tgz`, 'package/include']);
    const server = path.join(work, 'package', 'lib', 'vscode');
    await step(server, 'npm', ['install', '--omit=dev', '--ignore-scripts', ...quiet]);
    // The server starts without its other native modules; these two it insists on.
    await step(server, 'npm', ['rebuild', '@vscode/spdlog', '@vscode/native-watchdog', ...quiet], {
      npm_config_nodedir: path.join(node, 'package'),
    });
    await rename(server, serverDirectory).catch((/** @type {unknown} */ error) => {
      // Another run was faster.
      if (!existsSync(serverDirectory)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * The server's program file; fetches and builds it first when this machine does not have it yet.
 * Rejects with what stood in the way.
 * @returns {Promise<string>}
 */
export async function provideServer() {
  if (process.platform === 'win32') throw new Error('The VS Code server is not used on Windows.');
  if (!existsSync(serverDirectory)) await prepareServer();
  return path.join(serverDirectory, 'out', 'server-main.js');
}

/** Settings for clean pictures and quiet runs. */
const userSettings = {
  'chat.disableAIFeatures': true,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.commandCenter': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/**
 * The arguments that keep everything of one server below `home`.
 * @param {string} home
 */
function places(home) {
  return [
    ['--server-data-dir', path.join(home, 'server')],
    ['--extensions-dir', path.join(home, 'extensions')],
    ['--user-data-dir', path.join(home, 'user')],
  ].flat();
}

/**
 * Installs a VSIX as a user's “Install from VSIX…” does.
 * @param {string} home the folder the server will be started with
 * @param {string} vsix
 */
export async function installVsix(home, vsix) {
  const server = await provideServer();
  await step(home, process.execPath, [server, ...places(home), '--install-extension', vsix, '--force']);
}

/**
 * @typedef {{
 *   readonly origin: string,
 *   readonly authority: string,
 *   folderUrl(folder: string, payload?: readonly (readonly [string, string])[]): string,
 *   readonly [Symbol.asyncDispose]: () => Promise<void>,
 * }} Server
 * `authority` is what `vscode-remote://` addresses begin with; `folderUrl` is the page that shows a folder.
 */

/**
 * Starts the server on a free port of this machine alone and waits until it listens. Everything it writes is
 * below `home`. Disposing ends it and all it has started in its process group.
 * @param {string} home
 * @param {{ environment?: Record<string, string>, settings?: Record<string, unknown>, testing?: boolean, trust?: boolean, locale?: string }} [options]
 *   `trust`: folders must be trusted by the user first;
 *   `locale` is the display language, with an empty language pack: the editor's own words stay English;
 *   `testing` lets a page name an extension to develop and tests to run
 * @returns {Promise<Server>}
 */
export async function startServer(
  home,
  { environment = {}, settings = {}, testing = false, trust = false, locale = 'en' } = {},
) {
  const program = await provideServer();
  const userSettingsFile = path.join(home, 'user', 'User', 'settings.json');
  await mkdir(path.dirname(userSettingsFile), { recursive: true });
  await writeFile(
    userSettingsFile,
    JSON.stringify({ ...userSettings, 'security.workspace.trust.enabled': trust, ...settings }, null, 2),
  );
  if (locale !== 'en') await installEmptyLanguagePack(home, locale);
  const switches = [
    ['--host', '127.0.0.1', '--port', '0', '--without-connection-token'],
    ['--accept-server-license-terms', '--telemetry-level', 'off'],
    trust ? [] : ['--disable-workspace-trust'],
    testing ? ['--enable-smoke-test-driver'] : [],
    locale === 'en' ? [] : ['--locale', locale],
  ].flat();
  const child = spawn(process.execPath, [program, ...switches, ...places(home)], {
    detached: true,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = async () => {
    if (child.pid !== undefined) await endGroup(child.pid);
  };
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (printed += text));
  try {
    /** @type {string} */
    const port = await new Promise((resolve, reject) => {
      const inVain = (/** @type {string} */ why) => reject(new Error(`${why}\n${printed.slice(-4000)}`));
      const giveUp = setTimeout(inVain, 60_000, 'The VS Code server did not start within 60 s.');
      createInterface(child.stdout).on('line', (line) => {
        printed += `${line}\n`;
        const [, listening] = /listening on (\d+)/.exec(line) ?? [];
        if (listening === undefined) return;
        clearTimeout(giveUp);
        resolve(listening);
      });
      child.once('exit', () => {
        clearTimeout(giveUp);
        inVain('The VS Code server ended at its start.');
      });
      child.once('error', reject);
    });
    const authority = `127.0.0.1:${port}`;
    const origin = `http://${authority}`;
    return {
      origin,
      authority,
      folderUrl(folder, payload) {
        const query = new URLSearchParams({ folder });
        if (payload !== undefined) query.set('payload', JSON.stringify(payload));
        return `${origin}/?${query.toString()}`;
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Makes a display language known to the server: extensions are shown in it as far as they bring it.
 * @param {string} home
 * @param {string} locale
 */
async function installEmptyLanguagePack(home, locale) {
  const texts = path.join(home, 'user', `${locale}.i18n.json`);
  await writeFile(texts, JSON.stringify({ version: '1.0.0', contents: {} }));
  const extensions = [{ extensionIdentifier: { id: `empty.${locale}` }, version: '1.0.0' }];
  const pack = { hash: locale, label: locale, extensions, translations: { vscode: texts } };
  await writeFile(path.join(home, 'user', 'languagepacks.json'), JSON.stringify({ [locale]: pack }));
}

/**
 * Asks a process group to end, and ends it when it has not within five seconds.
 * @param {number} leader
 */
async function endGroup(leader) {
  const signal = (/** @type {NodeJS.Signals | 0} */ name) => {
    try {
      return process.kill(-leader, name);
    } catch {
      return false;
    }
  };
  signal('SIGTERM');
  for (let waited = 0; waited < 5000 && signal(0); waited += 100) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  signal('SIGKILL');
}

/**
 * Serves a folder with the packaged extension until Ctrl-C, as `npm start -- --ui` does where there is no
 * desktop VS Code.
 * @param {string} folder
 * @param {string} vsix
 * @param {Record<string, string>} [environment]
 */
async function serve(folder, vsix, environment = {}) {
  const home = await mkdtemp(path.join(tmpdir(), 'crm-backup-vscode-'));
  try {
    await installVsix(home, vsix);
    const server = await startServer(home, { environment });
    try {
      console.log(`\nVS Code is at  ${server.folderUrl(folder)}\nCtrl-C ends it.`);
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  await inProjectNode(import.meta.filename);
  const [command, folder] = process.argv.slice(2);
  if (command === 'open' && folder !== undefined) {
    const status = await run(process.execPath, [path.join(root, 'scripts', 'package.mjs')]);
    if (status !== 0) process.exit(status);
    await serve(path.resolve(folder), path.join(root, 'out', 'crm-backup.vsix'));
  } else {
    console.log(await provideServer());
  }
}
