import * as vscode from 'vscode';

/** What a question of the extension is answered with; it gets what was asked. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each question has its own parameters
type Answer = (...question: any[]) => unknown;
type Question =
  | 'showQuickPick'
  | 'showInputBox'
  | 'showOpenDialog'
  | 'showSaveDialog'
  | 'showInformationMessage'
  | 'showWarningMessage'
  | 'showErrorMessage';

/** What the extension has told or asked since, by how. */
export const told: { readonly how: Question; readonly text: string }[] = [];

const originals = new Map<Question, unknown>();

/** Answers every question of one way until {@link askAgain}; messages that nobody answers are only noted. */
export function answer(how: Question, reply: Answer): void {
  if (!originals.has(how)) originals.set(how, vscode.window[how]);
  const noted = (...question: unknown[]): Promise<unknown> => {
    const [first] = question;
    told.push({ how, text: typeof first === 'string' ? first : '' });
    return Promise.resolve(reply(...question));
  };
  Object.assign(vscode.window, { [how]: noted });
}

/** Answers quick picks one after another with the item whose label contains the text. */
export function pick(...labels: string[]): void {
  answer('showQuickPick', async (items: Promise<(vscode.QuickPickItem | string)[]>) => {
    const wanted = labels.shift() ?? '';
    const all = await items;
    const item = all.find((each) => (typeof each === 'string' ? each : each.label).includes(wanted));
    if (item === undefined) throw new Error(`There is no “${wanted}” among ${JSON.stringify(all)}`);
    return item;
  });
}

/** Closes every message without an answer and notes it. */
export function noteMessages(): void {
  for (const how of ['showInformationMessage', 'showWarningMessage', 'showErrorMessage'] as const) {
    answer(how, () => undefined);
  }
}

/** Puts the editor's own questions back. */
export function askAgain(): void {
  Object.assign(vscode.window, Object.fromEntries(originals));
  originals.clear();
  told.length = 0;
}

/** Waits until something holds, looking every few milliseconds; the test's own time limit ends a wait in vain. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
