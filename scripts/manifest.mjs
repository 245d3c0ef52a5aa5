/**
 * Writes the commands and menus of package.json, and docs/commands.md, from the extension's own table of them: `node scripts/manifest.mjs`.
 * Both are committed; a test tells when it is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { importTs } from './import-ts.mjs';

const manifestFile = path.join(path.dirname(import.meta.dirname), 'package.json');

const commandsFile = path.join(path.dirname(manifestFile), 'docs', 'commands.md');

const VIEW = 'view == crmBackup.backups';

/** The lines of the tree a menu belongs to, by the `viewItem` they carry. */
const LINES = /** @type {const} */ ({
  set: 'viewItem == set',
  backup: 'viewItem =~ /^backup\\./',
  pinnedBackup: 'viewItem == backup.pinned',
  unpinnedBackup: 'viewItem == backup.unpinned',
  changes: 'viewItem == changes',
  working: 'viewItem == working',
  workingChange: 'viewItem == working.change',
  entry: 'viewItem =~ /^(change$|files$|entry\\.)/',
  file: 'viewItem =~ /^(change|working\\.change|entry\\.file)$/',
});

/** The lines of the view of destinations. */
const DESTINATIONS = /** @type {const} */ ({
  vault: 'viewItem =~ /^vault/',
  editorScheduler: 'viewItem == scheduler.editor',
  systemScheduler: 'viewItem == scheduler.system',
});

const IN_EDITOR = /** @type {const} */ ({
  place: 'editor',
  when: 'crmBackup.hasBackups && resourceScheme =~ /^(file|crm-backup)$/',
});

/** The menus of files outside of the view, and when they are offered there. */
const FILE_MENUS = /** @type {const} */ ({
  'explorer/context': {
    place: 'explorer',
    when: 'crmBackup.hasBackups && resourceScheme == file && !explorerResourceIsFolder',
  },
  'editor/context': IN_EDITOR,
  'editor/title/context': IN_EDITOR,
});

/** @typedef {import('../src/vscode/commands/table.ts').CommandEntry} CommandEntry */

const { commandTable } = /** @type {typeof import('../src/vscode/commands/table.ts')} */ (
  await importTs('src/vscode/commands/table.ts')
);

/** @type {[string, CommandEntry][]} */
const entries = Object.entries(commandTable);

/**
 * Needs a folder; commands that change something also need its trust.
 * @param {CommandEntry} entry
 */
function enablement({ needsTrust, when }) {
  const conditions = ['workspaceFolderCount > 0', needsTrust ? 'isWorkspaceTrusted' : '', when ?? ''];
  return conditions.filter((condition) => condition !== '').join(' && ');
}

/** `contributes.commands`. */
function commands() {
  return entries.map(([command, entry]) => ({
    command,
    title: `%command.${command.slice(command.indexOf('.') + 1)}%`,
    category: 'CRM Backup',
    ...(entry.icon === undefined ? {} : { icon: `$(${entry.icon})` }),
    enablement: enablement(entry),
  }));
}

/**
 * The lines of one menu.
 * @param {keyof NonNullable<CommandEntry['menus']>} place
 * @param {string} when
 */
function items(place, when) {
  return entries.flatMap(([command, { menus }]) =>
    [menus?.[place] ?? []].flat().map((group) => ({ command, when, group })),
  );
}

/** `contributes.menus`. */
function menus() {
  const lines = Object.keys(LINES).flatMap((line) => {
    const place = /** @type {keyof typeof LINES} */ (line);
    return items(place, `${VIEW} && ${LINES[place]}`);
  });
  const destinations = Object.keys(DESTINATIONS).flatMap((line) => {
    const place = /** @type {keyof typeof DESTINATIONS} */ (line);
    return items(place, `view == crmBackup.destinations && ${DESTINATIONS[place]}`);
  });
  /** @type {Record<string, ReturnType<typeof items>>} */
  const files = {};
  for (const [menu, { place, when }] of Object.entries(FILE_MENUS)) files[menu] = items(place, when);
  return {
    'view/title': items('viewTitle', VIEW),
    'view/item/context': [...lines, ...destinations],
    ...files,
  };
}

/**
 * The text of package.json, with the commands and menus the table has now.
 * @returns {Promise<string>}
 */
export async function renderManifest() {
  /** @type {unknown} */
  const parsed = JSON.parse(readFileSync(manifestFile, 'utf8'));
  const manifest = /** @type {typeof import('../package.json')} */ (parsed);
  const text = JSON.stringify(
    { ...manifest, contributes: { ...manifest.contributes, commands: commands(), menus: menus() } },
    null,
    2,
  );
  return await format(text, { ...(await resolveConfig(manifestFile)), filepath: manifestFile });
}

/** What the places of the table's menus are called in the documentation. */
const PLACES = /** @type {const} */ ({
  viewTitle: 'view title',
  set: 'set',
  backup: 'backup',
  pinnedBackup: 'pinned backup',
  unpinnedBackup: 'backup that is not pinned',
  changes: 'changes of a backup',
  working: 'working changes',
  workingChange: 'file of the working changes',
  entry: 'entry of a backup',
  file: 'file of a backup',
  vault: 'destination',
  editorScheduler: 'scheduler of VS Code',
  systemScheduler: 'scheduler of the system',
  explorer: 'Explorer',
  editor: 'editor',
});

/**
 * The text of docs/commands.md: every command with its places besides the palette.
 * @returns {Promise<string>}
 */
export async function renderCommands() {
  const parsed = /** @type {unknown} */ (
    JSON.parse(readFileSync(path.join(path.dirname(manifestFile), 'package.nls.json'), 'utf8'))
  );
  const titles = /** @type {Record<string, string>} */ (parsed);
  const lines = entries.map(([id, entry]) => {
    const title = titles[`command.${id.slice(id.indexOf('.') + 1)}`] ?? id;
    const places = Object.keys(entry.menus ?? {}).map(
      (place) => PLACES[/** @type {keyof typeof PLACES} */ (place)],
    );
    return `| ${title} | \`${id}\` | ${places.join(', ') || '–'} | ${entry.needsTrust ? 'no' : 'yes'} |`;
  });
  const text = [
    '# Commands in VS Code',
    '',
    'All are in the palette under _CRM Backup_. Written by `node scripts/manifest.mjs` from `src/vscode/commands/table.ts`.',
    '',
    '| command | id | also in the menu of | in Restricted Mode |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
  return await format(text, { ...(await resolveConfig(commandsFile)), filepath: commandsFile });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(manifestFile, await renderManifest());
  writeFileSync(commandsFile, await renderCommands());
}
