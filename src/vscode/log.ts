import * as vscode from 'vscode';
import { redact } from './redact.ts';

/** Where the extension tells what it does: the output channel “CRM Backup”, without secrets. */
export interface Log extends vscode.Disposable {
  info(message: string): void;
  warn(message: string): void;
  /** Tells a failure with all that is known of it. */
  error(message: string, error?: unknown): void;
  show(): void;
}

/** Opens the log. */
export function openLog(): Log {
  const channel = vscode.window.createOutputChannel('CRM Backup', { log: true });
  return {
    info: (message) => channel.info(redact(message)),
    warn: (message) => channel.warn(redact(message)),
    error: (message, error) =>
      channel.error(redact(error === undefined ? message : `${message}\n${describe(error)}`)),
    show: () => channel.show(),
    dispose: () => channel.dispose(),
  };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = 'hint' in error && typeof error.hint === 'string' ? `\n${error.hint}` : '';
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${hint}${cause}`;
}
