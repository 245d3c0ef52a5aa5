import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../../scripts/tools.mjs';
import { temporaryFolder, type TemporaryFolder } from './tree.ts';

/** The user `nobody`, as whom servers run that root has started. */
const NOBODY = 65534;

/** Whether certificates can be made here. */
export const hasOpenssl = findTool('openssl') !== undefined;

/** An authority, `NAME.pem` in a folder, and what it has signed: `await using made = makeCertificates()`. */
export interface Certificates extends TemporaryFolder {
  file(name: string): string;
}

/**
 * Makes certificates: the authority `ca.pem`; `server.pem` and `.key` for 127.0.0.1 and localhost; `elsewhere.pem` for another name;
 * `clerk.pem` for the user of that name; and `other.pem`, an authority that has signed none of them.
 */
export function makeCertificates(): Certificates {
  const folder = temporaryFolder();
  const file = (name: string): string => join(folder.path, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync(findTool('openssl')!, args, { stdio: ['ignore', 'ignore', 'ignore'] });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const authority of ['ca', 'other']) {
    const out = ['-keyout', file(`${authority}.key`), '-out', file(`${authority}.pem`)];
    openssl('req', '-x509', ...key, ...out, '-days', '30', '-subj', `/CN=Authority ${authority}`);
  }
  const sign = (name: string, subject: string, names: string, days: string): void => {
    const [request, extensions] = [file(`${name}.csr`), file(`${name}.ext`)];
    writeFileSync(extensions, names === '' ? '' : `subjectAltName=${names}\n`);
    openssl('req', ...key, '-keyout', file(`${name}.key`), '-out', request, '-subj', subject);
    const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...by,
      '-out',
      file(`${name}.pem`),
      '-days',
      days,
      '-extfile',
      extensions,
    );
  };
  sign('server', '/CN=crm', 'IP:127.0.0.1,DNS:localhost', '30');
  sign('elsewhere', '/CN=elsewhere', 'DNS:elsewhere.example', '30');
  sign('clerk', '/CN=clerk', '', '30');
  for (const name of ['server', 'elsewhere']) {
    chmodSync(file(`${name}.key`), 0o600);
    if (process.getuid?.() === 0) chownSync(file(`${name}.key`), NOBODY, NOBODY);
  }
  chmodSync(folder.path, 0o755);
  return { ...folder, file, [Symbol.asyncDispose]: async () => folder[Symbol.asyncDispose]() };
}
