/**
 * Stands for iconv-lite in the bundles: its tables of Asian charsets are half a megabyte. mysql2 needs it for the login
 * alone, and asks for UTF-8 there; rows and statements never pass through it.
 */
'use strict';

/** @param {string} text */
exports.encode = (text) => Buffer.from(text);
/** @param {Buffer} bytes */
exports.decode = (bytes) => bytes.toString();
exports.getDecoder = () => ({ write: exports.decode, end: () => undefined });
