import { expect, test } from 'vitest';
import { gitLocale } from '../../../src/core/git.ts';
import { historyEnvironment } from '../../../src/core/history/repository.ts';

test('git is run in a locale of UTF-8, the user’s own where it is one, and speaks English', () => {
  const type = (environment: Record<string, string>, platform: NodeJS.Platform = 'linux'): unknown =>
    gitLocale(environment, platform)['LC_CTYPE'];
  expect(gitLocale({}, 'linux')).toEqual({ LC_CTYPE: 'C.UTF-8', LC_MESSAGES: 'C' });
  expect(type({}, 'darwin')).toBe('UTF-8');
  expect(type({ LANG: 'de_DE.UTF-8' })).toBe('de_DE.UTF-8');
  expect(type({ LC_ALL: '', LC_CTYPE: 'zh_CN.utf8', LANG: 'C' })).toBe('zh_CN.utf8');
  expect(type({ LC_ALL: 'C', LANG: 'de_DE.UTF-8' })).toBe('C.UTF-8');
  expect(type({ LANG: 'de_DE.ISO-8859-1' }, 'darwin')).toBe('UTF-8');
});

test('no configuration is named as git knows it on every system', () => {
  const environment = historyEnvironment(String.raw`C:\cache\repository.git`);
  expect(environment).toMatchObject({
    GIT_DIR: String.raw`C:\cache\repository.git`,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  });
});
