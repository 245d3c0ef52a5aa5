import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { Tool } from './tool.ts';

/** The tools there are, each loaded by its first use. */
const tools: Readonly<Record<string, () => Promise<Tool<never>>>> = {
  create_backup: async () => (await import('./create-backup.ts')).createBackupTool,
  list_backups: async () => (await import('./list-backups.ts')).listBackupsTool,
  compare_backups: async () => (await import('./compare-backups.ts')).compareBackupsTool,
  preview_restore: async () => (await import('./preview-restore.ts')).previewRestoreTool,
};

/** Offers the extension’s work to agents. What one of them throws is told to the agent in its own words. */
export function registerTools(app: App): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(tools).map(([name, load]) =>
      vscode.lm.registerTool<object>(name, {
        async prepareInvocation({ input }) {
          return (await load()).prepare(app, input as never);
        },
        async invoke({ input }, token) {
          const answer = await (await load()).answer(app, input as never, token);
          const text = new vscode.LanguageModelTextPart(JSON.stringify(answer, undefined, 1));
          return new vscode.LanguageModelToolResult([text]);
        },
      }),
    ),
  );
}
