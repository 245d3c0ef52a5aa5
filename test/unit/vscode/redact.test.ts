import { describe, expect, test } from 'vitest';
import { redact } from '../../../src/vscode/redact.ts';

describe('secrets', () => {
  test.each([
    'mysql://crm:hunter2@127.0.0.1:3306/crm',
    'mysql://crm@tenant:pa@hunter2@127.0.0.1:3306/crm',
    'connecting to postgres://crm:hunter2@db/crm failed',
    'CRM_BACKUP_PASSPHRASE=hunter2',
    '{"password": "hunter2", "user": "crm"}',
    "'password' => 'hunter2'",
    'api_key: hunter2, next',
    'crm-backup --passphrase hunter2 list',
  ])('are taken out of: %s', (text) => {
    expect(redact(text)).not.toContain('hunter2');
    expect(redact(text)).toContain('***');
  });

  test.each([
    'mysql://127.0.0.1:3306/crm',
    'custom/Password.php: 12 bytes',
    'https://example.org/a:b@c',
    'The key does not open the vault at /home/me/vault.',
  ])('are all that is taken out: %s', (text) => expect(redact(text)).toBe(text));
});
