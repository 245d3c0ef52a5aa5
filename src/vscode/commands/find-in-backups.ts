import * as vscode from 'vscode';
import { changeIcon, changeName } from '../change-words.ts';
import { CancelledError } from '../../core/errors.ts';
import { latestOf } from '../../core/latest.ts';
import type { BackupSummary, PathMatch, TextMatch } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { displayName, pathInWorkspace } from '../files/backup-uri.ts';
import { shownLine } from '../shown-text.ts';
import { unreadSentence } from '../unread.ts';
import { formatBytes } from '../format.ts';
import { sentenceOf } from '../sentences.ts';
import type { FoundSet } from '../sets.ts';
import { showChangeBefore } from './file-change.ts';
import { fileHistory } from './file-history.ts';
import { momentAndLabel, pickSet } from './targets.ts';

/** What a line of the list stands for. */
type Choice =
  | { readonly kind: 'search' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'change'; readonly match: TextMatch };

interface FindItem extends vscode.QuickPickItem {
  readonly choice: Choice | undefined;
}

/** Typing goes on for so long without a search. */
const PAUSE_MS = 250;
/** More nobody reads; a longer pattern finds fewer. */
const MOST_PATHS = 200;

/**
 * Finds files by their names over all backups as one types, and on request the backups that brought a text or took it
 * out. A file is shown with its versions, a text with what the backup changed in its file.
 */
export async function findInBackups(app: App, target?: unknown): Promise<void> {
  const found = await pickSet(app, target);
  const { workspace, set } = found;
  const pick = vscode.window.createQuickPick<FindItem>();
  let asked = new vscode.CancellationTokenSource();
  let pause: NodeJS.Timeout | undefined;
  let typed = '';

  /** Fills the list with what is found; a later question makes this one void. */
  const ask = async (search: (token: vscode.CancellationToken) => Promise<FindItem[]>): Promise<void> => {
    asked.cancel();
    const mine = (asked = new vscode.CancellationTokenSource());
    pick.busy = true;
    try {
      const items = await search(mine.token);
      if (mine === asked) pick.items = items.map(shownLine);
    } catch (error) {
      if (mine === asked && !(error instanceof CancelledError))
        pick.items = [failed(app, error)].map(shownLine);
    } finally {
      if (mine === asked) pick.busy = false;
    }
  };

  try {
    pick.title = vscode.l10n.t('Find in the backups of {0}', displayName(set));
    pick.placeholder = vscode.l10n.t('A name, a pattern like *.php, or a text');
    pick.matchOnDescription = true;
    pick.onDidChangeValue((value) => {
      // The editor tells a value more than once.
      if (value === typed) return;
      typed = value;
      clearTimeout(pause);
      pause = setTimeout(() => {
        void ask(async (token) => (value === '' ? [] : findNames(app, found, value, token)));
      }, PAUSE_MS);
    });
    const chosen = new Promise<Choice | undefined>((resolve) => {
      pick.onDidAccept(() => {
        const choice = pick.activeItems[0]?.choice;
        if (choice?.kind === 'search') {
          // What was typed last counts, and its names are of no interest any more.
          clearTimeout(pause);
          void ask(async (token) => findText(app, found, pick.value, token));
        } else if (choice !== undefined) resolve(choice);
      });
      pick.onDidHide(() => resolve(undefined));
    });
    pick.show();
    const choice = await chosen;
    pick.hide();
    if (choice?.kind === 'file') await fileHistory(app, { workspace, set, path: choice.path });
    if (choice?.kind === 'change') await showChangeBefore(app, found, choice.match);
  } finally {
    clearTimeout(pause);
    asked.cancel();
    pick.dispose();
  }
}

async function findNames(
  app: App,
  { workspace, set, state }: FoundSet,
  pattern: string,
  token: vscode.CancellationToken,
): Promise<FindItem[]> {
  const input = { workspace, set, pattern, most: MOST_PATHS };
  const { matches, unread } = await app.engine.call('findPaths', input, { token });
  const text: FindItem = {
    choice: { kind: 'search' },
    label: vscode.l10n.t('Search the text “{0}”', pattern),
    description: vscode.l10n.t('in all versions of files and tables up to 1 MB, not in rows of SQLite'),
    iconPath: new vscode.ThemeIcon('search'),
    alwaysShow: true,
  };
  const items = matches.map((match) => fileItem(match, isGone(match, state.backups)));
  return [text, ...unreadItems(unread), ...items];
}

/** Whether the last backup has it no more; a safety backup that has it may be newer. */
function isGone({ newest }: PathMatch, backups: readonly BackupSummary[]): boolean {
  const latest = latestOf(backups);
  return backups.findIndex(({ id }) => id === newest) > backups.findIndex(({ id }) => id === latest?.id);
}

function fileItem({ path, size }: PathMatch, isOver: boolean): FindItem {
  const shown = displayName(pathInWorkspace(path));
  const gone = isOver ? [vscode.l10n.t('not in the last backup')] : [];
  return {
    choice: { kind: 'file', path },
    label: shown.slice(shown.lastIndexOf('/') + 1),
    description: [
      shown.slice(0, Math.max(0, shown.lastIndexOf('/'))),
      formatBytes(size, vscode.env.language),
      ...gone,
    ]
      .filter((part) => part !== '')
      .join(' · '),
    iconPath: vscode.ThemeIcon.File,
    alwaysShow: true,
  };
}

async function findText(
  app: App,
  found: FoundSet,
  text: string,
  token: vscode.CancellationToken,
): Promise<FindItem[]> {
  const { workspace, set } = found;
  const query = { workspace, set, text, regex: false, ignoreCase: false, paths: [] };
  const { matches, unread } = await app.engine.call('searchText', query, { token });
  const notSearched = vscode.l10n.t(
    'Not searched: files and tables over 1 MB, and rows of SQLite databases.',
  );
  const items =
    matches.length === 0
      ? [
          noticed(vscode.l10n.t('No backup brought the text “{0}”.', text), 'info'),
          noticed(notSearched, 'info'),
        ]
      : matches.map((match) => changeItem(app, found, match));
  return [...unreadItems(unread), ...items];
}

function unreadItems(unread: readonly string[]): FindItem[] {
  return unread.length === 0 ? [] : [noticed(unreadSentence(unread), 'warning')];
}

function changeItem(app: App, { workspace, set }: FoundSet, match: TextMatch): FindItem {
  const { backup, path, change } = match;
  const summary = app.sets.findBackup({ workspace, set, backup });
  return {
    choice: { kind: 'change', match },
    label: summary === undefined ? backup.slice(0, 8) : momentAndLabel(summary),
    description: `${displayName(pathInWorkspace(path))} · ${changeName(change)}`,
    iconPath: changeIcon(change),
    alwaysShow: true,
  };
}

function failed(app: App, error: unknown): FindItem {
  const sentence = sentenceOf(error);
  app.log.error(sentence, error);
  return noticed(sentence, 'error');
}

/** A line that says something and stands for nothing. */
function noticed(text: string, icon: 'info' | 'warning' | 'error'): FindItem {
  return { choice: undefined, label: text, iconPath: new vscode.ThemeIcon(icon), alwaysShow: true };
}
