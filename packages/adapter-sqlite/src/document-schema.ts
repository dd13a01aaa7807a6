export const DOCUMENT_SCHEMA = '';
