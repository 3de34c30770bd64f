export { machineFiles } from '../transport/machine-files';
