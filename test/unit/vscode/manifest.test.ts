import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../../../package.json';
import strings from '../../../package.nls.json';
import { type CommandEntry, commandTable } from '../../../src/vscode/commands/table.ts';

interface MenuItem {
  readonly command: string;
  readonly when: string;
  readonly group: string;
}

const VIEW = 'view == crmBackup.backups';

/** The lines of the tree a menu belongs to, by the `viewItem` they carry. */
const LINES = {
  set: 'viewItem == set',
  backup: 'viewItem =~ /^backup\\./',
  pinnedBackup: 'viewItem == backup.pinned',
  unpinnedBackup: 'viewItem == backup.unpinned',
  changes: 'viewItem == changes',
  entry: 'viewItem =~ /^(change$|files$|entry\\.)/',
  file: 'viewItem =~ /^(change|entry\\.file)$/',
} as const;

/** The menus of files outside of the view, and when they are offered there. */
const FILE_MENUS = {
  'explorer/context': {
    place: 'explorer',
    when: 'crmBackup.state == ready && resourceScheme == file && !explorerResourceIsFolder',
  },
  'editor/context': {
    place: 'editor',
    when: 'crmBackup.state == ready && resourceScheme =~ /^(file|crm-backup)$/',
  },
  'editor/title/context': {
    place: 'editor',
    when: 'crmBackup.state == ready && resourceScheme =~ /^(file|crm-backup)$/',
  },
} as const;

/** Needs a folder; commands that change something also need its trust. */
function enablement({ needsTrust, when }: CommandEntry): string {
  const conditions = ['workspaceFolderCount > 0', needsTrust ? 'isWorkspaceTrusted' : '', when ?? ''];
  return conditions.filter((condition) => condition !== '').join(' && ');
}

/** What `contributes.commands` must be. */
function contributedCommands(): object[] {
  return Object.entries<CommandEntry>(commandTable).map(([command, entry]) => ({
    command,
    title: `%command.${command.slice(command.indexOf('.') + 1)}%`,
    category: 'CRM Backup',
    ...(entry.icon === undefined ? {} : { icon: `$(${entry.icon})` }),
    enablement: enablement(entry),
  }));
}

/** What `contributes.menus` must be. */
function contributedMenus(): Readonly<Record<string, readonly MenuItem[]>> {
  const entries = Object.entries<CommandEntry>(commandTable);
  const title = entries.flatMap(([command, { menus }]) =>
    menus?.viewTitle === undefined ? [] : [{ command, when: VIEW, group: menus.viewTitle }],
  );
  const lines = entries.flatMap(([command, { menus }]) =>
    Object.entries(LINES).flatMap(([line, viewItem]) =>
      (menus?.[line as keyof typeof LINES] ?? []).map((group) => ({
        command,
        when: `${VIEW} && ${viewItem}`,
        group,
      })),
    ),
  );
  const files = Object.entries(FILE_MENUS).map(([menu, { place, when }]) => {
    const items = entries.flatMap(([command, { menus }]) =>
      (menus?.[place] ?? []).map((group) => ({ command, when, group })),
    );
    return [menu, items] as const;
  });
  return { 'view/title': title, 'view/item/context': lines, ...Object.fromEntries(files) };
}

/** All of the extension's own source. */
function sources(): string {
  const folder = path.join(import.meta.dirname, '../../../src/vscode');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.map((name) => readFileSync(path.join(folder, name), 'utf8')).join('\n');
}

describe('the manifest', () => {
  test('has the commands of the table, and no others', () => {
    expect(manifest.contributes.commands).toEqual(contributedCommands());
  });

  test('has the menus of the table, and no others', () => {
    expect(manifest.contributes.menus).toEqual(contributedMenus());
  });

  test('shows an icon for every command that stands in a line or in a title', () => {
    for (const [id, { menus, icon }] of Object.entries<CommandEntry>(commandTable)) {
      const groups = Object.values(menus ?? {}).flat() as string[];
      const isShownAsIcon = groups.some((group) => /^(inline|navigation)/.test(group));
      expect(icon !== undefined || !isShownAsIcon, id).toBe(true);
    }
  });

  test('has an English text for every %key%, and none without use', () => {
    const used = [...JSON.stringify(manifest).matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key);
    expect(new Set(used)).toEqual(new Set(Object.keys(strings)));
  });

  test('starts the extension for set files and addresses of backups only', () => {
    expect(manifest.activationEvents).toEqual([
      'workspaceContains:.vscode/crm-backup.json',
      'onFileSystem:crm-backup',
    ]);
  });

  test('keeps what decides where data goes out of the hands of an untrusted workspace', () => {
    const { untrustedWorkspaces, virtualWorkspaces } = manifest.capabilities;
    expect(untrustedWorkspaces.supported).toBe('limited');
    expect(untrustedWorkspaces.restrictedConfigurations).toContain('crmBackup.home');
    expect(virtualWorkspaces.supported).toBe(false);
    expect(manifest.extensionKind).toEqual(['workspace']);
  });

  test('describes every setting, and the code reads no other', () => {
    const settings = manifest.contributes.configuration.properties;
    for (const [name, setting] of Object.entries(settings)) {
      expect('description' in setting || 'markdownDescription' in setting, name).toBe(true);
    }
    const read = [...sources().matchAll(/getConfiguration\('crmBackup'\)\s*\.get(?:<\w+>)?\('(\w+)'/g)];
    expect(new Set(read.map(([, name]) => `crmBackup.${name ?? ''}`))).toEqual(
      new Set(Object.keys(settings)),
    );
  });

  test('names only commands there are, in welcome texts and in code', () => {
    const named = [...`${JSON.stringify(strings)}${sources()}`.matchAll(/\bcrmBackup\.([a-z]\w+)\b/g)];
    const known = new Set([
      ...Object.keys(commandTable),
      ...Object.keys(manifest.contributes.configuration.properties),
      ...manifest.contributes.views.crmBackup.map(({ id }) => id),
      ...(JSON.stringify(manifest.contributes.viewsWelcome).match(/crmBackup\.\w+/g) ?? []),
      'crmBackup.canUndoRestore',
      'crmBackup.status',
    ]);
    for (const [name] of named) expect(known).toContain(name);
  });
});
