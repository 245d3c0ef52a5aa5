import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createJpeg, createPdf, createPng } from './attachments.ts';
import { createConfiguration } from './configuration.ts';
import { createModule } from './module-code.ts';
import { createRandom, type Random } from './random.ts';
import { createCsv, createRecord, recordKinds } from './records.ts';
import { moduleNames } from './words.ts';

/** How a sample CRM is made. */
export interface SampleOptions {
  /** The same seed gives the same bytes, modes and file times. Default 1. */
  readonly seed?: number;
  /** 1 (the default) is about 3,000 files and 25 MB; 10 about ten times that. */
  readonly scale?: number;
  /** Whether to add what a backup leaves out: `node_modules`, caches, logs. Default true. */
  readonly leftovers?: boolean;
}

/** What was written. */
export interface SampleSummary {
  /** Files a backup takes with the default excludes. */
  readonly files: number;
  readonly bytes: number;
  /** Files in folders left out by default. */
  readonly leftOut: number;
}

/**
 * Writes a home-grown CRM into `workspace`, laid out as real ones are: configuration with secrets that git
 * ignores, product and custom modules, language files, records, exports, attachments, awkward names.
 * `workspace` is created when missing and must be empty.
 */
export function createSampleCrm(workspace: string, options: SampleOptions = {}): SampleSummary {
  const { seed = 1, scale = 1, leftovers = true } = options;
  const writer = createWriter(workspace, createRandom(`times ${String(seed)}`));
  const stream = (use: string): Random => createRandom(`${use} ${String(seed)}`);

  for (const { path, text } of createConfiguration(stream('configuration'))) writer.write(path, text);
  writeModules(writer, scale, stream('modules'));
  writeRecords(writer, scale, stream('records'));
  writeAttachments(writer, scale, stream('attachments'));
  writeAwkward(writer, stream('awkward'));
  const { files, bytes } = writer.count();
  if (leftovers) writeLeftovers(writer, scale, stream('leftovers'));
  return { files, bytes, leftOut: writer.count().files - files };
}

interface Writer {
  write(path: string, content: string | Buffer): void;
  directory(path: string): void;
  link(path: string, target: string): void;
  mode(path: string, mode: number): void;
  count(): { readonly files: number; readonly bytes: number };
}

function createWriter(workspace: string, random: Random): Writer {
  const made = new Set<string>();
  let files = 0;
  let bytes = 0;
  const directory = (path: string): void => {
    if (made.has(path)) return;
    made.add(path);
    mkdirSync(join(workspace, path), { recursive: true });
  };
  return {
    directory,
    write(path, content) {
      directory(dirname(path));
      const absolute = join(workspace, path);
      writeFileSync(absolute, content, { flag: 'wx' });
      // Files of a CRM are months old; one time for all of them would hide what a backup must bring back.
      const seconds = 1_700_000_000 + random.integer(0, 40_000_000) + random.integer(0, 999) / 1000;
      utimesSync(absolute, seconds, seconds);
      files += 1;
      bytes += Buffer.byteLength(content);
    },
    link(path, target) {
      directory(dirname(path));
      symlinkSync(target, join(workspace, path));
    },
    mode(path, mode) {
      chmodSync(join(workspace, path), mode);
    },
    count: () => ({ files, bytes }),
  };
}

function writeModules(writer: Writer, scale: number, random: Random): void {
  const rounds = Math.max(1, Math.round(scale));
  // A migration needs the second (Contacts) and the last (LegacyCampaigns).
  const count = Math.max(2, Math.ceil(moduleNames.length * Math.min(1, scale)));
  const names = moduleNames.filter((_, index) => index < count || index === moduleNames.length - 1);
  for (let round = 0; round < rounds; round += 1) {
    const suffix = round === 0 ? '' : String(round + 1);
    for (const name of names) {
      for (const { path, text } of createModule(`${name}${suffix}`, random)) {
        writer.write(`app/Modules/${name}${suffix}/${path}`, text.replaceAll('Custom\\', 'App\\'));
        if (random.oneIn(2)) writer.write(`custom/modules/${name}${suffix}/${path}`, `${text}\n`);
      }
    }
  }
  writer.write(
    'app/bootstrap.php',
    "<?php\n\nspl_autoload_register(static fn (string $class) => require __DIR__ . '/../' . strtr($class, '\\\\', '/') . '.php');\n",
  );
}

function writeRecords(writer: Writer, scale: number, random: Random): void {
  for (const kind of recordKinds) {
    for (let index = 0; index < Math.round(350 * scale); index += 1) {
      const record = createRecord(kind, random);
      const id = String(record['id']);
      writer.write(
        `data/records/${kind}/${id.slice(0, 1)}/${id}.json`,
        `${JSON.stringify(record, null, 2)}\n`,
      );
    }
    writer.write(`data/exports/${kind}s.csv`, createCsv(Math.round(26_000 * scale), random));
  }
}

function writeAttachments(writer: Writer, scale: number, random: Random): void {
  for (let index = 0; index < Math.round(260 * scale); index += 1) {
    const folder = `data/upload/${String(random.integer(2021, 2024))}/${String(random.integer(1, 12)).padStart(2, '0')}`;
    const name = random.bytes(12).toString('hex');
    const bytes = random.oneIn(16) ? random.integer(100_000, 400_000) : random.integer(2_000, 30_000);
    switch (random.integer(0, 2)) {
      case 0:
        writer.write(`${folder}/${name}`, createJpeg(bytes, random)); // CRMs often keep no extension
        break;
      case 1:
        writer.write(`${folder}/${name}.png`, createPng(bytes, random));
        break;
      default:
        writer.write(`${folder}/${name}.pdf`, createPdf(bytes, `Offer ${name}`, random));
    }
  }
}

/** Names, links and folders that tools stumble over. */
function writeAwkward(writer: Writer, random: Random): void {
  const shared = 'data/shared documents';
  writer.write(`${shared}/Price list 2024 (final) – copy.csv`, createCsv(40, random));
  writer.write(`${shared}/合同 2024/供应商协议 ✅.pdf`, createPdf(8_000, 'Agreement', random));
  writer.write(`${shared}/Ünïcödé/naïve café.txt`, 'Grüße aus Zürich\n');
  writer.write(`${shared}/Ünïcödé/cafe\u0301 decomposed.txt`, 'e and a combining accent\n');
  writer.write(`${shared}/🎉 launch/notes 📝.md`, '# 发布\n\nAll systems go 🚀\n');
  writer.write(`${shared}/${'long name '.repeat(19)}.txt`, 'A name near the limit.\n');
  writer.write(`${shared}/#hash %20 & [brackets] {braces} 'quotes'.txt`, 'Quoting matters.\n');
  writer.write(`${shared}/empty file.txt`, '');
  writer.write(`${shared}/.hidden`, 'hidden\n');
  writer.write(`${shared}/a/b/c/d/e/f/g/h/deep.txt`, 'Deep down.\n');
  writer.directory('data/upload/incoming');
  writer.directory('data/exports/archive/2020');
  writer.directory('custom/client/themes/empty theme');
  writer.link('data/current-export.csv', 'exports/contacts.csv');
  writer.link('public/assets', '../custom/client');
  writer.link('data/unmounted-share', '/mnt/share/that-is-not-there');
  writer.mode('bin/rebuild.php', 0o755);
  writer.mode('bin/backup-cron.sh', 0o750);
  writer.mode('.env', 0o600);
  writer.mode('config/config.php', 0o640);
}

/** What every CRM has lying about and no backup needs. */
function writeLeftovers(writer: Writer, scale: number, random: Random): void {
  for (let index = 0; index < Math.round(120 * scale); index += 1) {
    const name = `node_modules/package-${String(index)}`;
    writer.write(
      `${name}/package.json`,
      `{ "name": "package-${String(index)}", "version": "1.0.${String(index)}" }\n`,
    );
    writer.write(
      `${name}/index.js`,
      `module.exports = ${JSON.stringify(random.bytes(300).toString('hex'))};\n`,
    );
    writer.write(
      `data/cache/templates/${random.bytes(10).toString('hex')}.php`,
      `<?php // compiled ${String(index)}\n`,
    );
  }
  for (let day = 1; day <= 9; day += 1) {
    writer.write(
      `data/logs/crm-2024-05-0${String(day)}.log`,
      `[info] day ${String(day)} started\n`.repeat(500),
    );
  }
}
