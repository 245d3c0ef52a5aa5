import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { issueText, SetError } from '../../../../src/core/set/error.ts';
import { parseSetFile } from '../../../../src/core/set/parse.ts';

/** The issues of a text as an editor's user reads them. */
function issuesOf(text: string): string[] {
  try {
    parseSetFile(text);
  } catch (error) {
    expect(error).toBeInstanceOf(SetError);
    if (error instanceof SetError) {
      expect(error.code).toBe('invalid-set-file');
      return error.issues.map(issueText);
    }
  }
  return [];
}

/** The messages alone for a file whose one set is `{"name": "crm", "files": [{"root": "."}]` and more. */
function messagesWith(more: Record<string, unknown>): string[] {
  const set = { name: 'crm', files: [{ root: '.' }], ...more };
  return issuesOf(JSON.stringify({ version: 1, sets: [set] })).map((text) => text.replace(/^.*?: /, ''));
}

const NO_BRACES = 'which such patterns do not know: write one pattern for each, or “\\{” for the character';

describe('a set file', () => {
  it('may use everything, with comments and trailing commas', () => {
    const text = `\ufeff// shared
{
  "$schema": "https://example.org/crm-backup.schema.json",
  "version": 1,
  "sets": [{
    "name": "espocrm",
    "files": [
      { "root": ".", "include": ["data/**", "custom/**"], "exclude": ["data/cache/**", "!data/logs/"] },
      { "name": "filestore", "root": "~/.local/share/Odoo/filestore/crm" }, /* outside */
    ],
    "databases": [
      { "name": "crm", "url": "mysql://crm:\${env:CRM_DB_PASSWORD}@127.0.0.1:3306/crm", "tools": "/opt/mysql/bin" },
      { "name": "app", "url": "sqlite:var/app.db" },
      { "name": "whole", "url": "\${env:DATABASE_URL}" },
      { "name": "legacy", "command": { "dump": "expdp …", "restore": "impdp …" } },
    ],
    "vault": "/optional/path",
    "fullEvery": 3.5,
    "schedule": [{ "kind": "full", "every": "week", "on": "sunday", "at": "02:00" },
                 { "every": "month", "on": 31 }, { "every": "hour" }],
    "offPeak": { "from": "20:00", "to": "07:00" },
    "retention": { "last": 10, "daily": 7, "weekly": 4, "monthly": 6, "yearly": 1 },
    "replicas": ["gdrive:crm-backups"],
    "migrations": [{ "label": "Rebuild", "command": "php rebuild.php" }],
  }],
}`;
    const [set] = parseSetFile(text).sets;
    expect(set?.files[0]?.exclude).toEqual(['data/cache/**', '!data/logs/']);
    expect(set?.databases.map(({ name }) => name)).toEqual(['crm', 'app', 'whole', 'legacy']);
    expect(set?.schedule?.[1]).toEqual({ kind: 'auto', every: 'month', on: 31 });
    expect(set?.fullEvery).toBe(3.5);
  });

  it('needs only a name and something to back up', () => {
    const file = parseSetFile('{"version": 1, "sets": [{"name": "客户 CRM", "files": [{"root": "."}]}]}');
    expect(file).toEqual({
      version: 1,
      sets: [{ name: '客户 CRM', files: [{ root: '.' }], databases: [], fullEvery: 7 }],
    });
  });

  it('tells every mistake at once, with its place', () => {
    const text = `{
  "version": 1,
  "sets": [
    { "name": "a/b", "files": [{ "root": ".", "exlude": [] }], "color": 1 },
    { "name": "crm", "nmae": "x", "files": [], "fullEvery": "7" },
    { "name": "CRM", "databases": [{ "name": "d" }] },\r
    7
  ]
}`;
    expect(issuesOf(text)).toEqual([
      'line 4, column 15: “name” must not contain “/”, because it becomes the name of a folder',
      'line 4, column 47: unknown key “exlude”; did you mean “exclude”?',
      'line 4, column 64: unknown key “color”',
      'line 5, column 5: this set backs up nothing; give it “files” or “databases”',
      'line 5, column 22: unknown key “nmae”',
      'line 5, column 61: “fullEvery” must be a number, not a text',
      'line 6, column 15: the set “CRM” stands here twice; names must differ',
      'line 6, column 36: “url” is missing, or “command” for a database saved by its own tools',
      'line 7, column 5: item 4 of “sets” must be an object, not a number',
    ]);
  });

  it('counts columns behind a byte order mark as editors do', () => {
    expect(issuesOf('\ufeff{"version": 2, "sets": []}')).toEqual([
      'line 1, column 13: “version” is 2, which a newer CRM Backup wrote; update this one',
      'line 1, column 24: “sets” must hold at least one set',
    ]);
  });

  it.each([
    ['', 'line 1, column 1: the file is empty'],
    ['null', 'line 1, column 1: the file must be an object, not null'],
    ['[]', 'line 1, column 1: the file must be an object, not a list'],
    ['{"version": 1, "sets": {}}', 'line 1, column 24: “sets” must be a list, not an object'],
    ['{"version": 1}', 'line 1, column 1: “sets” is missing'],
    ['{\n "version" 1, "sets": []}', 'line 2, column 12: a colon is missing here'],
    ['{"version": 1,\n "sets": [{"name": "x" "files": []}]}', 'line 2, column 24: a comma is missing here'],
    ['{"version": 1, "sets": [', 'line 1, column 25: a closing “]” is missing here'],
    ['{"version": 1, "sets": []} {}', 'line 1, column 28: the file should end here'],
  ])('says what is wrong with %j', (text, issue) => {
    expect(issuesOf(text)).toContain(issue);
  });

  it('knows no key twice and no key that objects have by themselves', () => {
    expect(issuesOf('{"version": 1, "version": 1, "__proto__": {}, "toString": 1, "sets": []}')).toEqual([
      'line 1, column 16: the key “version” stands here twice',
      'line 1, column 30: unknown key “__proto__”',
      'line 1, column 47: unknown key “toString”',
      'line 1, column 70: “sets” must hold at least one set',
    ]);
  });

  it('says the first mistake, how many there are and the next step in its error', () => {
    expect(() => parseSetFile('{"version": 1, "sets": [], "set": []}')).toThrow(
      'The set file cannot be used: line 1, column 24: “sets” must hold at least one set (the first of 2 mistakes).',
    );
  });

  it.each([
    ['..', 'must not be “.” or “..”'],
    ['', 'must not be empty'],
    ['a\\b', 'must not contain “\\”, because it becomes the name of a folder'],
    ['a:b', 'must not contain “:”, because it becomes the name of a folder'],
    ['a\nb', 'must not contain control characters'],
    ['a.', 'must not begin or end with a space or end with a dot'],
    [' a', 'must not begin or end with a space or end with a dot'],
    ['con', 'must not be a name that Windows keeps for devices'],
    ['Lpt1.txt', 'must not be a name that Windows keeps for devices'],
    ['x'.repeat(201), 'must not be longer than 200 bytes'],
    ['\ud800', 'must be valid Unicode'],
  ])('refuses the name %j of a set, a root and a database', (name, problem) => {
    expect(messagesWith({ name })).toEqual([`“name” ${problem}`]);
    expect(messagesWith({ files: [{ name, root: '.' }] })).toEqual([`“name” ${problem}`]);
    expect(messagesWith({ databases: [{ name, url: 'sqlite:x' }] })).toEqual([`“name” ${problem}`]);
  });

  it.each([['.env'], ['a b'], ['console'], ['中文'], ['été'], ['😀'], ['com10'], ['-x'], ['a.b']])(
    'takes the name %j',
    (name) => {
      expect(messagesWith({ name })).toEqual([]);
    },
  );

  it('has names of roots and databases differ also on disks that ignore case', () => {
    const twice = 'stands here twice; names must differ';
    expect(messagesWith({ files: [{ root: '.' }, { root: 'x' }] })).toEqual([
      'the root “workspace” stands here twice; give one of them a “name”',
    ]);
    expect(messagesWith({ files: [{ root: '.' }, { name: 'Workspace', root: 'x' }] })).toEqual([
      `the root “Workspace” ${twice}`,
    ]);
    const databases = ['é', 'E\u0301'].map((name) => ({ name, url: 'sqlite:x' }));
    expect(messagesWith({ databases })).toEqual([`the database “E\u0301” ${twice}`]);
    expect(messagesWith({ databases: [{ name: 'workspace', url: 'sqlite:x' }] })).toEqual([]);
  });

  it.each([
    ['src\\cache', 'must have “/” between names, not “\\”'],
    ['#x', 'begins with “#”, which is a comment in such patterns; write “\\#”'],
    ['./data/**', 'must not have a segment “.”: patterns begin at the root'],
    ['../x', 'cannot lead out of the root with “..”'],
    ['~/x', 'is matched below the root, so it cannot be an absolute path'],
    ['C:/x', 'is matched below the root, so it cannot be an absolute path'],
    ['a//b', 'must not contain “//”'],
    ['/', 'must name something after “/”'],
    ['', 'must not be empty'],
    ['a\n', 'must not contain control characters'],
    ['a\\', 'must not end with “\\”'],
    ['*.{twig,html}', `has braces, ${NO_BRACES}`],
    ['custom/{a,{b,c}}/**', `has braces, ${NO_BRACES}`],
    ['${env:X}/a', 'takes no variables; put them into “root”'],
  ])('refuses the pattern %j, which git would silently never match', (pattern, problem) => {
    expect(messagesWith({ files: [{ root: '.', include: [pattern] }] })).toEqual([
      `item 1 of “include” ${problem}`,
    ]);
    expect(messagesWith({ files: [{ root: '.', exclude: ['ok', pattern] }] })).toEqual([
      `item 2 of “exclude” ${problem}`,
    ]);
  });

  it('takes braces that are names', () => {
    const include = ['\\{a,b}', 'a{b}', '{a', 'a,b}', '[{,}]x', '{{ name }}.html'];
    expect(messagesWith({ files: [{ root: '.', include, exclude: include }] })).toEqual([]);
  });

  it('refuses includes that would take nothing or that exclude', () => {
    expect(messagesWith({ files: [{ root: '.', include: [] }] })).toEqual([
      '“include” must not be empty; leave it out to take everything',
    ]);
    expect(messagesWith({ files: [{ root: '.', include: ['!x'] }] })).toEqual([
      'item 1 of “include” begins with “!”; write it under “exclude” without the “!”',
    ]);
  });

  it.each([
    [{ vault: 'rclone:remote' }, '“vault” must name a remote, as “rclone:REMOTE:PATH”'],
    [{ vault: '${secret:X}' }, '“vault” uses ${secret:X}, but a secret cannot be part of it'],
    [{ files: [{ root: '' }] }, '“root” must not be empty; “.” is the workspace itself'],
    [
      { files: [{ root: '~other/x' }] },
      '“root” can begin with “~/”, the home folder, but not with another user’s',
    ],
    [{ databases: [{ name: 'd', url: 'a', command: {} }] }, '“url” and “command” exclude each other'],
    [
      { databases: [{ name: 'd', url: 'oracle://x' }] },
      '“url” must begin with mysql://, mariadb://, postgresql:// or sqlite:FILE; write “command” for any other database',
    ],
    [
      { databases: [{ name: 'd', command: { dump: 'a', restore: 'b' }, tools: '/x' }] },
      '“tools” belongs to “url”; “command” names its tools itself',
    ],
    [{ databases: [{ name: 'd', command: { dump: 'a' } }] }, '“restore” is missing'],
    [
      { schedule: [{ kind: 'ful', every: 'day' }] },
      '“kind” must be one of “auto”, “full”, “incremental”, “differential”, “drill”, “verify”; did you mean “full”?',
    ],
    [{ schedule: [{ every: 'day', at: '24:00' }] }, '“at” must be a time between “00:00” and “23:59”'],
    [{ schedule: [{ every: 'hour', at: '10:00' }] }, '“at” means nothing for every hour; leave it out'],
    [{ schedule: [{ every: 'day', on: 'monday' }] }, '“on” means nothing for every day; leave it out'],
    [{ schedule: [{ every: 'week', on: 3 }] }, '“on” must be a weekday for every week, as “monday”'],
    [
      { schedule: [{ every: 'month', on: 'monday' }] },
      '“on” must say which monday of the month, as “first monday”, or be a day from 1 to 31',
    ],
    [{ schedule: [{ every: 'week', on: 'last' }] }, '“on” must be a weekday for every week, as “monday”'],
    [
      {
        schedule: [
          { every: 'day', at: '02:00' },
          { kind: 'auto', every: 'day', at: '02:00' },
        ],
      },
      'this schedule stands here twice',
    ],
    [{ schedule: [{ every: 'day', anyTime: 'yes' }] }, '“anyTime” must be true or false, not a text'],
    [
      { schedule: [{ every: 'month', on: '2020-01-01' }] },
      '“on” is a date, which never comes again; it must be a weekday, as “monday”, a day of the month from 1 to 31, “first” or “last”, or one as “first monday” or “last friday”',
    ],
    [
      { schedule: [{ every: 'month', on: '2020-02-30' }] },
      '“on” is a date, which never comes again; it must be a weekday, as “monday”, a day of the month from 1 to 31, “first” or “last”, or one as “first monday” or “last friday”',
    ],
    [{ offPeak: [] }, '“offPeak” must not be empty; leave it out to start at any time'],
    [{ offPeak: { from: '20:00' } }, '“to” is missing'],
    [{ offPeak: [{ from: '20:00', too: '07:00' }] }, 'unknown key “too”; did you mean “to”?'],
    [{ offPeak: [{ from: '20:00', to: '07:60' }] }, '“to” must be a time between “00:00” and “23:59”'],
    [{ offPeak: 'night' }, '“offPeak” must be an object or a list of them'],
    [
      {
        offPeak: [
          { from: '12:00', to: '13:00' },
          { from: '20:00', to: '07:00' },
          { from: '06:00', to: '08:00' },
        ],
      },
      'this window overlaps with item 2 of “offPeak”; make one of them',
    ],
    [{ schedule: [{ every: 'month', on: 32 }] }, '“on” must be a day of the month from 1 to 31'],
    [
      { schedule: [{ every: 'week', on: 'freitag' }] },
      '“on” must be a weekday, as “monday”, a day of the month from 1 to 31, “first” or “last”, or one as “first monday” or “last friday”',
    ],
    [{ offPeak: { from: '07:00', to: '07:00' } }, '“to” must differ from “from”'],
    [{ retention: { last: -1 } }, '“last” must not be negative'],
    [{ retention: { safetyDays: 1e8 } }, '“safetyDays” must not be more than 99999'],
    [{ retention: { last: 1.5 } }, '“last” must be a whole number'],
    [
      { retention: { last: 0, daily: 0 } },
      '“retention” keeps no backup at all; leave it out to keep every one',
    ],
    [{ retention: [] }, '“retention” must be an object, not a list'],
    [
      { replicas: ['nas'] },
      'item 1 of “replicas” must be an rclone remote and path, as “gdrive:crm-backups”',
    ],
    [{ replicas: ['a:b', 'a:b'] }, 'the replica “a:b” stands here twice'],
    [{ migrations: [{ label: 'x', command: ' ' }] }, '“command” must not be empty'],
    [{ hooks: { before: { command: 'a\0' } } }, '“command” must not contain a NUL character'],
    [{ migrations: [{ label: 'x', command: 'a\0' }] }, '“command” must not contain a NUL character'],
    ...(['dump', 'restore'] as const).map((key): [Record<string, unknown>, string] => [
      { databases: [{ name: 'd', command: { dump: 'd', restore: 'r', [key]: 'a\0' } }] },
      `“${key}” must not contain a NUL character`,
    ]),
    [{ fullEvery: -1 }, '“fullEvery” must not be negative'],
  ])('refuses %j', (more, message) => {
    expect(messagesWith(more)).toContain(message);
  });

  it.each(['[', '{"a":'])('refuses what is nested too deep for anybody, where that begins: %s', (open) => {
    for (const text of [`{\n"version": ${open.repeat(20_000)}`, `{\n"sets": ${open.repeat(20_000)}1`]) {
      expect(() => parseSetFile(text)).toThrow(/line 2, column \d+: this is nested too deep/);
    }
  });

  it('never repeats a value that stands in the wrong place, as it may be a password', () => {
    const secret = 'hunter2-xyz';
    const text = JSON.stringify({
      version: secret,
      sets: [{ name: 'crm', fullEvery: secret, databases: [{ name: 'd', url: `foo://u:${secret}@h/d` }] }],
    });
    expect(issuesOf(text)).toHaveLength(3);
    expect(issuesOf(text).join('\n')).not.toContain(secret);
  });

  it('answers any text with a set file or with an error that has a place in the text', () => {
    const words = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"sets"',
      '"name"',
      '"files"',
      '1',
      'null',
      '"a"',
      '\n',
      '//',
      '"',
    );
    const json = fc.jsonValue().map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(words).map((all) => all.join('')),
          json,
        ),
        (text) => {
          const lines = text.split('\n');
          try {
            parseSetFile(text);
          } catch (error) {
            if (!(error instanceof SetError)) throw error;
            expect(error.issues.length).toBeGreaterThan(0);
            for (const { line, column } of error.issues) {
              expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
