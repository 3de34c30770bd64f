export * from './codes';
export * from './message';
export { packets } from './packets';
