import type { Random } from './random.ts';
import { cities, companies, firstNames, industries, lastNames, phrases, stages } from './words.ts';

/** The kinds of records the sample CRM keeps as JSON files and exports as CSV. */
export const recordKinds = ['contact', 'account', 'opportunity', 'activity'] as const;
export type RecordKind = (typeof recordKinds)[number];

/** One record as the sample CRM writes it. Field order is the file's order. */
export type SampleRecord = Readonly<Record<string, unknown>>;

/** Makes one record of a kind. */
export function createRecord(kind: RecordKind, random: Random): SampleRecord {
  const id = random.bytes(8).toString('hex');
  const city = random.pick(cities);
  const history = {
    createdAt: timestamp(random),
    modifiedAt: timestamp(random),
    assignedUserId: userId(random),
  };
  switch (kind) {
    case 'contact':
      return {
        id,
        firstName: random.pick(firstNames),
        lastName: random.pick(lastNames),
        accountName: random.pick(companies),
        emailAddress: `contact.${id}@example.com`,
        phone_work: phone(random),
        phone_mobile: random.oneIn(3) ? null : phone(random),
        address: {
          street: `${String(random.integer(1, 250))} Station Road`,
          city,
          postalCode: postalCode(random),
        },
        doNotCall: random.oneIn(10),
        notes: notes(random),
        ...history,
      };
    case 'account':
      return {
        id,
        name: random.pick(companies),
        industry: random.pick(industries),
        phone_work: phone(random),
        website: `https://www.example.org/${id}`,
        annualRevenue: random.integer(10, 90_000) * 1000,
        billing: {
          city,
          postalCode: postalCode(random),
          country: random.pick(['DE', 'CN', 'FR', 'NO', 'US']),
        },
        tags: [random.pick(industries), random.pick(['vip', 'partner', 'trial', '重要'])],
        notes: notes(random),
        ...history,
      };
    case 'opportunity':
      return {
        id,
        name: `${random.pick(companies)} – ${random.pick(['renewal', 'upgrade', 'new business', '续约'])}`,
        stage: random.pick(stages),
        amount: random.integer(100, 9_999_999) / 100,
        currency: random.pick(['EUR', 'USD', 'CNY', 'JPY']),
        probability: random.integer(0, 20) * 5,
        closeDate: timestamp(random).slice(0, 10),
        products: Array.from({ length: random.integer(1, 6) }, () => ({
          sku: `SKU-${String(random.integer(1000, 1400))}`,
          quantity: random.integer(1, 50),
          unitPrice: random.integer(100, 99_999) / 100,
        })),
        notes: notes(random),
        ...history,
      };
    case 'activity':
      return {
        id,
        type: random.pick(['call', 'mail', 'meeting', 'task']),
        subject: random.pick(phrases).slice(0, 40),
        body: Array.from({ length: random.integer(2, 10) }, () => random.pick(phrases)).join('\n\n'),
        durationMinutes: random.integer(1, 24) * 5,
        parent: { type: random.pick(['contact', 'account']), id: random.bytes(8).toString('hex') },
        ...history,
      };
  }
}

/** The columns of a kind's CSV export. */
const csvColumns = ['id', 'name', 'email', 'phone_work', 'city', 'stage', 'amount', 'modifiedAt'] as const;

/** A CSV export of `rows` rows with quoting where it is needed. */
export function createCsv(rows: number, random: Random): string {
  const lines = [csvColumns.join(',')];
  for (let row = 0; row < rows; row += 1) {
    const id = random.bytes(8).toString('hex');
    const cells = [
      id,
      `${random.pick(firstNames)} ${random.pick(lastNames)}`,
      `contact.${id}@example.com`,
      phone(random),
      random.pick(cities),
      random.pick(stages),
      (random.integer(100, 9_999_999) / 100).toFixed(2),
      timestamp(random),
    ];
    lines.push(
      cells.map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(','),
    );
  }
  return `${lines.join('\n')}\n`;
}

function notes(random: Random): string[] {
  return Array.from({ length: random.integer(0, 5) }, () => random.pick(phrases));
}

function phone(random: Random): string {
  return `+${String(random.integer(1, 98))} ${String(random.integer(10, 999))} 555 ${String(random.integer(1000, 9999))}`;
}

function postalCode(random: Random): string {
  return String(random.integer(10_000, 99_999));
}

function userId(random: Random): string {
  return `user-${String(random.integer(1, 40)).padStart(3, '0')}`;
}

function timestamp(random: Random): string {
  return new Date(Date.UTC(2023, 0, 1) + random.integer(0, 63_000_000) * 1000).toISOString();
}
