import './page.css';
import './toolbar.css';
import './grid.css';
import './details.css';
import { failure, type PageState, RowsEditor } from './editor.ts';
import type { FromPage, ToPage } from './messages.ts';

/** What VS Code gives a page. */
interface EditorApi {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): EditorApi;

const api = acquireVsCodeApi();
const root = document.getElementById('root')!;
let editor: RowsEditor | undefined;

addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
  if (data.type !== 'opened') {
    if (editor !== undefined) editor.take(data);
    else if (data.type === 'failed') root.replaceChildren(...failure(data, start));
    return;
  }
  document.documentElement.lang = data.locale;
  const host = {
    post: (message: FromPage): void => api.postMessage(message),
    load: (): PageState | undefined => (api.getState() ?? undefined) as PageState | undefined,
    save: (state: PageState): void => api.setState(state),
  };
  const isTyping = document.activeElement instanceof HTMLInputElement;
  editor?.dispose();
  editor = new RowsEditor(host, data, root);
  if (isTyping) root.querySelector('input')?.focus();
});
start();

function start(): void {
  api.postMessage({ type: 'ready' });
}
