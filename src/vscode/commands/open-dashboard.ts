import type { App } from '../app.ts';
import type { SetNode } from '../tree/nodes.ts';

/** Shows the figures of a set: the one of the line it was called on, else the first. */
export async function openDashboard(app: App, target?: unknown): Promise<void> {
  const { keyOf, showDashboard } = await import('../dashboard/dashboard.ts');
  const { workspace, set } = (target ?? {}) as Partial<Pick<SetNode, 'workspace' | 'set'>>;
  const chosen = workspace === undefined || set === undefined ? undefined : keyOf({ workspace, set });
  showDashboard(app, app.extension, chosen);
}
