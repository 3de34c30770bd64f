export * from './abort';
export { askBatch, type BatchQuestion, type Outcome } from './batch';
export * from './counters';
export { GapWatch } from './gaps';
export * from './pool';
export * from './request-socket';
export * from './subscription';
export * from './wait';
