/** The vocabulary of the sample CRM: invented people, firms and phrases in several scripts. */

export const firstNames = [
  'Amélie', 'Björn', 'Carlos', 'Daria', 'Émile', 'Fatima', 'Giulia', 'Håkon', 'Ingrid', 'João',
  'Katarzyna', 'Łukasz', 'María', 'Noor', 'Oluwaseun', 'Priya', 'Quentin', 'Rasmus', 'Søren', 'Tomáš',
  'Ulrike', 'Valentina', 'Wei', 'Xiulan', 'Yuki', 'Zoë', '秀英', '伟', '美咲', '지우', 'Алексей', 'Ελένη', 'ليلى', 'נועה',
] as const; // prettier-ignore

export const lastNames = [
  'Andersson', 'Bianchi', 'Çelik', 'Dvořák', 'Eriksen', 'Fernández', 'García', 'Hoffmann', 'Ivanova', 'Jansen',
  'Kowalski', 'Lefèvre', 'Müller', 'Nakamura', "O'Connor", 'Petrov', 'Quispe', 'Rossi', 'Schäfer', 'Tanaka',
  'Ünal', 'van der Berg', 'Wójcik', 'Yılmaz', 'Zhang', '王', '李', '佐藤', '김', 'Παπαδόπουλος',
] as const; // prettier-ignore

export const companies = [
  'Acme Robotics', 'Blue Harbor Foods', 'Crane & Sons', 'Delta Optics', 'Eastwind Logistics', 'Fjord Energi AS',
  'Großmann GmbH', 'Helix Biotech', 'Ibérica Solar', 'Jupiter Print', 'Kestrel Insurance', 'Lumière Studio',
  'Morning Star Dairy', 'Northgate Steel', 'Orchid Hotels', 'Pinecone Software', 'Quarry Stone Works',
  'Red Panda Toys', 'Silver Birch Care', 'Tidewater Marine', '上海东方贸易有限公司', '北京蓝天科技', '株式会社さくら',
] as const; // prettier-ignore

export const cities = [
  'Amsterdam', 'Berlin', 'Chicago', 'Dublin', 'Edinburgh', 'Firenze', 'Göteborg', 'Helsinki', 'İstanbul', 'Kraków',
  'Lisboa', 'Málaga', 'Nairobi', 'Oslo', 'Praha', 'Québec', 'Reykjavík', 'São Paulo', 'Tōkyō', 'Zürich', '上海', '深圳',
] as const; // prettier-ignore

export const stages = [
  'prospecting',
  'qualification',
  'proposal',
  'negotiation',
  'closedWon',
  'closedLost',
] as const;

export const industries = [
  'manufacturing', 'retail', 'healthcare', 'education', 'energy', 'finance', 'hospitality', 'logistics', 'public',
] as const; // prettier-ignore

export const phrases = [
  'Called about the renewal; asked for a quote with two user tiers.',
  'Prefers mail over phone. Do not call before ten.',
  'Met at the fair, stand 4B. Wants a demo of the mobile app 📱.',
  'Invoice 30 days, discount agreed with the regional lead.',
  'Contract signed 🎉 — onboarding starts next Monday.',
  'Complained about late delivery; sent an apology and a voucher.',
  '客户希望在下个季度之前完成迁移。',
  '已发送报价单，等待采购部门确认 ✅',
  'Rappelé le client : il attend la nouvelle version du devis.',
  'Ansprechpartner hat gewechselt, bitte Stammdaten prüfen.',
  'El pedido se duplicó; se anuló el segundo.',
  'Follow up after the board meeting. Decision expected by month end.',
  'Technical contact asked for the API reference and a sandbox key.',
  'Budget is frozen until April; keep warm with the newsletter.',
  '見積もりを再送しました。来週返事が来る予定です。',
] as const;

/** Nouns that name the custom modules of the sample CRM, in PascalCase. */
export const moduleNames = [
  'Accounts', 'Contacts', 'Leads', 'Opportunities', 'Quotes', 'Invoices', 'Contracts', 'Cases', 'Campaigns',
  'Meetings', 'Calls', 'Tasks', 'Notes', 'Documents', 'Products', 'PriceBooks', 'Vendors', 'PurchaseOrders',
  'SalesOrders', 'Assets', 'Subscriptions', 'Territories', 'Forecasts', 'Surveys', 'KnowledgeBase', 'Events',
  'Projects', 'Milestones', 'TimeSheets', 'Expenses', 'Partners', 'Referrals', 'Loyalty', 'Warranties', 'Returns',
  'LegacyCampaigns',
] as const; // prettier-ignore

/** Fields a module may have: name, type, and its label in each language of the sample. */
export const fields = [
  { name: 'name', type: 'varchar', en: 'Name', de: 'Name', zh: '名称' },
  { name: 'status', type: 'enum', en: 'Status', de: 'Status', zh: '状态' },
  { name: 'amount', type: 'currency', en: 'Amount', de: 'Betrag', zh: '金额' },
  { name: 'closeDate', type: 'date', en: 'Close Date', de: 'Abschlussdatum', zh: '结束日期' },
  { name: 'description', type: 'text', en: 'Description', de: 'Beschreibung', zh: '描述' },
  { name: 'assignedUser', type: 'link', en: 'Assigned User', de: 'Zugewiesen an', zh: '负责人' },
  { name: 'emailAddress', type: 'email', en: 'E-mail ✉️', de: 'E-Mail ✉️', zh: '电子邮件 ✉️' },
  { name: 'phone_work', type: 'phone', en: 'Office Phone', de: 'Telefon (Büro)', zh: '办公电话' },
  { name: 'probability', type: 'int', en: 'Probability', de: 'Wahrscheinlichkeit', zh: '可能性' },
  { name: 'source', type: 'enum', en: 'Source', de: 'Quelle', zh: '来源' },
  { name: 'billingCity', type: 'varchar', en: 'Billing City', de: 'Rechnungsort', zh: '账单城市' },
  { name: 'isActive', type: 'bool', en: 'Active', de: 'Aktiv', zh: '启用' },
  { name: 'priority', type: 'enum', en: 'Priority 🔥', de: 'Priorität 🔥', zh: '优先级 🔥' },
  { name: 'createdAt', type: 'datetime', en: 'Created', de: 'Erstellt', zh: '创建时间' },
  { name: 'modifiedAt', type: 'datetime', en: 'Modified', de: 'Geändert', zh: '修改时间' },
  { name: 'discount', type: 'float', en: 'Discount', de: 'Rabatt', zh: '折扣' },
] as const;

export type Field = (typeof fields)[number];
