export { createBackend, type Backend, type BackendSetup } from './backend';
export { main, type MainOptions } from './drbdsetup';
export { processIo, type Environment, type Io, type Output } from './io';
