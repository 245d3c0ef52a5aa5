import * as v from 'valibot';
import {
  gentle,
  hooks,
  offPeak,
  type offPeakWindow,
  retention,
  scheduleEntry,
} from './automation-definition.ts';
import { presets, snippetOf } from './command-presets.ts';
import { type Immutable, patterns, rule, segment, text } from './definition-parts.ts';
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

// The one definition of the set file: types, validation and the JSON schema for editors come from it. A check's
// message ends a sentence that begins with the value's place: “name” *must not be empty*.

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
          'What these patterns match is left out, besides what always is (node_modules/, vendor/, .git/, cache/, var/log/, *.log, tmp/, dist/, build/ …). “!pattern” takes in again what it names, and with it the folders of these on its way: “!vendor/acme/” all of vendor/, but “vendor/*” before it leaves the rest out. What .gitignore names is backed up.',
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
          'Environment variables of both commands: the place for passwords, as “${secret:NAME}” or “${env:NAME}”. They are hidden wherever they would be shown.',
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
          'Where the database is: mysql://, mariadb://, postgresql:// or sqlite:FILE. Write passwords as ${env:NAME} or ${secret:NAME}: this file is shared.',
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
        'Where the backups go: a folder. Without it: one among the user’s own data. rclone:REMOTE:PATH cannot be used yet.',
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
        v.description(
          'Off-site copies of the vault, as rclone remotes: “gdrive:crm-backups”. This version does not make them yet.',
        ),
      ),
    ),
    migrations: v.exactOptional(
      v.pipe(
        v.array(migration),
        v.description(
          'Commands that change the CRM, offered with a safety backup. This version does not offer them yet.',
        ),
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
