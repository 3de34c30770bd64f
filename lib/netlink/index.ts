export * from './acknowledgement';
export * from './address';
export * from './attribute';
export * from './bytes';
export * from './connector';
export * from './generic';
export * from './message';
