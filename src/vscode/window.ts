import * as vscode from 'vscode';
import { plainText } from '../core/printable.ts';
import { shownLine, shownText } from './shown-text.ts';

/** How long a success stands in the status bar. */
const TOLD_FOR_MS = 8_000;

/** What the editor's own functions for messages are called with: a text, or a question, and actions to choose from. */
interface Show {
  (message: string, ...actions: readonly string[]): Promise<string | undefined>;
  (
    message: string,
    options: vscode.MessageOptions,
    ...actions: readonly string[]
  ): Promise<string | undefined>;
}

/** Shows a message that holds no link, whatever names are in it. */
export const showInformationMessage: Show = async (message, ...rest) =>
  show('showInformationMessage', message, rest);

/** The same of a warning. */
export const showWarningMessage: Show = async (message, ...rest) => show('showWarningMessage', message, rest);

/** The same of a failure. */
export const showErrorMessage: Show = async (message, ...rest) => show('showErrorMessage', message, rest);

async function show(
  kind: 'showInformationMessage' | 'showWarningMessage' | 'showErrorMessage',
  message: string,
  [first, ...rest]: readonly (vscode.MessageOptions | string | undefined)[],
): Promise<string | undefined> {
  const actions = rest.filter((action) => typeof action === 'string');
  if (first === undefined) return vscode.window[kind](shownText(message));
  if (typeof first === 'string') return vscode.window[kind](shownText(message), first, ...actions);
  const { detail } = first;
  const options = { ...first, ...(detail !== undefined && { detail: plainText(detail) }) };
  return vscode.window[kind](shownText(message), options, ...actions);
}

/** Tells how far work has come; `action` is a link of ours beside it. */
export type TellProgress = (words: string, action?: CommandLink) => void;

/** A link that runs a command. */
export interface CommandLink {
  readonly title: string;
  readonly command: string;
}

/** Shows that work goes on; neither its title nor what it tells holds a link, but for the given one. */
export async function withProgress<T>(
  options: vscode.ProgressOptions,
  work: (tell: TellProgress, token: vscode.CancellationToken) => Thenable<T>,
): Promise<T> {
  const { title } = options;
  const shown = { ...options, ...(title !== undefined && { title: shownText(title) }) };
  return vscode.window.withProgress<T>(shown, (progress, token) =>
    work((words, action) => {
      const link = action === undefined ? [] : [`[${shownText(action.title)}](command:${action.command})`];
      progress.report({ message: [shownText(words), ...link].join(' · ') });
    }, token),
  );
}

/** Offers a list in which names hold no icons. */
export async function showQuickPick<T extends vscode.QuickPickItem | string>(
  items: readonly T[],
  options: vscode.QuickPickOptions,
): Promise<T | undefined> {
  const lines = items.map((item) => ({
    ...shownLine<vscode.QuickPickItem>(typeof item === 'string' ? { label: item } : item),
    item,
  }));
  return (await vscode.window.showQuickPick(lines, options))?.item;
}

/** Tells something in passing, in the status bar. @param icon what stands before it */
export function tellInPassing(text: string, icon = ''): void {
  vscode.window.setStatusBarMessage(icon + shownText(text), TOLD_FOR_MS);
}

/** Asks for a text; neither the prompt nor what is said of the input holds a link. */
export async function showInputBox(options: vscode.InputBoxOptions): Promise<string | undefined> {
  const { prompt } = options;
  const checked = async (value: string) => {
    const said = await options.validateInput?.(value);
    if (said === undefined || said === null) return undefined;
    return typeof said === 'string' ? shownText(said) : { ...said, message: shownText(said.message) };
  };
  return vscode.window.showInputBox({
    ...options,
    ...(prompt !== undefined && { prompt: shownText(prompt) }),
    ...(options.validateInput && { validateInput: checked }),
  });
}
