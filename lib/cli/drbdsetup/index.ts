export { personalityOf } from './dispatch';
export { explainUnknownCommand, explainUnknownOption, generationNames } from './text/other-generations';
export { main } from './main';
export { v83 } from './v83';
export { v84, type StatusReply } from './v84';
export { v9 } from './v9';
export * from './run';
export * from './text';
