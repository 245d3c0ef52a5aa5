import * as v from 'valibot';
import { SPAN_PATTERN, spanProblem } from './calendar-span.ts';
import { daysOfMonth, weekdays } from './days.ts';
import { count, kinds, rule, text, timeOfDay } from './definition-parts.ts';
import { commandProblem } from './value-rules.ts';

const scheduledKinds = [...kinds, 'drill', 'verify'] as const;

/** As many as a calendar can count back. */
const MOST_DAYS = 99_999;

const NO_DAY = 'must be a day of the month from 1 to 31';

const NO_ON =
  'must be a weekday, as “monday”, a day of the month from 1 to 31, “first” or “last”, or one as “first monday” or “last friday”';

/** What stands instead of a day; a date comes only once, and what has been never comes. */
function noDay(input: unknown): string {
  const isDate = typeof input === 'string' && /^\d{1,4}[-./]\d{1,2}([-./]\d{1,4})?$/.test(input.trim());
  return isDate ? `is a date, which never comes again; it ${NO_ON}` : NO_ON;
}

/** One entry of a set's schedule. */
export const scheduleEntry = v.pipe(
  v.strictObject({
    kind: v.exactOptional(
      v.pipe(
        v.picklist(scheduledKinds),
        v.description(
          'What is taken; “auto”: a full one when the last is old, else incremental. “drill” rehearses a restore of the latest backup, “verify” reads every byte of the vault.',
        ),
      ),
      'auto',
    ),
    every: v.pipe(v.picklist(['hour', 'day', 'week', 'month']), v.description('How often.')),
    on: v.exactOptional(
      v.pipe(
        v.union(
          [
            v.picklist(weekdays),
            v.picklist(daysOfMonth),
            v.pipe(v.number(), v.integer(NO_DAY), v.minValue(1, NO_DAY), v.maxValue(31, NO_DAY)),
          ],
          (issue) => noDay(issue.input),
        ),
        v.description(
          'Which day: a weekday for “week” (else sunday); for “month” 1 to 31 (a shorter month’s last day), “first”, “last”, or as “first monday”, “last friday” (else 1).',
        ),
      ),
    ),
    at: v.exactOptional(timeOfDay('Local time of day, as “02:00”. Not for “hour”. Else “00:00”.')),
    anyTime: v.exactOptional(
      v.pipe(v.boolean(), v.description('Whether it also starts outside the hours of “offPeak”.')),
    ),
  }),
  v.description('Something that is done again and again: a backup, a drill, a verification.'),
);

/** One window of the hours that are off-peak. */
export const offPeakWindow = v.pipe(
  v.strictObject({
    from: timeOfDay('Local time from which work is welcome.'),
    to: timeOfDay('Local time until which; earlier than “from” means on the next day.'),
  }),
  v.description('Hours of the day in which alone what is scheduled starts.'),
);

/** The hours in which scheduled work starts. */
export const offPeak = v.pipe(
  v.union(
    [
      offPeakWindow,
      v.pipe(
        v.array(offPeakWindow),
        v.minLength(1, 'must not be empty; leave it out to start at any time'),
        v.description('Several such windows; they must not overlap.'),
      ),
    ],
    'must be an object or a list of them',
  ),
  v.description(
    'When what is scheduled may start. What is due outside is done when the next window begins; a backup still running when it ends goes on slowly, verification pauses until the next.',
  ),
);

/** How scheduled work keeps out of the way. */
export const gentle = v.pipe(
  v.strictObject({
    onBattery: v.exactOptional(
      v.pipe(v.boolean(), v.description('Whether scheduled work also starts on battery. Else it waits.')),
    ),
    maxLoad: v.exactOptional(
      v.pipe(
        v.number(),
        v.minValue(0.01, 'must be more than 0'),
        v.description(
          'Scheduled work waits while the system’s load for each processor is higher, as 0.8. Else it does not ask.',
        ),
      ),
    ),
    maxRate: v.exactOptional(
      v.pipe(
        v.number(),
        v.minValue(0.01, 'must be more than 0'),
        v.description(
          'Megabytes a second that scheduled work reads at most. Else as fast as nobody is hindered.',
        ),
      ),
    ),
  }),
  v.description('How scheduled work keeps out of the way. It always runs at low priority.'),
);

const hook = v.pipe(
  v.strictObject({
    command: text('The command, run by the shell in the workspace folder.', commandProblem),
    timeout: v.exactOptional(
      v.pipe(
        v.number(),
        v.minValue(0.01, 'must be more than 0'),
        v.description('Minutes after which the command is ended and counts as failed. Else 10.'),
      ),
    ),
    onFailure: v.exactOptional(
      v.pipe(
        v.picklist(['stop', 'continue']),
        v.description(
          '“stop” (else so): the backup is not taken when the command before it fails, and counts as failed when the one after it does; “continue”: the failure is only told.',
        ),
      ),
    ),
  }),
  v.description(
    'A command that goes with every backup of the set. It finds the set’s name in CRM_BACKUP_SET.',
  ),
);

/** Commands around backups. */
export const hooks = v.pipe(
  v.strictObject({
    before: v.exactOptional(v.pipe(hook, v.description('Runs before the backup reads anything.'))),
    after: v.exactOptional(
      v.pipe(
        hook,
        v.description('Runs after the backup, also after one that failed: see CRM_BACKUP_STATUS.'),
      ),
    ),
  }),
  v.description('Commands around backups, as maintenance mode on and off. Only in trusted workspaces.'),
);

/** Which backups are kept. */
export const retention = v.pipe(
  v.strictObject({
    last: v.exactOptional(count('How many of the latest backups are kept.')),
    within: v.exactOptional(
      v.pipe(
        v.string(),
        rule(spanProblem),
        v.metadata({ pattern: SPAN_PATTERN }),
        v.examples(['30d', '1y6m', '2d12h']),
        v.description(
          'All backups of so long before the latest are kept: years, months, days, hours, as “1y6m30d12h”.',
        ),
      ),
    ),
    hourly: v.exactOptional(count('For how many hours the last backup of the hour is kept.')),
    daily: v.exactOptional(count('For how many days the last backup of the day is kept.')),
    weekly: v.exactOptional(count('For how many weeks the last backup of the week is kept.')),
    monthly: v.exactOptional(count('For how many months the last backup of the month is kept.')),
    yearly: v.exactOptional(count('For how many years the last backup of the year is kept.')),
    safetyDays: v.exactOptional(
      v.pipe(
        count('For how many days safety backups are kept, which the other rules leave alone. Else 30.'),
        v.maxValue(MOST_DAYS, `must not be more than ${String(MOST_DAYS)}`),
      ),
    ),
  }),
  v.description('Which backups “forget” keeps, besides pinned ones. Without it, nothing is forgotten.'),
);
