export * from './family';
export * from './message';
