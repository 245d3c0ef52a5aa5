import * as v from 'valibot';
import {
  commandProblem,
  environmentNameProblem,
  environmentProblem,
  includeProblem,
  patternProblem,
  rootProblem,
  toolCommandProblem,
  toolsProblem,
  urlProblem,
  vaultProblem,
} from './value-rules.ts';
import { presets, snippetOf } from './command-presets.ts';
import { SPAN_PATTERN, spanProblem } from './calendar-span.ts';
import { daysOfMonth, weekdays } from './days.ts';
import { SEGMENT_PATTERN, segmentProblem } from './segment.ts';

// The one definition of the set file: types, validation and the JSON schema for editors come from it. A check's
// message ends a sentence that begins with the value's place: “name” *must not be empty*.

type Immutable<T> = T extends object ? { readonly [Key in keyof T]: Immutable<T[Key]> } : T;

/** A check whose message says what is wrong; it is made from a function that gives the problem or undefined. */
function rule(problem: (text: string) => string | undefined) {
  return v.check<string, (issue: v.CheckIssue<string>) => string>(
    (text) => problem(text) === undefined,
    (issue) => problem(issue.input) ?? '',
  );
}

function text(description: string, problem: (text: string) => string | undefined) {
  return v.pipe(v.string(), rule(problem), v.description(description));
}

/** A name that becomes a folder in a backup. */
function segment(description: string) {
  return v.pipe(
    v.string(),
    rule(segmentProblem),
    v.metadata({ minLength: 1, pattern: SEGMENT_PATTERN }),
    v.description(description),
  );
}

function timeOfDay(description: string) {
  return v.pipe(
    v.string(),
    v.regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time between “00:00” and “23:59”'),
    v.description(description),
  );
}

function count(description: string) {
  return v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(0, 'must not be negative'),
    v.description(description),
  );
}

function patterns(problem: (text: string) => string | undefined) {
  return v.array(
    v.pipe(
      v.string(),
      rule(problem),
      v.metadata({ minLength: 1 }),
      v.description('A pattern as in .gitignore, seen from the root.'),
    ),
  );
}

const fileRoot = v.pipe(
  v.strictObject({
    name: v.exactOptional(
      segment('Name of the root in the backup: its files are files/<name>/…. Without a name: “workspace”.'),
    ),
    root: text(
      'Folder to back up: absolute, relative to the workspace, or below “~”. ${env:NAME}, ${userHome} and ${workspaceFolder} are replaced.',
      rootProblem,
    ),
    include: v.exactOptional(
      v.pipe(
        patterns(includeProblem),
        v.minLength(1, 'must not be empty; leave it out to take everything'),
        v.description('Only what one of these patterns matches is backed up. Without it: everything.'),
      ),
    ),
    exclude: v.exactOptional(
      v.pipe(
        patterns(patternProblem),
        v.description(
          'What these patterns match is left out, besides what always is (node_modules/, vendor/, .git/, cache/, var/log/, *.log, tmp/, dist/, build/ …). “!pattern” takes it in again. What .gitignore names is backed up.',
        ),
      ),
    ),
  }),
  v.description('A folder whose files are backed up.'),
);

const command = v.pipe(
  v.strictObject({
    dump: v.pipe(
      v.string(),
      rule(toolCommandProblem),
      v.description(
        'Command that writes the dump to its standard output. The shell runs it in the workspace folder: bash -e -o pipefail, on Windows cmd.exe.',
      ),
    ),
    restore: v.pipe(
      v.string(),
      rule(toolCommandProblem),
      v.description('Command that reads the dump from its standard input and replaces what is there by it.'),
    ),
    env: v.exactOptional(
      v.pipe(
        v.record(
          v.pipe(v.string(), rule(environmentNameProblem)),
          v.pipe(v.string(), rule(environmentProblem)),
        ),
        v.examples([{ PGPASSWORD: '${secret:postgres}' }]),
        v.description(
          'Environment variables of both commands: the place for passwords, as “${secret:NAME}”, “${env:NAME}” or “${config:KEY}”. They are hidden wherever they would be shown.',
        ),
      ),
    ),
    timeout: v.exactOptional(
      v.pipe(
        v.number(),
        v.minValue(0.01, 'must be more than 0'),
        v.description('Minutes the dump command may write nothing at all before it is ended. Else 60.'),
      ),
    ),
  }),
  v.metadata({ defaultSnippets: presets.map(snippetOf) }),
  v.description('A database saved and loaded by its own tools, any that stream.'),
);

const databaseSource = v.pipe(
  v.strictObject({
    name: segment('Name of the database in the backup: its tables are databases/<name>/…'),
    url: v.exactOptional(
      v.pipe(
        v.string(),
        rule(urlProblem),
        v.examples(['mysql://crm:${env:CRM_DB_PASSWORD}@127.0.0.1:3306/crm', 'sqlite:var/app.db']),
        v.description(
          'Where the database is: mysql://, mariadb://, postgresql:// or sqlite:FILE. Write passwords as ${env:NAME}, ${secret:NAME} or ${config:KEY}: this file is shared.',
        ),
      ),
    ),
    command: v.exactOptional(command),
    tools: v.exactOptional(
      text(
        'Folder of the database’s client tools (pg_dump, pg_restore) when they are not on the PATH, or “docker:SERVICE”: the Docker Compose service whose container has them, the server’s own.',
        toolsProblem,
      ),
    ),
  }),
  v.metadata({ oneOf: [{ required: ['url'] }, { required: ['command'] }] }),
  v.description('A database that is backed up, reached by a URL or by commands.'),
);

/** The kinds of backup one can ask for. */
const kinds = ['auto', 'full', 'incremental', 'differential'] as const;

const scheduledKinds = [...kinds, 'drill', 'verify'] as const;

const NO_DAY = 'must be a day of the month from 1 to 31';
const NO_ON =
  'must be a weekday, as “monday”, a day of the month from 1 to 31, “first” or “last”, or one as “first monday” or “last friday”';

/** What stands instead of a day; a date comes only once, and what has been never comes. */
function noDay(input: unknown): string {
  const isDate = typeof input === 'string' && /^\d{1,4}[-./]\d{1,2}([-./]\d{1,4})?$/.test(input.trim());
  return isDate ? `is a date, which never comes again; it ${NO_ON}` : NO_ON;
}

const scheduleEntry = v.pipe(
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

const offPeakWindow = v.pipe(
  v.strictObject({
    from: timeOfDay('Local time from which work is welcome.'),
    to: timeOfDay('Local time until which; earlier than “from” means on the next day.'),
  }),
  v.description('Hours of the day in which alone what is scheduled starts.'),
);

const offPeak = v.pipe(
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

const gentle = v.pipe(
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
        v.description('“stop”: the backup fails, too (else so); “continue”: the failure is only told.'),
      ),
    ),
  }),
  v.description(
    'A command that goes with every backup of the set. It finds the set’s name in CRM_BACKUP_SET.',
  ),
);

const hooks = v.pipe(
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

const retention = v.pipe(
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
      count('For how many days safety backups are kept, which the other rules leave alone. Else 30.'),
    ),
  }),
  v.description('Which backups “forget” keeps, besides pinned ones. Without it, nothing is forgotten.'),
);

const migration = v.pipe(
  v.strictObject({
    label: text('What the migration is called in menus and backups.', commandProblem),
    command: text('The command, run by the shell in the workspace folder.', commandProblem),
  }),
  v.description('A command that changes the CRM; it runs between a safety backup and a differential one.'),
);

const backupSet = v.pipe(
  v.strictObject({
    name: segment('Name of the set, unique in this file.'),
    files: v.exactOptional(
      v.pipe(v.array(fileRoot), v.description('Folders whose files are backed up.')),
      [],
    ),
    databases: v.exactOptional(
      v.pipe(v.array(databaseSource), v.description('Databases that are backed up.')),
      [],
    ),
    vault: v.exactOptional(
      text(
        'Where the backups go: a folder, or rclone:REMOTE:PATH. Without it: a folder among the user’s own data.',
        vaultProblem,
      ),
    ),
    fullEvery: v.exactOptional(
      v.pipe(
        v.number(),
        v.minValue(0, 'must not be negative'),
        v.description('Days after which “auto” takes a full backup again.'),
      ),
      7,
    ),
    schedule: v.exactOptional(
      v.pipe(v.array(scheduleEntry), v.description('When backups are taken by themselves.')),
    ),
    offPeak: v.exactOptional(offPeak),
    gentle: v.exactOptional(gentle),
    hooks: v.exactOptional(hooks),
    retention: v.exactOptional(retention),
    replicas: v.exactOptional(
      v.pipe(
        v.array(
          v.pipe(
            v.string(),
            v.regex(/^[^:/\\]+:.*$/, 'must be an rclone remote and path, as “gdrive:crm-backups”'),
            v.description('An rclone remote and path.'),
          ),
        ),
        v.description('Off-site copies of the vault, as rclone remotes: “gdrive:crm-backups”.'),
      ),
    ),
    migrations: v.exactOptional(
      v.pipe(
        v.array(migration),
        v.description('Commands that change the CRM, offered with a safety backup.'),
      ),
    ),
  }),
  v.description('What is backed up together.'),
);

/** The whole set file, `.vscode/crm-backup.json`. */
export const setFileSchema = v.pipe(
  v.strictObject({
    $schema: v.exactOptional(v.pipe(v.string(), v.description('Address of this file’s JSON schema.'))),
    version: v.pipe(v.literal(1), v.description('Version of this file’s format: 1.')),
    sets: v.pipe(
      v.array(backupSet),
      v.minLength(1, 'must hold at least one set'),
      v.description('The backup sets of this workspace.'),
    ),
  }),
  v.description('What CRM Backup backs up in this workspace. Shared in git, so it holds no secret.'),
);

export type SetFile = Immutable<v.InferOutput<typeof setFileSchema>>;
export type BackupSet = SetFile['sets'][number];
/** A set as it is written: what has a default may be left out. */
export type NewSet = Immutable<v.InferInput<typeof setFileSchema>>['sets'][number];
export type FileRoot = BackupSet['files'][number];
/** Something that a set does again and again. */
export type ScheduleEntry = NonNullable<BackupSet['schedule']>[number];
/** Hours of the day, local time. */
export type OffPeakWindow = Immutable<v.InferOutput<typeof offPeakWindow>>;
/** A command around backups. */
export type Hook = NonNullable<NonNullable<BackupSet['hooks']>['before']>;
