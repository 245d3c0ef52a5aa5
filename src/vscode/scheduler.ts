import * as vscode from 'vscode';
import { CancelledError } from '../core/errors.ts';
import type { App } from './app.ts';
import type { FoundSet } from './sets.ts';

const LOOK_MS = 60_000;
/** A window that has just opened, and a schedule that is just being written, have better things to do. */
const FIRST_LOOK_MS = 5_000;

/** Does what is due while the window is open, in trusted workspaces, behind everything the user does. */
export function runSchedules(app: App): vscode.Disposable {
  let isRunning = false;
  const look = async (): Promise<void> => {
    if (isRunning || !vscode.workspace.isTrusted || !isWanted()) return;
    isRunning = true;
    try {
      await app.sets.load();
      // What the user has started comes first.
      if (app.works.current === undefined)
        for (const workspace of dueWorkspaces(app)) await run(app, workspace);
    } finally {
      isRunning = false;
    }
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  let soon: NodeJS.Timeout | undefined;
  const lookSoon = app.sets.onDidChange(() => {
    clearTimeout(soon);
    soon = setTimeout(() => void look(), FIRST_LOOK_MS);
  });
  return vscode.Disposable.from(lookSoon, {
    dispose: () => {
      clearInterval(timer);
      clearTimeout(soon);
    },
  });
}

/** The folders that have something due. */
function dueWorkspaces({ sets }: App): Set<string> {
  return new Set(
    sets
      .all()
      .filter((found) => isDue(found))
      .map(({ workspace }) => workspace),
  );
}

function isDue({ state: { next } }: FoundSet): boolean {
  return next !== undefined && (next.isNew || next.at === undefined || Date.parse(next.at) <= Date.now());
}

async function run(app: App, workspace: string): Promise<void> {
  try {
    const { runs, notices } = await app.engine.call('runDue', { workspace, background: true });
    for (const notice of notices) app.log.warn(notice);
    for (const { set, kind, status, durationMs, message } of runs) {
      const text = `Schedule: ${kind ?? 'all'} of ${set ?? workspace}: ${status}, ${durationMs} ms${message === undefined ? '' : `: ${message}`}`;
      if (status === 'failed' || status === 'hook-failed' || status === 'damaged') app.log.error(text);
      else app.log.info(text);
    }
  } catch (error) {
    if (!(error instanceof CancelledError))
      app.log.error(`Schedule: ${error instanceof Error ? error.message : ''}`);
  }
  await app.sets.refresh();
}

function isWanted(): boolean {
  return vscode.workspace.getConfiguration('crmBackup').get<boolean>('runSchedules', true);
}
