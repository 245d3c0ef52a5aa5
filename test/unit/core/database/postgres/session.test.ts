import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { connect } from '../../../../../src/core/database/postgres/connect.ts';

/** A message of PostgreSQL's protocol (its documentation, “Message Formats”). */
function message(type: string, content: Buffer): Buffer {
  const head = Buffer.from(`${type}....`);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

const LOGIN_OK = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const GOODBYE = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0'));

it('a server that says welcome and goodbye in one breath is told as a failure', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.concat([LOGIN_OK, READY, GOODBYE])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const url = `postgresql://someone@127.0.0.1:${port}/crm?sslmode=disable`;
    await expect(connect({ name: 'crm', url, workspace: '/' }, {})).rejects.toMatchObject({
      code: 'connection-lost',
    });
  } finally {
    server.close();
  }
});
