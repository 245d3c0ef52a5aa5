import { once } from 'node:events';
import type { MessageConnection } from 'vscode-jsonrpc';
import type { SecretSource } from '../core/surroundings.ts';
import { secretOf } from './protocol.ts';

/**
 * The secrets the host keeps. They pass through the channel between the two processes alone: not the environment, nor
 * a file. A host that vanishes while it is asked knows none.
 */
export function secretsOfHost(connection: MessageConnection): SecretSource {
  const gone = once(process, 'disconnect').then(() => null);
  return async (name, workspace) => {
    const told = connection.sendRequest(secretOf, { name, workspace }).catch(() => null);
    return (await Promise.race([told, gone])) ?? undefined;
  };
}
