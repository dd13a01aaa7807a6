export const COUNTER_SCHEMA = '';
