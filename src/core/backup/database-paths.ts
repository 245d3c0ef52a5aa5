/** Below `databases/<name>/`: what the database is, a `DatabaseInfo`. */
export const INFO = 'info.json';
/** Below `databases/<name>/`: hashes of the first keys of all chunks of all tables, 32 bits each, little-endian. */
export const ROW_CHUNKS = 'row-chunks';
