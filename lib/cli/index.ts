export { createBackend, type Backend, type BackendSetup } from './backend';
export { main } from './drbdsetup';
export { processIo, type Environment, type Io, type Output } from './io';
export type { MainOptions } from './tool';
