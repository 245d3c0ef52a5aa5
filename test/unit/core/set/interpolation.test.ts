import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DatabaseAddress } from '../../../../src/core/database/engine.ts';
import { parsePostgresAddress } from '../../../../src/core/database/postgres/address.ts';
import {
  interpolate,
  interpolateUrl,
  secretsFromEnvironment,
  type Variables,
  variableProblem,
} from '../../../../src/core/set/interpolation.ts';

const variables: Variables = {
  env: { HOST: 'db.local', PASSWORD: 'p@ss/wo:rd#?%', EMPTY: '', QUERY: 'sslmode=require&user=crm' },
  userHome: '/home/ada',
  workspaceFolder: '/srv/crm',
  secret: (name) => Promise.resolve(name === 'crm-db' ? '${env:HOST}' : undefined),
  config: (key) => Promise.resolve(key === 'database.user' ? 'espo' : undefined),
};

describe('variables of the set file', () => {
  it('are replaced, each by its own source, and once', async () => {
    const text =
      '${userHome}|${workspaceFolder}|${env:HOST}|${env:EMPTY}|${config:database.user}|$HOME|${secret:crm-db}';
    expect(await interpolate(text, variables, 'It')).toBe(
      '/home/ada|/srv/crm|db.local||espo|$HOME|${env:HOST}',
    );
  });

  it('that are missing are told in one sentence with the next step', async () => {
    const subject = 'The root “workspace” of set “crm”';
    await expect(interpolate('${env:NONE}', variables, subject)).rejects.toMatchObject({
      code: 'missing-variable',
      message: `${subject} uses the environment variable NONE, which is not set.`,
      hint: 'Set NONE and start again.',
    });
    await expect(interpolate('${env:constructor}', variables, subject)).rejects.toMatchObject({
      code: 'missing-variable',
    });
    await expect(interpolate('${secret:my key}', variables, subject)).rejects.toMatchObject({
      code: 'missing-variable',
      message: `${subject} uses the secret “my key”, which is not known.`,
      hint: 'Set CRM_BACKUP_SECRET_MY_KEY, or enter the secret in VS Code.',
    });
    await expect(
      interpolate('${config:x}', { ...variables, config: undefined }, subject),
    ).rejects.toMatchObject({
      code: 'missing-variable',
      message: `${subject} uses “x” of the CRM’s config file, which this version cannot read.`,
      hint: 'Write it as ${env:NAME} or ${secret:NAME}.',
    });
    await expect(interpolate('${file}', variables, subject)).rejects.toMatchObject({
      code: 'unknown-variable',
    });
  });

  it('never bring a value into an error', async () => {
    const text = 'mysql://${secret:crm-db}:${env:PASSWORD}@${env:NONE}/x';
    for (const read of [interpolate, interpolateUrl]) {
      const error: unknown = await read(text, variables, 'The URL of database “crm”').catch(
        (error: unknown) => error,
      );
      expect(JSON.stringify([String(error), error])).not.toMatch(/p@ss|HOST/);
    }
  });

  it('are known before they are used', () => {
    expect(variableProblem('${env:A}${userHome}${workspaceFolder}', 'no-secrets')).toBeUndefined();
    expect(variableProblem('${secret:A}${config:B}', 'secrets')).toBeUndefined();
    expect(variableProblem('x${secret:A}', 'no-secrets')).toBe(
      'uses ${secret:A}, but a secret cannot be part of it',
    );
    for (const unknown of ['${env:}', '${workspaceRoot}', '${}', '${ENV:A}']) {
      expect(variableProblem(unknown, 'secrets')).toContain(`uses ${unknown}, but only`);
    }
  });
});

describe('a database URL', () => {
  it('holds any password, because a value is taken literally there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1 }), async (password) => {
        const read = async (written: string) =>
          interpolateUrl(written, { ...variables, env: { PASSWORD: password } }, 'It');
        const parsed = new URL(await read('mysql://crm:${env:PASSWORD}@127.0.0.1:3306/crm'));
        expect(decodeURIComponent(parsed.password)).toBe(password);
        expect(parsed.host + parsed.pathname).toBe('127.0.0.1:3306/crm');
        for (const written of [
          'postgresql://crm:${env:PASSWORD}@h/crm?sslmode=require',
          'postgresql://h/crm?user=crm&password=${env:PASSWORD}&sslmode=require',
          'postgresql://crm@h/crm?password=${env:PASSWORD}&sslmode=require',
        ]) {
          const address = { name: 'crm', url: await read(written), workspace: '/' };
          const expected = { user: 'crm', password, host: 'h', database: 'crm', tls: 'require' };
          expect(parsePostgresAddress(address as DatabaseAddress)).toMatchObject(expected);
        }
      }),
    );
  });

  it.each([
    [
      'mysql://crm:${env:PASSWORD}@${env:HOST}/x?a=${env:HOST}',
      'mysql://crm:p%40ss%2Fwo%3Ard%23%3F%25@db.local/x?a=db.local',
    ],
    ['mysql://a%40b:${env:PASSWORD}x@h/d', 'mysql://a%40b:p%40ss%2Fwo%3Ard%23%3F%25x@h/d'],
    ['mysql://${env:HOST}/d@b', 'mysql://db.local/d@b'],
    ['sqlite:${workspaceFolder}/var/a@b.db', 'sqlite:/srv/crm/var/a@b.db'],
    ['${config:database.user}', 'espo'],
    ['postgresql://h/d?a=${env:PASSWORD}&b=1', 'postgresql://h/d?a=p%40ss%2Fwo%3Ard%23%3F%25&b=1'],
    ['postgresql://h/d?${env:QUERY}', 'postgresql://h/d?sslmode=require&user=crm'],
  ])('%s becomes %s', async (written, url) => {
    expect(await interpolateUrl(written, variables, 'It')).toBe(url);
  });
});

it('a secret of the command line is an environment variable', async () => {
  const secret = secretsFromEnvironment({ 'CRM_BACKUP_SECRET_a-b': '1', CRM_BACKUP_SECRET_A_B: '2' });
  expect(await secret('a-b')).toBe('1');
  expect(await secret('a.b')).toBe('2');
  expect(await secret('c')).toBeUndefined();
});
