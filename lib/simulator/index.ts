export { realClock, VirtualClock, type Clock } from './clock';
export { createSimulator, Simulator, type HelperAnswer, type MinorView, type SimulatorOptions } from './simulator';
export { listenSimulator, type Listening, type ListeningCounters } from './listen';
export { Network } from './network';
export { BackingDevice, type BackingDeviceOptions, type Metadata, type MetadataPlace } from './backing-device';
export { Faults, type Departure, type FaultTarget, type MessageFault, type RequestFault } from './faults';
export type { Emission, Sender } from './kernel';
export type { State } from './state';
