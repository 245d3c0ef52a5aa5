/** What the dashboard is sent. Sizes in bytes, durations and moments in milliseconds. */
export interface Dashboard {
  /** For numbers and dates. */
  readonly locale: string;
  /** Where the backups are taken, which may be elsewhere than the page is looked at: `Europe/Berlin`. */
  readonly timeZone: string;
  readonly words: Words;
  /** The sets there are, and which one is shown. */
  readonly sets: readonly { readonly key: string; readonly name: string }[];
  readonly shown: string;
  /** What is wrong now, one sentence each; nothing when all is well. */
  readonly troubles: readonly string[];
  /** In the vault, of all sets that share it; what follows is of all of them, too. */
  readonly backups: number;
  /** How many sets have backups there. */
  readonly setsInVault: number;
  readonly source: number;
  readonly stored: number;
  readonly ratio: number | null;
  readonly dedup: number | null;
  readonly compression: number | null;
  readonly unused: number;
  /** When the last backup was taken, and when the next one is due. */
  readonly lastBackup: number | null;
  readonly nextRun: number | null;
  readonly recovery: Recovery;
  readonly growth: readonly GrowthPoint[];
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
  /** Whole weeks, from Monday. */
  readonly days: readonly CalendarDay[];
}

export interface Recovery {
  readonly last: number | null;
  readonly kind: 'drill' | 'restore' | null;
  readonly at: number | null;
  readonly estimate: number | null;
  readonly estimatedFrom: number | null;
  readonly trend: number | null;
  readonly history: readonly {
    readonly at: number;
    readonly durationMs: number;
    readonly kind: 'drill' | 'restore';
  }[];
}

/** How large the vault was after a backup, and what the backup held. */
export interface GrowthPoint {
  readonly at: number;
  readonly stored: number;
  readonly source: number;
}

/** A day and what was, or will be, backed up on it. */
export interface CalendarDay {
  /** Noon of that day in the time zone. */
  readonly at: number;
  readonly isToday: boolean;
  readonly full: number;
  readonly differential: number;
  readonly incremental: number;
  /** Of these, how many are incomplete. */
  readonly partial: number;
  readonly planned: number;
}

/** Every word of the page; `{0}` and `{1}` are replaced. */
export type Words = Readonly<Record<WordKey, string>>;
export type WordKey =
  | 'title'
  | 'set'
  | 'refresh'
  | 'ratio'
  | 'ratioDetail'
  | 'ratioShared'
  | 'ratioOne'
  | 'ratioNone'
  | 'saving'
  | 'savingDetail'
  | 'recovery'
  | 'recoveryNone'
  | 'rehearsed'
  | 'restored'
  | 'estimate'
  | 'slower'
  | 'faster'
  | 'steady'
  | 'lastBackup'
  | 'never'
  | 'next'
  | 'due'
  | 'noSchedule'
  | 'unused'
  | 'growth'
  | 'growthText'
  | 'vaultSize'
  | 'liveData'
  | 'noHistory'
  | 'recoveryTimes'
  | 'recoveryTimesText'
  | 'recoveryTimesOne'
  | 'noRecoveries'
  | 'duration'
  | 'kind'
  | 'drill'
  | 'restore'
  | 'space'
  | 'manifests'
  | 'unusedPart'
  | 'overhead'
  | 'share'
  | 'size'
  | 'part'
  | 'calendar'
  | 'week'
  | 'full'
  | 'differential'
  | 'incremental'
  | 'partial'
  | 'planned'
  | 'nothing'
  | 'today'
  | 'asTable'
  | 'when';

export type ToPage =
  | { readonly type: 'show'; readonly dashboard: Dashboard }
  | { readonly type: 'failed'; readonly message: string; readonly refresh: string };

export type FromPage =
  | { readonly type: 'ready' }
  | { readonly type: 'choose'; readonly key: string }
  | { readonly type: 'refresh' };
