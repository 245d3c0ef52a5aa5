const HIDDEN = '***';

/**
 * Takes secrets out of a text before it is logged or shown: passwords in addresses, values of settings and
 * variables that are named like secrets, recovery keys. Pure.
 */
export function redact(text: string): string {
  return (
    text
      // scheme://user:password@host
      .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/]*):[^\s/]+@/gi, `$1:${HIDDEN}@`)
      // password=…, "api_key": "…", CRM_BACKUP_PASSPHRASE=…
      .replace(
        /((?:pass(?:word|phrase|wd)?|secret|token|api[_-]?key|recovery[_-]?key)[\w-]*["']?\s*(?:=>|[=:])\s*)("[^"]*"|'[^']*'|[^\s,;&"']+)/gi,
        `$1${HIDDEN}`,
      )
      // The argument after such an option.
      .replace(/(--(?:password|passphrase|token|secret)\s+)\S+/gi, `$1${HIDDEN}`)
  );
}
