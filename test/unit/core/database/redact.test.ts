import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DatabaseError } from '../../../../src/core/database/error.ts';
import { redactError, redactorOf } from '../../../../src/core/database/redact.ts';

describe('what others write about a database', () => {
  it('never shows its password, however it is spelled', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 3, unit: 'grapheme' }), (password) => {
        const written = encodeURIComponent(password);
        const redact = redactorOf(`mysql://crm:${written}@127.0.0.1:3306/crm`);
        const shown = redact(
          `Access denied for mysql://crm:${written}@127.0.0.1:3306/crm (password “${password}”)`,
        );
        expect(shown).not.toContain(`“${password}”`);
        expect(shown).toContain('Access denied');
      }),
    );
  });

  it('shows no secret of a query, and leaves what is none', () => {
    const redact = redactorOf('postgresql://host/crm?user=crm&password=s%26cret&sslmode=require');
    expect(redact('s&cret and s%26cret at host')).toBe('••• and ••• at host');
    expect(redactorOf('postgresql://h/d?password=s+cret')('s cret, s+cret')).toBe('•••, •••');
    expect(redactorOf('sqlite:var/app.db')('var/app.db is locked')).toBe('var/app.db is locked');
  });

  it.each([
    'postgresql://crm:pa@ssw0rd-tail@127.0.0.1:1/d',
    'postgresql://crm@tenant:ssw0rd-tail@127.0.0.1:1/d',
    'mysql://crm:12/ssw0rd-tail@127.0.0.1:1/d',
    'postgresql://crm:pa@host/ssw0rd-tail@127.0.0.1:1/d',
  ])('shows no part of the password in %s, where its signs are written raw', (url) => {
    const redact = redactorOf(url);
    expect(redact('No server answers at ssw0rd-tail:1.')).toBe('No server answers at •••:1.');
  });

  it('keeps code and cause of an error', () => {
    const cause = new Error('underneath');
    const error = new DatabaseError('login-refused', 'Refused: hunter2', { hint: 'Check hunter2.', cause });
    const redacted = redactError(error, redactorOf('mysql://u:hunter2@h/d'));
    expect(redacted).toMatchObject({
      code: 'login-refused',
      message: 'Refused: •••',
      hint: 'Check •••.',
      cause,
    });
    expect(redactError(cause, redactorOf('mysql://u:hunter2@h/d'))).toBe(cause);
  });
});
