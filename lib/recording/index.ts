export * from './format';
export * from './record';
export * from './replay';
