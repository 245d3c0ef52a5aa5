import { element, section } from './element.ts';
import type { CalendarDay, Dashboard } from './messages.ts';
import type { Texts } from './text.ts';

const KINDS = ['full', 'differential', 'incremental'] as const;
/** The same signs as the tree's icons: a full disc, half of one, a ring. */
const SIGNS = { full: '●', differential: '◐', incremental: '○', partial: '⚠', planned: '◌' } as const;

/** Which backups were taken on which day, and which are planned: a week a line. */
export function calendar({ days }: Dashboard, texts: Texts): HTMLElement {
  const weeks = Array.from({ length: Math.ceil(days.length / 7) }, (_, at) => days.slice(at * 7, at * 7 + 7));
  const [first = []] = weeks;
  const head = element(
    'tr',
    {},
    ...first.map(({ at }) => element('th', { scope: 'col' }, texts.weekday(at))),
  );
  const legend = (['full', 'differential', 'incremental', 'partial', 'planned'] as const).map((key) =>
    element(
      'span',
      {},
      element('span', { class: `sign ${key}`, 'aria-hidden': 'true' }, SIGNS[key]),
      ` ${texts.word(key)}`,
    ),
  );
  return section(
    texts.word('calendar'),
    'calendar',
    element(
      'table',
      { class: 'days' },
      element('thead', {}, head),
      element(
        'tbody',
        {},
        ...weeks.map((week) => element('tr', {}, ...week.map((day) => dayCell(day, texts)))),
      ),
    ),
    element('p', { class: 'legend' }, ...legend),
  );
}

function dayCell(day: CalendarDay, texts: Texts): HTMLElement {
  const signs = KINDS.flatMap((kind) => (day[kind] === 0 ? [] : sign(kind, day[kind])));
  if (day.partial > 0) signs.push(...sign('partial', 1));
  if (day.planned > 0) signs.push(...sign('planned', 1));
  const said = [...KINDS, 'partial' as const, 'planned' as const].flatMap((key) =>
    day[key] === 0 ? [] : `${day[key]} ${texts.word(key)}`,
  );
  const label = `${texts.day(day.at)}${day.isToday ? ` (${texts.word('today')})` : ''}: ${said.join(', ') || texts.word('nothing')}`;
  return element(
    'td',
    { class: day.isToday ? 'today' : undefined, title: label },
    element('span', { class: 'number', 'aria-hidden': 'true' }, texts.dayOfMonth(day.at)),
    element('span', { class: 'signs', 'aria-hidden': 'true' }, ...signs),
    element('span', { class: 'said' }, label),
  );
}

function sign(key: keyof typeof SIGNS, count: number): Node[] {
  const text = count > 1 ? `${SIGNS[key]}${count}` : SIGNS[key];
  return [element('span', { class: `sign ${key}` }, text)];
}
