export { type DemoSite, type DemoSiteOptions, startDemoSite } from './site.ts';
export type { University } from './universities.ts';
