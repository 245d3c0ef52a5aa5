import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { QuickReads } from '../../../../src/core/storage/quick-reads.ts';

const MIB = 1024 * 1024;

describe('parts of files', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'crm-backup-quick-'));
    file = join(directory, 'pack');
    fs.writeFileSync(file, '0123456789');
  });
  afterEach(() => {
    vi.restoreAllMocks();
    fs.rmSync(directory, { recursive: true });
  });

  /** Lets each read take as long as the clock says. */
  function taking(ms: number): void {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (now += ms));
  }

  it('are read here', () => {
    taking(0.01);
    const reads = new QuickReads();
    expect(reads.read(file, { offset: 3, length: 4 })?.toString()).toBe('3456');
    expect(reads.read(file, { offset: 10, length: 0 })).toHaveLength(0);
  });

  it('that are not all there are not read here', () => {
    taking(0.01);
    const reads = new QuickReads();
    expect(reads.read(file, { offset: 8, length: 3 })).toBeUndefined();
    expect(reads.read(join(directory, 'none'), { offset: 0, length: 1 })).toBeUndefined();
    expect(reads.read(directory, { offset: 0, length: 1 })).toBeUndefined();
    expect(reads.read(file, { offset: 0, length: 1 })?.toString()).toBe('0');
  });

  it('that take long are left to others for a while', () => {
    taking(10);
    const reads = new QuickReads();
    const read = (): string | undefined => reads.read(file, { offset: 0, length: 1 })?.toString();
    expect(read()).toBe('0');
    const others = Array.from({ length: 64 }, read);
    expect(others.every((part) => part === undefined)).toBe(true);
    expect(read()).toBe('0');
    expect(read()).toBeUndefined();
  });

  it('may take longer when they are longer', () => {
    fs.writeFileSync(file, Buffer.alloc(4 * MIB));
    taking(10);
    const reads = new QuickReads();
    for (let times = 0; times < 3; times++)
      expect(reads.read(file, { offset: 0, length: 4 * MIB })).toHaveLength(4 * MIB);
  });
});
