import './dashboard.css';
import { calendar } from './calendar.ts';
import { chart, type ChartOptions } from './chart.ts';
import { dataTable, element, section } from './element.ts';
import type { Dashboard, FromPage, ToPage } from './messages.ts';
import { Texts } from './text.ts';
import { tiles } from './tiles.ts';

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const editor = acquireVsCodeApi();
const root = document.getElementById('root')!;
root.role = 'main';
const MINUTE_MS = 60_000;
let current: Dashboard | undefined;

window.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
  if (data.type === 'failed') {
    // What was shown is not true any more.
    current = undefined;
    const trouble = element('p', { class: 'trouble', role: 'alert' }, data.message);
    root.replaceChildren(trouble, refreshButton(data.refresh));
    return;
  }
  current = data.dashboard;
  draw(current);
});

// Canvases do not follow the theme by themselves.
new MutationObserver(() => {
  if (current !== undefined) draw(current);
}).observe(document.body, { attributeFilter: ['class', 'data-vscode-theme-id'] });

setInterval(tellTimes, MINUTE_MS);

editor.postMessage({ type: 'ready' });

/** How long ago something was grows by itself. */
function tellTimes(): void {
  if (current !== undefined) root.querySelector('.tiles')?.replaceWith(tiles(current, new Texts(current)));
}

function draw(dashboard: Dashboard): void {
  const texts = new Texts(dashboard);
  document.documentElement.lang = dashboard.locale;
  const focused = document.activeElement?.id;
  const open = Array.from(root.querySelectorAll('details[open]'), ({ id }) => id);
  root.replaceChildren(
    header(dashboard, texts),
    ...dashboard.troubles.map((trouble) => element('p', { class: 'trouble', role: 'alert' }, `⚠ ${trouble}`)),
    tiles(dashboard, texts),
    element(
      'div',
      { class: 'charts' },
      growth(dashboard, texts),
      recoveryTimes(dashboard, texts),
      space(dashboard, texts),
      calendar(dashboard, texts),
    ),
  );
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  if (focused) document.getElementById(focused)?.focus();
}

function header({ sets, shown }: Dashboard, texts: Texts): HTMLElement {
  const [only] = sets;
  const refresh = refreshButton(texts.word('refresh'));
  if (sets.length < 2)
    return element('header', {}, element('h1', {}, only?.name ?? texts.word('title')), refresh);
  const options = sets.map(({ key, name }) => {
    const option = element('option', { value: key }, name);
    option.selected = key === shown;
    return option;
  });
  const select = element('select', { id: 'set', 'aria-label': texts.word('set') }, ...options);
  select.addEventListener('change', () => editor.postMessage({ type: 'choose', key: select.value }));
  return element('header', {}, element('h1', {}, texts.word('title')), select, refresh);
}

function refreshButton(text: string): HTMLElement {
  const button = element('button', { id: 'refresh', type: 'button' }, text);
  button.addEventListener('click', () => editor.postMessage({ type: 'refresh' }));
  return button;
}

function growth({ growth: points, timeZone }: Dashboard, texts: Texts): HTMLElement {
  const title = texts.word('growth');
  const latest = points.at(-1);
  if (points.length < 2 || latest === undefined)
    return section(title, 'growth', element('p', {}, texts.word('noHistory')));
  const bytes = (value: number): string => texts.bytes(value);
  return section(
    title,
    'growth',
    chart({
      summary: texts.word(
        'growthText',
        texts.day(points[0]!.at),
        texts.bytes(points[0]!.stored),
        texts.bytes(latest.stored),
        texts.bytes(latest.source),
      ),
      moments: points.map(({ at }) => at),
      lines: [
        {
          label: texts.word('vaultSize'),
          colour: '--vscode-charts-blue',
          values: points.map(({ stored }) => stored),
        },
        {
          label: texts.word('liveData'),
          colour: '--vscode-foreground',
          values: points.map(({ source }) => source),
          dash: [6, 4],
        },
      ],
      format: bytes,
      ...axis(texts, timeZone),
    }),
    dataTable(
      'growth',
      texts.word('asTable'),
      [texts.word('when'), texts.word('vaultSize'), texts.word('liveData')],
      points.toReversed().map(({ at, stored, source }) => [texts.moment(at), bytes(stored), bytes(source)]),
    ),
  );
}

function recoveryTimes({ recovery, timeZone }: Dashboard, texts: Texts): HTMLElement {
  const title = texts.word('recoveryTimes');
  const { history } = recovery;
  const latest = history.at(-1);
  if (latest === undefined) return section(title, 'recovery', element('p', {}, texts.word('noRecoveries')));
  const ofKind = (wanted: 'drill' | 'restore'): (number | null)[] =>
    history.map(({ kind, durationMs }) => (kind === wanted ? durationMs : null));
  return section(
    title,
    'recovery',
    chart({
      summary:
        history.length === 1
          ? texts.word('recoveryTimesOne', texts.duration(latest.durationMs))
          : texts.word('recoveryTimesText', texts.number(history.length), texts.duration(latest.durationMs)),
      moments: history.map(({ at }) => at),
      lines: [
        {
          label: texts.word('drill'),
          colour: '--vscode-charts-green',
          values: ofKind('drill'),
          points: true,
        },
        {
          label: texts.word('restore'),
          colour: '--vscode-charts-purple',
          values: ofKind('restore'),
          points: true,
          dash: [6, 4],
        },
      ],
      format: (ms) => texts.duration(ms),
      ...axis(texts, timeZone),
    }),
    dataTable(
      'recoveries',
      texts.word('asTable'),
      [texts.word('when'), texts.word('duration'), texts.word('kind')],
      history
        .toReversed()
        .map(({ at, durationMs, kind }) => [texts.moment(at), texts.duration(durationMs), texts.word(kind)]),
    ),
  );
}

function axis(texts: Texts, timeZone: string): Pick<ChartOptions, 'moment' | 'tick' | 'timeZone'> {
  return { moment: (at) => texts.moment(at), tick: (at, hasTime) => texts.tick(at, hasTime), timeZone };
}

/** A table whose bars are drawn in it: nothing but itself is needed to read it. */
function space({ parts, stored }: Dashboard, texts: Texts): HTMLElement {
  const names: Readonly<Record<string, string>> = {
    manifests: texts.word('manifests'),
    unused: texts.word('unusedPart'),
    overhead: texts.word('overhead'),
  };
  const rows = parts.map(({ name, bytes }) => {
    const share = bytes / Math.max(1, stored);
    const bar = element('span', { class: 'bar', 'aria-hidden': 'true' });
    bar.style.width = `${Math.max(0.5, share * 100)}%`;
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, names[name] ?? name),
      element('td', { class: 'wide' }, bar),
      element('td', {}, texts.bytes(bytes)),
      element('td', {}, texts.percent(share)),
    );
  });
  const head = element(
    'tr',
    { class: 'said' },
    element('th', { scope: 'col' }, texts.word('part')),
    element('th', { scope: 'col' }),
    element('th', { scope: 'col' }, texts.word('size')),
    element('th', { scope: 'col' }, texts.word('share')),
  );
  return section(
    texts.word('space'),
    'space',
    element('table', { class: 'bars' }, element('thead', {}, head), element('tbody', {}, ...rows)),
  );
}
