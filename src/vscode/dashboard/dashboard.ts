import * as vscode from 'vscode';
import { latestOf } from '../../core/latest.ts';
import type { Output } from '../../engine/protocol.ts';
import type { Dashboard, FromPage, Recovery, ToPage } from '../../webview/dashboard/messages.ts';
import type { App } from '../app.ts';
import { backupCount } from '../counts.ts';
import { displayName } from '../files/backup-uri.ts';
import { sentenceOf, translated } from '../sentences.ts';
import type { FoundSet } from '../sets.ts';
import { isDamaged } from '../tree/lines/backup.ts';
import { troubleText } from '../trouble-words.ts';
import { webviewPage } from '../webview-page.ts';
import { calendarDays } from './calendar-days.ts';
import { dashboardWords } from './words.ts';

const VIEW_TYPE = 'crm-backup.dashboard';
let open: DashboardPanel | undefined;

/** Shows the dashboard, of a set if one is named; there is one panel for all. */
export function showDashboard(app: App, extension: vscode.Uri, chosen: string | undefined): void {
  if (open === undefined) open = new DashboardPanel(app, extension, chosen);
  else open.show(chosen);
}

/** What tells a set from the others of all folders. */
export function keyOf({ workspace, set }: { readonly workspace: string; readonly set: string }): string {
  return JSON.stringify([workspace, set]);
}

class DashboardPanel {
  readonly #app: App;
  readonly #panel: vscode.WebviewPanel;
  #chosen: string | undefined;
  /** The look that is under way; what an older one finds out is not shown. */
  #look = 0;

  constructor(app: App, extension: vscode.Uri, chosen: string | undefined) {
    this.#app = app;
    this.#chosen = chosen;
    const dist = vscode.Uri.joinPath(extension, 'dist');
    this.#panel = vscode.window.createWebviewPanel(
      VIEW_TYPE,
      vscode.l10n.t('Backup Dashboard'),
      vscode.ViewColumn.Active,
      { enableScripts: true, localResourceRoots: [dist] },
    );
    const { webview } = this.#panel;
    this.#panel.iconPath = new vscode.ThemeIcon('graph');
    const subscriptions = vscode.Disposable.from(
      webview.onDidReceiveMessage((message: FromPage) => void this.#take(message)),
      // A page that is hidden is gone, and asks when it is there again.
      app.sets.onDidChange(() => {
        if (this.#panel.visible) void this.#draw();
      }),
    );
    this.#panel.onDidDispose(() => {
      open = undefined;
      void subscriptions.dispose();
    });
    webview.html = webviewPage(webview, extension, 'dashboard');
  }

  show(chosen: string | undefined): void {
    this.#panel.reveal();
    if (chosen === undefined || chosen === this.#chosen) return;
    this.#chosen = chosen;
    void this.#draw();
  }

  async #take(message: FromPage): Promise<void> {
    if (message.type === 'choose') this.#chosen = message.key;
    if (message.type === 'refresh') await this.#app.sets.refresh();
    await this.#draw();
  }

  async #draw(): Promise<void> {
    const look = ++this.#look;
    const answer = await this.#answer();
    if (look === this.#look) await this.#panel.webview.postMessage(answer);
  }

  async #answer(): Promise<ToPage> {
    try {
      await this.#app.sets.load();
      const sets = this.#app.sets.all();
      const found = sets.find((each) => keyOf(each) === this.#chosen) ?? sets[0];
      if (found === undefined) {
        const { noSet } = await import('../commands/targets.ts');
        return noSet(this.#app);
      }
      const { workspace, set } = found;
      const told = await this.#app.engine.call('figures', { workspace, set });
      return { type: 'show', dashboard: dashboardOf(sets, found, told) };
    } catch (error) {
      return failed(sentenceOf(error));
    }
  }
}

function failed(message: string): ToPage {
  return { type: 'failed', message, refresh: vscode.l10n.t('Refresh') };
}

/** What the dashboard shows of a set. @param sets all there are, to choose from */
export function dashboardOf(
  sets: readonly FoundSet[],
  found: FoundSet,
  { figures, planned }: Output<'figures'>,
): Dashboard {
  const { state, set } = found;
  const severalFolders = new Set(sets.map(({ workspace }) => workspace)).size > 1;
  const latest = latestOf(state.backups);
  return {
    locale: vscode.env.language,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    words: dashboardWords(),
    sets: sets.map((each) => ({
      key: keyOf(each),
      name: severalFolders ? `${each.folder.name} · ${displayName(each.set)}` : displayName(each.set),
    })),
    shown: keyOf(found),
    troubles: [
      ...(state.problem === undefined ? [] : [translated(state.problem.message, state.problem.code)]),
      ...damageTold(found),
      ...state.troubles.map((trouble) => troubleText(set, trouble)),
    ],
    backups: figures?.backups ?? 0,
    source: figures?.source ?? 0,
    stored: figures?.stored ?? 0,
    setsInVault: figures?.sets ?? 0,
    // Of a set without backups the vault’s says nothing.
    ratio: (latest && figures?.ratio) ?? null,
    dedup: figures?.dedup ?? null,
    compression: figures?.compression ?? null,
    unused: figures?.unused ?? 0,
    lastBackup: latest === undefined ? null : Date.parse(latest.createdAt),
    nextRun: planned[0] === undefined ? null : Date.parse(planned[0]),
    recovery: recoveryOf(figures),
    // A safety backup holds what a restore replaces: it says nothing of how much there is.
    growth: (figures?.history ?? [])
      .filter(({ safety }) => !safety)
      .map(({ createdAt, stored, source }) => ({ at: Date.parse(createdAt), stored, source })),
    parts: figures?.parts ?? [],
    days: calendarDays(
      state.backups.filter(({ safety }) => !safety),
      planned,
      new Date(),
    ),
  };
}

/** Says that backups of a set are damaged, as far as anybody has looked. */
function damageTold({ set, state }: FoundSet): readonly string[] {
  const count = state.backups.filter(isDamaged).length;
  if (count === 0) return [];
  const [name, backups] = [displayName(set), backupCount(count)];
  return [
    vscode.l10n.t(
      '{0}: {1} damaged. “Verify…” tells what is affected; “crm-backup repair” mends what it can.',
      name,
      backups,
    ),
  ];
}

function recoveryOf(figures: Output<'figures'>['figures']): Recovery {
  const { recoveryTime } = figures ?? {};
  const moment = (at: string | null | undefined): number | null => (at ? Date.parse(at) : null);
  return {
    last: recoveryTime?.last ?? null,
    kind: recoveryTime?.kind ?? null,
    at: moment(recoveryTime?.at),
    estimate: recoveryTime?.estimate ?? null,
    estimatedFrom: moment(recoveryTime?.estimatedFrom),
    trend: recoveryTime?.trend ?? null,
    history: (recoveryTime?.history ?? []).map((each) => ({ ...each, at: Date.parse(each.at) })),
  };
}
