-- Everything a database may hold, for round trips.
CREATE ROLE "Sales Team" NOLOGIN;
COMMENT ON DATABASE every IS 'A comment with '' and \ and 😀';
ALTER DATABASE every SET search_path TO "$user", crm, "Odd Schema";
ALTER DATABASE every SET work_mem TO '5MB';
ALTER DATABASE every SET "app.name" TO 'it''s';
ALTER ROLE "Sales Team" IN DATABASE every SET statement_timeout TO '1min';
GRANT CONNECT, TEMPORARY ON DATABASE every TO "Sales Team";
REVOKE ALL ON DATABASE every FROM PUBLIC;
CREATE EXTENSION citext;
CREATE SCHEMA crm AUTHORIZATION "Sales Team";
CREATE SCHEMA "Odd Schema";
CREATE TYPE crm.mood AS ENUM ('zufrieden', 'böse', 'a''b');
CREATE TYPE crm.address AS (street text, "postal code" varchar(10));
CREATE TYPE crm.span AS RANGE (subtype = float8);
CREATE DOMAIN crm."e-mail" AS text CHECK (VALUE ~ '@') NOT NULL;
CREATE DOMAIN crm.positive AS int CHECK (VALUE > 0);
CREATE COLLATION crm.german (provider = icu, locale = 'de');

CREATE TABLE crm.every_type (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  i2 int2, i8 int8, n numeric, n2 numeric(12, 3), f4 float4, f8 float8, m money, b bool,
  t text, vc varchar(20), c char(8), nm name, ch "char", by bytea,
  d date, tm time, tmz timetz, ts timestamp, tsz timestamptz, iv interval,
  u uuid, j json, jb jsonb, x xml, inet_ inet, cidr_ cidr, mac macaddr, mac8 macaddr8, bt bit(5), vb varbit,
  p point, l line, ls lseg, bx box, pt path, po polygon, ci circle,
  tsv tsvector, tsq tsquery, ia int[], ta text[][], md crm.mood, ma crm.mood[], ad crm.address, ada crm.address[],
  r4 int4range, r8 int8range, nr numrange, tr tsrange, tzr tstzrange, dr daterange, sr crm.span,
  o oid, rc regclass, rt regtype, lsn pg_lsn, em crm."e-mail" DEFAULT 'a@b', po2 crm.positive, cit citext,
  gen int GENERATED ALWAYS AS (i2 * 2) STORED,
  "Weird ""name"", \ tab	😀" text
);
INSERT INTO crm.every_type (i2, i8, n, n2, f4, f8, m, b, t, vc, c, nm, ch, by, d, tm, tmz, ts, tsz, iv, u, j, jb, x,
  inet_, cidr_, mac, mac8, bt, vb, p, l, ls, bx, pt, po, ci, tsv, tsq, ia, ta, md, ma, ad, ada, r4, r8, nr, tr, tzr,
  dr, sr, o, rc, rt, lsn, po2, cit, "Weird ""name"", \ tab	😀")
VALUES
  (-32768, 9223372036854775807, 'NaN', 123456789.125, 1234567.75, 0.1, '-92233720368547758.08', true,
   E'tab\t line\n return\r back\\ quote'' 😀 \b\f\v \\N \\.', '', 'pad', 'name', 'c', '\x00ff5c0a09',
   'infinity', '24:00:00', '23:59:59.999999+15:59', '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59.999999+00',
   '-178000000 years 11 mons -3 days 04:05:06.789', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
   '{"b": 1,   "a": 1.0, "a": 12345678901234567890}', '{"z": 1e400, "a": [null, "\u00e9"]}', '<a>&lt;ü</a>',
   '192.168.0.1/24', '2001:db8::/32', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'1',
   '(1.5,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(2,0))', '<(0,0),1e-300>',
   'fat:1A & cat''s:2', 'fat & (rat | !cat)', '[2:3]={1,NULL}', '{{"a,b","c\"d"},{"NULL",NULL}}', 'a''b',
   '{zufrieden,"böse"}', '("Main St, 1",)', ARRAY[ROW('x"y', NULL)::crm.address], 'empty', '[1,5)', '(,1.5]',
   '["2020-01-01 00:00:00","infinity")', '[2020-01-01 00:00:00+02,)', '[2020-02-28,2020-03-01)', '[0.1,0.3)',
   4294967295, 'crm.every_type', 'crm.mood', '16/B374D848', 1, 'CiText', 'w'),
  (32767, -9223372036854775808, 1e-100, -0.001, 'NaN', '-Infinity', 0, false, '', 'x', '', '', '', '',
   '0001-01-01 BC', '00:00:00', '00:00:00-15:59', 'infinity', '-infinity', '00:00:00', NULL, 'null', 'null', '',
   '::1', '0.0.0.0/0', NULL, NULL, B'00000', B'', NULL, NULL, NULL, NULL, '((0,0))', NULL, NULL, '', '', '{}', '{}',
   'zufrieden', '{}', ROW(NULL, NULL), '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, '0/0', NULL, '',
   ''),
  (0, 0, 'Infinity', 0, 1e-45, 5e-324, 1.10, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO crm.every_type (f4, f8) SELECT 'infinity', pi() * g / 7 FROM generate_series(1, 100) g;

CREATE TABLE crm.text_key (name text COLLATE crm.german PRIMARY KEY, value int);
INSERT INTO crm.text_key VALUES ('Äpfel', 1), ('apfel', 2), ('Apfel', 3), ('zebra', 4), ('Z', 5), (E'a\tb', 6), ('😀', 7);
CREATE TABLE crm.char_key (code char(4), at timestamptz, mood crm.mood, PRIMARY KEY (code, at, mood));
INSERT INTO crm.char_key SELECT left(chr(33 + g), 3), now() + g * interval '1 day', 'böse' FROM generate_series(0, 90) g;
CREATE TABLE crm.no_key (a text, b int);
INSERT INTO crm.no_key SELECT 'same', g % 2 FROM generate_series(1, 5) g;
CREATE TABLE crm.no_columns ();
INSERT INTO crm.no_columns DEFAULT VALUES;
INSERT INTO crm.no_columns DEFAULT VALUES;
CREATE UNLOGGED TABLE crm.unlogged (id int PRIMARY KEY);
INSERT INTO crm.unlogged VALUES (1), (2);
CREATE TABLE "Odd Schema"."select; -- ""drop""" ("order" int, "user" text UNIQUE NOT NULL);
INSERT INTO "Odd Schema"."select; -- ""drop""" VALUES (1, 'ü');

CREATE TABLE crm.head (id int PRIMARY KEY, tail int);
CREATE TABLE crm.tail (id int PRIMARY KEY, head int REFERENCES crm.head);
INSERT INTO crm.head VALUES (1, NULL);
INSERT INTO crm.tail VALUES (1, 1);
ALTER TABLE crm.head ADD FOREIGN KEY (tail) REFERENCES crm.tail DEFERRABLE INITIALLY DEFERRED;
BEGIN;
UPDATE crm.head SET tail = 1;
COMMIT;

CREATE TABLE crm.log (id bigserial, at date NOT NULL, note text, PRIMARY KEY (id, at, note)) PARTITION BY RANGE (at);
CREATE TABLE crm.log_2024 PARTITION OF crm.log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE crm.log_rest PARTITION OF crm.log DEFAULT PARTITION BY LIST (note);
CREATE TABLE crm.log_rest_a PARTITION OF crm.log_rest FOR VALUES IN ('a');
CREATE TABLE crm.log_rest_b PARTITION OF crm.log_rest DEFAULT;
INSERT INTO crm.log (at, note) VALUES ('2024-05-05', 'x'), ('2030-01-01', 'a'), ('2031-01-01', 'b');
CREATE TABLE crm.parent (id int PRIMARY KEY);
CREATE TABLE crm.child (extra text) INHERITS (crm.parent);
INSERT INTO crm.parent VALUES (1);
INSERT INTO crm.child VALUES (2, 'c');

CREATE FUNCTION crm.fires() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  -- A body with a semicolon; and what looks like a header:
--
-- Name: nothing; Type: TABLE; Schema: crm; Owner: -
--

  RAISE EXCEPTION 'the trigger fired; it''s $body and %', 1;
END $body$;
CREATE TRIGGER fires BEFORE INSERT OR UPDATE ON crm.no_key FOR EACH ROW EXECUTE FUNCTION crm.fires();
CREATE TRIGGER fires BEFORE INSERT OR UPDATE ON crm.log FOR EACH ROW EXECUTE FUNCTION crm.fires();
CREATE CONSTRAINT TRIGGER fires_later AFTER DELETE ON crm.log FOR EACH ROW EXECUTE FUNCTION crm.fires();
CREATE FUNCTION crm.atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 1; SELECT a + 2; END;
CREATE PROCEDURE crm.act() LANGUAGE sql AS 'SELECT 1; SELECT 2';
CREATE VIEW crm.moods AS SELECT md, count(*) AS number FROM crm.every_type GROUP BY md;
CREATE MATERIALIZED VIEW crm.counts AS SELECT count(*) AS n FROM crm.every_type;
CREATE MATERIALIZED VIEW crm.unfilled AS SELECT 1 AS one WITH NO DATA;
CREATE INDEX ON crm.every_type USING gin (jb);
CREATE INDEX expression ON crm.every_type (lower(t)) WHERE b;
CREATE STATISTICS crm.stats ON i2, i8 FROM crm.every_type;
CREATE RULE protect AS ON DELETE TO crm.unlogged DO INSTEAD NOTHING;
CREATE SEQUENCE crm.ahead START 5 INCREMENT 7 MAXVALUE 9000;
SELECT nextval('crm.ahead'), nextval('crm.ahead');
CREATE SEQUENCE crm.untouched START 42;
SELECT setval('crm.log_id_seq', 1000, false);

CREATE TABLE crm.secret (id int PRIMARY KEY, owner name);
INSERT INTO crm.secret VALUES (1, 'x'), (2, 'y');
ALTER TABLE crm.secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON crm.secret TO "Sales Team" USING (owner = current_user);
GRANT SELECT (id), UPDATE ON crm.secret TO "Sales Team" WITH GRANT OPTION;
GRANT USAGE ON SCHEMA crm TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA crm GRANT SELECT ON TABLES TO "Sales Team";
COMMENT ON COLUMN crm.secret.owner IS 'Who; -- may see';
COMMENT ON TABLE crm.secret IS E'Two\nlines';
ALTER TABLE crm.head OWNER TO "Sales Team";

SELECT lo_from_bytea(4242, decode(repeat('00ff', 300000), 'hex'));
SELECT lo_create(4243);
COMMENT ON LARGE OBJECT 4242 IS 'A photograph';
GRANT SELECT ON LARGE OBJECT 4242 TO "Sales Team";
ALTER LARGE OBJECT 4243 OWNER TO "Sales Team";
