/** Styles that a page imports: they are bundled beside its script. */
declare module '*.css';
