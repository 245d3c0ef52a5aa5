import { crc32, deflateSync } from 'node:zlib';
import type { Random } from './random.ts';
import { phrases } from './words.ts';

/** A picture of noise as a valid PNG of about `bytes` bytes: like a photo, it does not compress. */
export function createPng(bytes: number, random: Random): Buffer {
  const width = Math.max(4, Math.round(Math.sqrt(bytes / 3)));
  const height = width;
  const rows: Buffer[] = [];
  for (let row = 0; row < height; row += 1) rows.push(Buffer.of(0), random.bytes(width * 3));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits a channel, RGB
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.concat(rows), { level: 1 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/** Bytes that start and end as a JPEG does and do not compress between. */
export function createJpeg(bytes: number, random: Random): Buffer {
  return Buffer.concat([
    Buffer.from('ffd8ffe000104a46494600010101004800480000', 'hex'),
    random.bytes(Math.max(0, bytes - 22)),
    Buffer.from('ffd9', 'hex'),
  ]);
}

/** A PDF of one page: readable objects around a compressed content stream of about `bytes` bytes. */
export function createPdf(bytes: number, title: string, random: Random): Buffer {
  const stream = deflateSync(random.bytes(Math.max(16, bytes - 600)), { level: 1 });
  const head = `%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >> endobj
5 0 obj << /Title (${title}) /Subject (${random.pick(phrases.slice(0, 4))}) >> endobj
4 0 obj << /Filter /FlateDecode /Length ${String(stream.length)} >> stream
`;
  return Buffer.concat([
    Buffer.from(head),
    stream,
    Buffer.from('\nendstream endobj\ntrailer << /Root 1 0 R /Info 5 0 R >>\n%%EOF\n'),
  ]);
}
