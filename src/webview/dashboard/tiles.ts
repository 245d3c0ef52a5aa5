import { element } from './element.ts';
import type { Dashboard, WordKey } from './messages.ts';
import type { Texts } from './text.ts';

function ratioWord({ setsInVault, backups }: Dashboard): WordKey {
  if (setsInVault > 1) return 'ratioShared';
  return backups === 1 ? 'ratioOne' : 'ratioDetail';
}

/** The figures that tell at a glance: each large, with a line of what it is made of. */
export function tiles(dashboard: Dashboard, texts: Texts): HTMLElement {
  const { ratio, source, stored, dedup, compression, unused, lastBackup, nextRun } = dashboard;
  const next =
    nextRun === null
      ? texts.word('noSchedule')
      : nextRun <= Date.now()
        ? texts.word('due')
        : texts.word('next', texts.moment(nextRun));
  return element(
    'dl',
    { class: 'tiles' },
    tile(
      texts.word('ratio'),
      texts.times(ratio),
      ratio === null
        ? texts.word('ratioNone')
        : texts.word(
            ratioWord(dashboard),
            texts.bytes(source),
            texts.bytes(stored),
            texts.number(dashboard.backups),
            texts.number(dashboard.setsInVault),
          ),
    ),
    tile(texts.word('recovery'), ...recoveryText(dashboard, texts)),
    tile(
      texts.word('saving'),
      `${texts.times(dedup)} · ${texts.times(compression)}`,
      unused === 0 ? texts.word('savingDetail') : texts.word('unused', texts.bytes(unused)),
    ),
    tile(texts.word('lastBackup'), lastBackup === null ? texts.word('never') : texts.age(lastBackup), next),
  );
}

function tile(name: string, value: string, ...details: readonly string[]): HTMLElement {
  return element(
    'div',
    { class: 'tile' },
    element('dt', {}, name),
    element('dd', { class: 'value' }, value),
    ...details.map((detail) => element('dd', { class: 'detail' }, detail)),
  );
}

function recoveryText({ recovery }: Dashboard, texts: Texts): readonly [string, ...string[]] {
  const { last, kind, at, estimate, estimatedFrom, trend } = recovery;
  if (last === null || at === null) return ['–', texts.word('recoveryNone')];
  const when = texts.word(kind === 'drill' ? 'rehearsed' : 'restored', texts.age(at));
  const details = [trend === null ? when : `${when} · ${trendText(trend, texts)}`];
  if (estimate !== null && estimatedFrom !== null) {
    details.push(texts.word('estimate', texts.duration(estimate), texts.age(estimatedFrom)));
  }
  return [texts.duration(last), ...details];
}

function trendText(trend: number, texts: Texts): string {
  if (trend > 1.1) return texts.word('slower', texts.times(trend));
  return trend < 0.9 ? texts.word('faster', texts.times(1 / trend)) : texts.word('steady');
}
