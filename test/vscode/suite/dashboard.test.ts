import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import * as vscode from 'vscode';
import type { BackupSummary, Operation, Output } from '../../../src/engine/protocol.ts';
import type { App } from '../../../src/vscode/app.ts';
import { showDashboard } from '../../../src/vscode/dashboard/dashboard.ts';
import { Engine } from '../../../src/vscode/engine.ts';
import { Sets } from '../../../src/vscode/sets.ts';
import { backupTooltip } from '../../../src/vscode/tree/tooltips/backup.ts';
import { until } from './answers.ts';
import { engineScript, quiet, run, set, stateOfSet, suiteEngine, workspace } from './workspace.ts';

/** An engine that counts how often a vault is measured. */
class CountingEngine extends Engine {
  measured = 0;

  override async call<O extends Operation>(...call: Parameters<Engine['call']>): Promise<Output<O>> {
    if (call[0] === 'figures') this.measured++;
    return super.call(...call);
  }
}

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

  test('a dashboard that is hidden has nothing measured', async () => {
    const counting = new CountingEngine(engineScript(), quiet);
    const sets = new Sets(counting);
    const extension = vscode.extensions.getExtension('crm-backup.crm-backup') ?? assert.fail();
    showDashboard({ engine: counting, sets } as unknown as App, extension.extensionUri, undefined);
    const measured = async (more: number): Promise<number> =>
      until(() => (counting.measured >= more ? counting.measured : undefined));
    try {
      const before = await measured(1);
      await vscode.commands.executeCommand('workbench.action.files.newUntitledFile');
      const [{ pinned, id }] = [(await stateOfSet(counting)).backups[0] ?? assert.fail()];
      await run(pinned ? 'unpin' : 'pin', { workspace, set, backup: id });
      await sets.refresh();
      assert.equal(counting.measured, before);
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      await measured(before + 1);
      await run(pinned ? 'pin' : 'unpin', { workspace, set, backup: id });
    } finally {
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      sets.dispose();
      counting.dispose();
    }
  });
});
