export const CACHE_SCHEMA = '';
