import type * as vscode from 'vscode';
import type { App } from '../app.ts';

/** What an agent can ask for; a description for it stands in the manifest. */
export interface Tool<T> {
  /** What is said while it works, and what the user is asked before. */
  readonly prepare: (app: Pick<App, 'sets'>, input: T) => Promise<vscode.PreparedToolInvocation>;
  /** The answer, as it will be written in JSON. */
  readonly answer: (app: App, input: T, token: vscode.CancellationToken) => Promise<object>;
}
