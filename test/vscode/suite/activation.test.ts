import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import * as vscode from 'vscode';

suite('Activation', () => {
  test('the extension activates', async () => {
    const extension = vscode.extensions.getExtension('crm-backup.crm-backup');
    assert.ok(extension, 'the extension is installed');
    await extension.activate();
    assert.equal(extension.isActive, true);
  });

  test('its view container opens', async () => {
    await vscode.commands.executeCommand('workbench.view.extension.crmBackup');
  });
});
