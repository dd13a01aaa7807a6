export const QUEUE_SCHEMA = '';
