export * from './field';
export * from './table';
