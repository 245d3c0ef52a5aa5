import * as vscode from 'vscode';
import { until } from './answers.ts';

type Pick = vscode.QuickPick<vscode.QuickPickItem>;

/** The lists the extension shows, to be looked at and used from {@link watchQuickPicks} on. */
export interface QuickPicks extends vscode.Disposable {
  /** Waits for the next list; call it before what shows it. */
  next(): Promise<Pick>;
  /** Waits until the list has items and gives them. */
  items(pick: Pick): Promise<readonly vscode.QuickPickItem[]>;
  /** Chooses an item as from the keyboard. */
  accept(pick: Pick, number: number): Promise<void>;
  /** Presses a button of an item in the latest list. */
  press(item: vscode.QuickPickItem, button: number): void;
}

/** Notes every list that the extension creates, until it is disposed of. */
export function watchQuickPicks(): QuickPicks {
  const original = vscode.window.createQuickPick;
  let shown: Pick | undefined;
  let pressed: ((event: vscode.QuickPickItemButtonEvent<vscode.QuickPickItem>) => unknown) | undefined;
  Object.assign(vscode.window, {
    createQuickPick: () => {
      shown = original.call(vscode.window);
      // Only a mouse can press a button.
      const { onDidTriggerItemButton } = shown;
      const noted: typeof onDidTriggerItemButton = (listener, ...rest) => {
        pressed = listener;
        return onDidTriggerItemButton(listener, ...rest);
      };
      Object.defineProperty(shown, 'onDidTriggerItemButton', { value: noted });
      return shown;
    },
  });
  return {
    async next() {
      shown = undefined;
      return until(() => shown);
    },
    items: async (pick) => until(() => (pick.items.length > 0 ? pick.items : undefined)),
    async accept(pick, number) {
      // The editor makes the first one active by itself.
      await until(() => (pick.items.includes(pick.activeItems[0]!) ? true : undefined));
      const wanted = pick.items[number]!;
      if (pick.activeItems[0] !== wanted) {
        const moved = new Promise<void>((resolve) => {
          const listening = pick.onDidChangeActive(([item]) => {
            if (item !== wanted) return;
            listening.dispose();
            resolve();
          });
        });
        pick.activeItems = [wanted];
        await moved;
      }
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    },
    press: (item, button) => pressed?.({ item, button: item.buttons![button]! }),
    dispose: () => void Object.assign(vscode.window, { createQuickPick: original }),
  };
}
