import { DatabaseError } from './error.ts';

const HIDDEN = '•••';
/** Lines of a key or certificate, and what base64 makes of a secret, that say something. */
const SHORTEST_LINE = 8;

/**
 * Takes the secrets of a database’s URL out of texts that others wrote: a server’s message, a tool’s stderr. Both the
 * decoded password and its spelling in the URL are hidden.
 */
export function redactorOf(url: string): (text: string) => string {
  return hiding(secretsOf(url));
}

/** Takes secrets out of texts. */
export interface Redactor {
  (text: string): string;
  /** How many characters the longest of what it takes out has. */
  readonly longest: number;
}

/**
 * Takes secrets out of texts that tools wrote, also as URLs and base64 spell them, and each line of one that has several.
 */
export function redactorOfSecrets(written: readonly string[]): Redactor {
  const secrets = new Set<string>();
  for (const secret of written) {
    const lines = secret.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE);
    const encoded = encodeURIComponent(secret);
    const lower = encoded.replace(/%../g, (byte) => byte.toLowerCase());
    for (const each of [secret, ...lines, decoded(secret), encoded, lower, ...inBase64(secret)]) {
      if (each !== '') secrets.add(each);
    }
  }
  const sorted = [...secrets].sort((a, b) => b.length - a.length);
  return Object.assign(hiding(sorted), { longest: sorted[0]?.length ?? 0 });
}

/** What of a secret stands in base64 whatever is before and after it, as a user’s name in a header. */
function inBase64(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const own = (text: string): string =>
      text.slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
    const both = [own(bytes.toString('base64')), own(bytes.toString('base64url'))];
    return both.filter(({ length }) => length >= SHORTEST_LINE);
  });
}

function hiding(secrets: readonly string[]): (text: string) => string {
  return (text) => secrets.reduce((redacted, secret) => redacted.replaceAll(secret, HIDDEN), text);
}

/** The error without secrets; any other than {@link DatabaseError} comes back as it is. */
export function redactError(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { code, message, hint = '', cause } = error;
  if (redact(message) === message && redact(hint) === hint) return error;
  return new DatabaseError(code, redact(message), {
    cause,
    ...(hint === '' ? {} : { hint: redact(hint) }),
  });
}

/** Longest first, so that no part of one is left by another. */
function secretsOf(url: string): string[] {
  const secrets = new Set<string>();
  // Up to the last “@” of all, and also by its parts: raw signs of a password end it earlier for who reads the URL.
  const [, login = ''] = /^[^:]+:\/\/[^:/?#]*:([^?#]*)@/.exec(url) ?? [];
  const passwords = [login, ...login.split(/[@/]/)];
  const fromQuery = [
    ...url.matchAll(/[?&][^=&]*(?:password|passwd|pwd|secret|token)[^=&]*=([^&#]*)/gi),
  ].flatMap(([, value = '']) => [value, value.replaceAll('+', ' ')]);
  for (const written of [...passwords, ...fromQuery].filter((text) => text !== '')) {
    secrets.add(written);
    secrets.add(decoded(written));
  }
  if (url.includes('@')) secrets.add(url);
  return [...secrets].sort((a, b) => b.length - a.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
