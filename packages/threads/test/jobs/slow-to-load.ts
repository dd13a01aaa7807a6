/** A module that takes a while to load. */
await new Promise((resolve) => setTimeout(resolve, 400));

export default () => 'loaded';
