export * from './field';
export * from './table';
export * from './attributes';
export * from './tags';
export * from './value';
