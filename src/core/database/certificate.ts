import { readFile } from 'node:fs/promises';
import { systemCode } from '../errors.ts';
import { DatabaseError } from './error.ts';

/** What is wrong with a certificate, by the code Node gives it. */
const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'has expired'],
  ['CERT_NOT_YET_VALID', 'is not valid yet'],
  ['CERT_REVOKED', 'was revoked'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'is for other names'],
  ['HOSTNAME_MISMATCH', 'is for other names'],
]);
const UNTRUSTED =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT|GET_ISSUER_CERT_LOCALLY)|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|CERT_REJECTED|INVALID_CA|INVALID_PURPOSE)$/;

/** Files with which a server is checked, and with which one shows who one is; absolute. */
export interface CertificateFiles {
  /** The authorities that may have signed the server’s certificate. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * The refusal of a server whose certificate was not accepted; undefined for any other failure.
 * @param server as messages call it: `The PostgreSQL server at db.example.com:5432`
 * @param setting the parameter of the URL that names the authorities
 */
export function certificateRefusal(
  error: unknown,
  server: string,
  setting: string,
): DatabaseError | undefined {
  const code = systemCode(error) ?? '';
  const original = error instanceof Error ? (systemCode(error.cause) ?? '') : '';
  for (const each of [original, code]) {
    const problem = UNTRUSTED.test(each)
      ? 'is not signed by an authority that is trusted here'
      : PROBLEMS.get(each);
    if (problem === undefined) continue;
    return new DatabaseError('untrusted-server', `${server} was refused: its certificate ${problem}.`, {
      hint: problem.endsWith('names')
        ? 'Write the host as the certificate has it, or see who really answers there.'
        : `Let “${setting}” in the “url” name the file of the authority that signed it, or see who really answers there.`,
    });
  }
  return undefined;
}

/**
 * The contents of certificate files.
 * @param settings the parameters of the URL that name them, for messages
 * @throws {DatabaseError} `invalid-address`.
 */
export async function readCertificates(
  { ca, cert, key }: CertificateFiles,
  settings: Readonly<Record<keyof CertificateFiles, string>>,
): Promise<{ ca?: string; cert?: string; key?: string }> {
  const contents: { ca?: string; cert?: string; key?: string } = {};
  for (const [kind, file] of Object.entries({ ca, cert, key }) as [
    keyof CertificateFiles,
    string | undefined,
  ][]) {
    if (file === undefined) continue;
    try {
      contents[kind] = await readFile(file, 'utf8');
    } catch (error) {
      const message = `The file ${file} that “${settings[kind]}” of the “url” names cannot be read: ${systemCode(error) ?? 'it failed'}.`;
      throw new DatabaseError('invalid-address', message, {
        cause: error,
        hint: 'Correct its path, which begins at the workspace, or its permissions.',
      });
    }
  }
  return contents;
}
