export { attributeSets } from './attributes';
export * from './codes';
export { operations } from './operations';
