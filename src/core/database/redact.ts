import { DatabaseError } from './error.ts';

const HIDDEN = '•••';
/** Lines of a key or certificate that say something. */
const SHORTEST_LINE = 8;

/**
 * Takes the secrets of a database’s URL out of texts that others wrote: a server’s message, a tool’s stderr. Both the
 * decoded password and its spelling in the URL are hidden.
 */
export function redactorOf(url: string): (text: string) => string {
  return hiding(secretsOf(url));
}

/** Takes secrets out of texts that tools wrote, also as URLs spell them, and each line of one that has several. */
export function redactorOfSecrets(written: readonly string[]): (text: string) => string {
  const secrets = new Set<string>();
  for (const secret of written) {
    const lines = secret.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE);
    for (const each of [secret, ...lines, decoded(secret), encodeURIComponent(secret)]) {
      if (each !== '') secrets.add(each);
    }
  }
  return hiding([...secrets].sort((a, b) => b.length - a.length));
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
