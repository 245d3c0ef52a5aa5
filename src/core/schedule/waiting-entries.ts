import type { BackupSet } from '../set/definition.ts';
import { placesIn } from '../set/parse.ts';
import { type OffPeakWait, offPeakWait } from './off-peak.ts';

/** An entry of a schedule that always waits for the off-peak hours, and where its time stands in the set file. */
export interface WaitingEntry extends OffPeakWait {
  /** Line and column begin at 1. */
  readonly line: number;
  readonly column: number;
  /** In UTF-16 code units; an entry without a time may go on over several lines. */
  readonly length: number;
}

/** The entries of each of a set file’s sets that wait. Pure. @param text of the file that the sets were read from */
export function waitingEntries(
  text: string,
  sets: readonly Pick<BackupSet, 'schedule' | 'offPeak'>[],
): WaitingEntry[][] {
  return sets.map(({ schedule = [], offPeak }, set) => {
    const waits = schedule.flatMap((entry, number) => {
      const wait = offPeakWait(offPeak, entry);
      return wait === undefined ? [] : [{ ...wait, path: ['sets', set, 'schedule', number, 'at'] }];
    });
    if (waits.length === 0) return [];
    const places = placesIn(
      text,
      waits.map(({ path }) => path),
    );
    return waits.map(({ at, until }, number) => ({ at, until, ...places[number]! }));
  });
}
