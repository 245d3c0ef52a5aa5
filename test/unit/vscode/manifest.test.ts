import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import manifest from '../../../package.json';
import strings from '../../../package.nls.json';
import { renderCommands, renderManifest } from '../../../scripts/manifest.mjs';
import { type CommandEntry, commandTable } from '../../../src/vscode/commands/table.ts';

/** All of the extension's own source. */
function sources(): string {
  const folder = path.join(import.meta.dirname, '../../../src/vscode');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.map((name) => readFileSync(path.join(folder, name), 'utf8')).join('\n');
}

describe('the manifest', () => {
  test('has the commands and menus of the table, and no others (else run scripts/manifest.mjs)', async () => {
    expect(readFileSync(path.join(import.meta.dirname, '../../../package.json'), 'utf8')).toBe(
      await renderManifest(),
    );
  });

  test('stands behind docs/commands.md (else run scripts/manifest.mjs)', async () => {
    const file = path.join(import.meta.dirname, '../../../docs/commands.md');
    expect(readFileSync(file, 'utf8')).toBe(await renderCommands());
  });

  test('is not at odds with the README and the docs, which name no command and no setting there is not', () => {
    const root = path.join(import.meta.dirname, '../../..');
    const known = new Set([
      ...Object.keys(commandTable),
      ...Object.keys(manifest.contributes.configuration.properties),
      ...Object.values(manifest.contributes.views)
        .flat()
        .map(({ id }) => id),
    ]);
    const docs = readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md'));
    for (const file of ['README.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)]) {
      const text = readFileSync(path.join(root, file), 'utf8');
      for (const [name] of text.matchAll(/\bcrmBackup\.\w+/g)) expect(known, file).toContain(name);
    }
  });

  test('offers what takes one backup of those there are only where there are some', () => {
    const enablement = new Map(manifest.contributes.commands.map((each) => [each.command, each.enablement]));
    for (const [id, { menus }] of Object.entries<CommandEntry>(commandTable)) {
      const isOfBackup = menus?.backup ?? menus?.pinnedBackup ?? menus?.unpinnedBackup;
      // Of all that a vault holds there may be another workspace's.
      if (isOfBackup === undefined || menus?.vault !== undefined) continue;
      expect(enablement.get(id), id).toContain('crmBackup.hasBackups');
    }
    for (const id of ['crmBackup.editSet', 'crmBackup.editSchedule'])
      expect(enablement.get(id)).toContain('crmBackup.state =~ /^(empty|ready|failed)$/');
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

  test('has each colour for four kinds of themes, and none without use', () => {
    for (const { id, defaults } of manifest.contributes.colors) {
      expect(Object.keys(defaults).sort(), id).toEqual([
        'dark',
        'highContrast',
        'highContrastLight',
        'light',
      ]);
      expect(sources(), id).toContain(`'${id}'`);
    }
  });

  test('names only commands there are, in welcome texts and in code', () => {
    const named = [...`${JSON.stringify(strings)}${sources()}`.matchAll(/\bcrmBackup\.([a-z]\w+)\b/g)];
    const known = new Set([
      ...Object.keys(commandTable),
      ...Object.keys(manifest.contributes.configuration.properties),
      ...manifest.contributes.views.crmBackup.map(({ id }) => id),
      ...manifest.contributes.colors.map(({ id }) => id),
      ...(JSON.stringify(manifest.contributes.viewsWelcome).match(/crmBackup\.\w+/g) ?? []),
      ...manifest.contributes.customEditors.map(({ viewType }) => viewType),
      'crmBackup.canUndoRestore',
      'crmBackup.hasBackups',
      // Lines of the tree call it.
      'crmBackup.openRows',
      'crmBackup.status',
    ]);
    for (const [name] of named) expect(known).toContain(name);
  });
});
