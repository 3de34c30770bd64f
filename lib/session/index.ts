export * from './counters';
export * from './pool';
export * from './request-socket';
export * from './subscription';
export * from './wait';
