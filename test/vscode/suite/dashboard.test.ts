import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary } from '../../../src/engine/protocol.ts';
import { backupTooltip } from '../../../src/vscode/tree/tooltips/backup.ts';
import { until } from './answers.ts';
import { run, set, suiteEngine, workspace } from './workspace.ts';

suite('Figures and what is kept', () => {
  const engine = suiteEngine();

  function tooltip(summary: BackupSummary): string {
    const { value } = backupTooltip(summary, undefined, undefined);
    return value.replaceAll('\\', '').replaceAll('&nbsp;', ' ');
  }

  test('a backup’s tooltip tells why the retention keeps it', async () => {
    const summary = await run<BackupSummary>('backUpNow');
    assert.doesNotMatch(tooltip(summary), /Kept/);
    const kept = tooltip({ ...summary, keptBecause: ['last', 'daily', 'within 30d'] });
    assert.match(kept, /Kept \| one of the latest, last of its day, of the last 30d/);
    assert.match(
      tooltip({ ...summary, keptBecause: [] }),
      /Kept \| no longer: the retention forgets it next/,
    );
  });

  test('the engine measures the vault as it stands', async () => {
    const { figures, planned } = await engine.call('figures', { workspace, set });
    assert.ok(figures !== undefined && figures.stored > 0 && figures.source > 0);
    // Other sets may share the vault, and are counted with it.
    const here = figures.history.filter(({ isGone }) => !isGone).length;
    assert.ok(figures.sets === 1 ? here === figures.backups : here < figures.backups);
    assert.deepEqual(planned, []);
  });

  test('Open Dashboard shows one panel, however often it is called', async () => {
    await run('openDashboard');
    await run('openDashboard');
    // The editor hears of a tab a moment after it is there.
    const ours = await until(() => {
      const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
      const found = tabs.filter(({ label }) => label === 'Backup Dashboard');
      return found.length === 0 ? undefined : found;
    });
    assert.equal(ours.length, 1);
    await vscode.window.tabGroups.close(ours);
  });
});
