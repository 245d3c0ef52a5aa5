/**
 * What is wrong with a URL that has “@” in its path: a “/” of the password may have ended the host before it, and what
 * follows would be shown as the name of a database.
 */
export const AT_AFTER_HOST = 'has “@” after the host; write it as %40, and “/” in a password as %2F';
