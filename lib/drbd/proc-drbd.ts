export * from '../dialects/proc-drbd';
