import assert from 'node:assert/strict';
import { appendFile, rm } from 'node:fs/promises';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import { present } from '../../../src/vscode/tree/present.ts';
import { backupTooltip } from '../../../src/vscode/tree/tooltips/backup.ts';
import { git } from '../../build/git.ts';
import { at, run, set, suiteEngine, text, workspace } from './workspace.ts';

const config = 'data/config.php';

suite('The workspace’s own git repository', () => {
  suiteEngine();
  let original: string;

  suiteSetup(async () => {
    original = await text(config);
  });
  suiteTeardown(async () => {
    await rm(at('.git'), { recursive: true, force: true });
    await vscode.workspace.fs.writeFile(vscode.Uri.file(at(config)), Buffer.from(original));
  });

  function shown(summary: BackupSummary): { readonly line: string; readonly tooltip: string } {
    const item = present({ type: 'backup', workspace, set, backup: summary.id, summary });
    const tooltip = backupTooltip(summary, undefined, undefined);
    return { line: String(item.description), tooltip: tooltip.value.replaceAll('\\', '') };
  }

  test('is shown with a backup: branch, commit, and whether it had changes', async () => {
    git(workspace, 'init');
    git(workspace, 'add', config);
    git(workspace, 'commit', '-m', 'first');
    const commit = git(workspace, 'rev-parse', 'HEAD');
    const clean = shown(await run<BackupSummary>('backUpNow'));
    assert.match(clean.line, new RegExp(`main@${commit.slice(0, 7)}$`));
    assert.ok(clean.tooltip.includes(`main@${commit.slice(0, 10)} |`), clean.tooltip);
    await appendFile(at(config), '// changed\n');
    const changed = shown(await run<BackupSummary>('backUpNow'));
    const spaced = changed.tooltip.replaceAll('&nbsp;', ' ');
    assert.ok(spaced.includes(`main@${commit.slice(0, 10)}, with uncommitted changes`), changed.tooltip);
  });
});
